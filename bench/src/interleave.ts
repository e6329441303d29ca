/**
 * Lets contenders run in turn, `runs` times each, so that what else the machine does meets all of them. One that takes longer
 * than `slowMs` runs in the first turn only.
 */
export async function interleave<R>(
  contenders: Readonly<Record<string, (run: number) => Promise<R>>>,
  runs: number,
  say: (text: string) => void,
  slowMs = Number.POSITIVE_INFINITY,
): Promise<Map<string, R[]>> {
  const done = new Map<string, R[]>(Object.keys(contenders).map((name) => [name, []]));
  const slow = new Set<string>();
  for (let run = 0; run < runs; run++) {
    for (const [name, contend] of Object.entries(contenders).filter(([name]) => !slow.has(name))) {
      say(`run ${run + 1} of ${runs}: ${name}`);
      const start = performance.now();
      done.get(name)?.push(await contend(run));
      if (performance.now() - start > slowMs) slow.add(name);
    }
  }
  return done;
}

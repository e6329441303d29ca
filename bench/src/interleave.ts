/** Lets contenders run in turn, `runs` times each, so that what else the machine does meets all of them. */
export async function interleave<R>(
  contenders: Readonly<Record<string, (run: number) => Promise<R>>>,
  runs: number,
  say: (text: string) => void,
): Promise<Map<string, R[]>> {
  const done = new Map<string, R[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const [name, contend] of Object.entries(contenders)) {
      say(`run ${run + 1} of ${runs}: ${name}`);
      done.get(name)?.push(await contend(run));
    }
  }
  return done;
}

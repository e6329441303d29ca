/** What one contender did, over several runs. */
export interface Result {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly eventsPerCpuSecond: number;
  readonly cpuSecondsPerMillionEvents: number;
  readonly peakRssBytes: number;
}

export interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/** The medians of a contender's runs. */
export function result(name: string, events: number, runs: readonly Run[]): Result {
  const of = (figure: (run: Run) => number) => median(runs.map(figure));
  return {
    name,
    eventsPerSecond: Math.round(of((run) => events / run.seconds)),
    eventsPerCpuSecond: Math.round(of((run) => events / run.cpuSeconds)),
    cpuSecondsPerMillionEvents: round(
      of((run) => (run.cpuSeconds * 1e6) / events),
      3,
    ),
    peakRssBytes: of((run) => run.peakRssBytes),
  };
}

/** How many times as many events Millrace does in a CPU second as each of the others. */
export function ratios(millrace: Result, others: readonly Result[]): Record<string, number> {
  return Object.fromEntries(
    others.map((other) => [other.name, round(millrace.eventsPerCpuSecond / other.eventsPerCpuSecond, 2)]),
  );
}

/** A table in Markdown. */
export function table(results: readonly Result[]): string {
  const [first] = results;
  const rows = results.map((row) => [
    row.name,
    row.eventsPerSecond.toLocaleString("en-US"),
    row.eventsPerCpuSecond.toLocaleString("en-US"),
    row.cpuSecondsPerMillionEvents.toFixed(2),
    `${Math.round(row.peakRssBytes / 1024 ** 2)} MB`,
    row === first || first === undefined ? "" : `${(first.eventsPerCpuSecond / row.eventsPerCpuSecond).toFixed(2)}×`,
  ]);
  const head = ["", "events/s", "events per CPU s", "CPU s per million", "peak RSS", "Millrace does"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(["---", ...head.slice(1).map(() => "---:")]), ...rows.map(line)].join("\n");
}

/** Bars of events per CPU second, as SVG. */
export function plot(results: readonly Result[]): string {
  const most = Math.max(...results.map((row) => row.eventsPerCpuSecond));
  const bars = results.map((row, index) => {
    const [y, width] = [40 + index * 36, (row.eventsPerCpuSecond / most) * 420];
    const label = row.eventsPerCpuSecond.toLocaleString("en-US");
    return (
      `<text x="212" y="${y + 17}" text-anchor="end">${row.name}</text>` +
      `<rect x="220" y="${y}" width="${width.toFixed(1)}" height="24" fill="${index === 0 ? "#2563eb" : "#94a3b8"}"/>` +
      `<text x="${(228 + width).toFixed(1)}" y="${y + 17}">${label}</text>`
    );
  });
  const height = 52 + results.length * 36;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${height}" font-family="sans-serif" font-size="13">` +
    `<text x="12" y="22" font-weight="bold">Query W: events per CPU second</text>${bars.join("")}</svg>\n`
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

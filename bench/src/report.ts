/** What a query has found: figures for machines, and the same for people. */
export interface Report {
  readonly figures: object;
  /** In Markdown. */
  readonly table: string;
  /** SVG. */
  readonly plot?: string;
}

/** What one contender did, over several runs. */
export interface Result {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly eventsPerCpuSecond: number;
  /** The same of each run, in their order. */
  readonly eachEventsPerCpuSecond: readonly number[];
  readonly cpuSecondsPerMillionEvents: number;
  readonly peakRssBytes: number;
  /** Until an event that is passed on can be read, where that was measured. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
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
    eachEventsPerCpuSecond: runs.map((run) => Math.round(events / run.cpuSeconds)),
    cpuSecondsPerMillionEvents: round(
      of((run) => (run.cpuSeconds * 1e6) / events),
      3,
    ),
    peakRssBytes: of((run) => run.peakRssBytes),
  };
}

/** How many times as many events Millrace does in a CPU second as each of the others. */
export function ratios(millrace: Result, others: readonly Result[]): Record<string, number> {
  return Object.fromEntries(others.map((other) => [other.name, round(ratio(millrace, other), 2)]));
}

/** The median over runs, each compared with the other's of the same turn: both met the same load. */
function ratio(some: Result, other: Result): number {
  const [each, others] = [some.eachEventsPerCpuSecond, other.eachEventsPerCpuSecond];
  return median(each.slice(0, others.length).map((figure, run) => figure / (others[run] as number)));
}

/** A table in Markdown. */
export function table(results: readonly Result[]): string {
  const [first] = results;
  const hasLatency = results.some(({ p99Ms }) => p99Ms !== undefined);
  const rows = results.map((row) => [
    row.name,
    whole(row.eventsPerSecond),
    whole(row.eventsPerCpuSecond),
    spread(row.eachEventsPerCpuSecond),
    row.cpuSecondsPerMillionEvents.toFixed(2),
    megabytes(row.peakRssBytes),
    row === first || first === undefined ? "" : `${ratio(first, row).toFixed(2)}×`,
    ...(hasLatency ? [latency(row)] : []),
  ]);
  const head = ["events/s", "events per CPU s", "from–to", "CPU s per million", "peak RSS", "Millrace does"];
  return grid(["", ...head, ...(hasLatency ? ["p50 / p99"] : [])], rows);
}

function latency({ p50Ms, p99Ms }: Result): string {
  return p50Ms === undefined || p99Ms === undefined ? "" : `${whole(p50Ms)} / ${whole(p99Ms)} ms`;
}

/** What a row costs each contender, as a table whose first column is called `head`, and bars. */
export function rowCosts(head: string, results: readonly Result[]): Pick<Report, "table" | "plot"> {
  const rows = results.map((row) => [
    row.name,
    whole(row.eventsPerCpuSecond),
    whole(row.eventsPerSecond),
    megabytes(row.peakRssBytes),
  ]);
  const values = results.map(({ name, eventsPerCpuSecond: value }) => ({ name, value }));
  return {
    table: grid([head, "rows per CPU s", "rows/s", "peak RSS"], rows),
    plot: bars("Rows per CPU second", values),
  };
}

/** Rows below their heads, in Markdown; all but the first column are numbers. */
export function grid(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(["---", ...head.slice(1).map(() => "---:")]), ...rows.map(line)].join("\n");
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function megabytes(bytes: number): string {
  return `${whole(bytes / 1024 ** 2)} MB`;
}

/** The least and the greatest of several runs; nothing of one. */
function spread(values: readonly number[]): string {
  return values.length < 2 ? "" : `${whole(Math.min(...values))}–${whole(Math.max(...values))}`;
}

/** Bars of events per CPU second, as SVG. */
export function plot(title: string, results: readonly Result[]): string {
  const values = results.map((row) => ({ name: row.name, value: row.eventsPerCpuSecond }));
  return bars(`${title}: events per CPU second`, values);
}

/** A bar a value, as SVG; the first is what the plot is about. */
export function bars(title: string, values: readonly { name: string; value: number }[]): string {
  const most = Math.max(...values.map(({ value }) => value));
  const drawn = values.map(({ name, value }, index) => {
    const [y, width] = [40 + index * 36, (value / most) * 420];
    const label = whole(value);
    return (
      `<text x="212" y="${y + 17}" text-anchor="end">${name}</text>` +
      `<rect x="220" y="${y}" width="${width.toFixed(1)}" height="24" fill="${index === 0 ? "#2563eb" : "#94a3b8"}"/>` +
      `<text x="${(228 + width).toFixed(1)}" y="${y + 17}">${label}</text>`
    );
  });
  const height = 52 + values.length * 36;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${height}" font-family="sans-serif" font-size="13">` +
    `<text x="12" y="22" font-weight="bold">${title}</text>${drawn.join("")}</svg>\n`
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle) - 1] as number)) / 2;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

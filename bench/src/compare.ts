import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { CACHE, ROOT } from "../../test/harness/paths.js";
import { interleave } from "./interleave.js";
import { grid, median, type Report } from "./report.js";

export interface CompareOptions {
  readonly ref: string;
  readonly query: string;
  readonly runs: number;
  /** What the query is run with besides. */
  readonly args: readonly string[];
}

/** A contender of a query, as its report has it. */
interface Found {
  readonly name: string;
  readonly eventsPerSecond: number;
  readonly cpuSecondsPerMillionEvents: number;
  readonly peakRssBytes: number;
}

const FIGURES = [
  ["CPU s per million events", "cpuSecondsPerMillionEvents"],
  ["peak RSS", "peakRssBytes"],
  ["events/s", "eventsPerSecond"],
] as const;

/**
 * Runs a query with the job and the core of another commit and with this clone's in turn, on the same events: what has
 * changed, as ratios of each turn.
 */
export async function compare(options: CompareOptions, say: (text: string) => void): Promise<Report> {
  const { ref, query, runs, args } = options;
  const other = prepare(ref, say);
  const contenders = { [ref]: async () => run(other, query, args), here: async () => run(here(), query, args) };
  const done = await interleave(contenders, runs, say);
  const [before = [], after = []] = [done.get(ref), done.get("here")];
  const names = (before[0] ?? []).map(({ name }) => name).filter((name) => after[0]?.some((one) => one.name === name));
  const changes = names.flatMap((name) =>
    FIGURES.map(([title, figure]) => {
      const of = (turn: readonly Found[] | undefined) => turn?.find((one) => one.name === name)?.[figure] ?? Number.NaN;
      const each = after.map((turn, index) => of(turn) / of(before[index]));
      return { name, figure: title, change: median(each), each };
    }),
  );
  return {
    figures: { compared: { ref, commit: other.commit }, runs, args, changes },
    table: grid(
      ["", "figure", `here / ${ref}`, "from–to"],
      changes.map(({ name, figure, change, each }) => [
        name,
        figure,
        `${change.toFixed(3)}×`,
        `${Math.min(...each).toFixed(3)}–${Math.max(...each).toFixed(3)}`,
      ]),
    ),
  };
}

interface Clone {
  readonly folder: string;
  readonly commit: string;
}

const here = (): Clone => ({ folder: ROOT, commit: "" });

/** A worktree of the commit in the cache, set up there; it is kept, and so is what cargo has compiled for it. */
function prepare(ref: string, say: (text: string) => void): Clone {
  const commit = git(ROOT, "rev-parse", "--verify", `${ref}^{commit}`);
  const folder = join(CACHE, "compare", "worktree");
  const env = { ...process.env, CARGO_TARGET_DIR: join(CACHE, "compare", "target") };
  if (existsSync(join(folder, ".git"))) git(folder, "checkout", "--quiet", "--force", "--detach", commit);
  else {
    mkdirSync(join(CACHE, "compare"), { recursive: true });
    git(ROOT, "worktree", "prune");
    git(ROOT, "worktree", "add", "--quiet", "--detach", folder, commit);
  }
  say(`setting up ${ref} (${commit.slice(0, 8)}) in ${folder}`);
  // Its own progress is told on standard output, where the report is to stand alone.
  const { status } = spawnSync(process.execPath, ["scripts/setup.mjs", "bench"], {
    cwd: folder,
    env,
    stdio: ["ignore", process.stderr, "inherit"],
  });
  if (status !== 0) throw new Error(`${ref} cannot be set up in ${folder}: see above`);
  return { folder, commit };
}

/** The query as it is here, with the job of a clone. */
function run({ folder }: Clone, query: string, args: readonly string[]): Found[] {
  const main = join(ROOT, "bench/src/main.ts");
  const command = ["--import=tsx", main, "--query", query, "--json", "--runs", "1", ...args];
  const env = { ...process.env, MILLRACE_BENCH_CLONE: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`query ${query} in ${folder} ended with ${status}\n${stderr}`);
  const { results } = JSON.parse(stdout) as { results?: Found[] };
  if (!results?.every((one) => typeof one.cpuSecondsPerMillionEvents === "number"))
    throw new Error(`query ${query} has no CPU time of events: it cannot be compared`);
  return results;
}

function git(folder: string, ...args: string[]): string {
  return execFileSync("git", ["-C", folder, ...args], { encoding: "utf8" }).trim();
}

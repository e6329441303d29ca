import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "../../test/harness/paths.js";
import { bars, grid, type Report } from "./report.js";

/** One thing measured: nanoseconds for each of its rows. */
export interface Micro {
  readonly group: string;
  readonly name: string;
  readonly nsPerRow: number;
}

const CRATES = ["json", "backends", "aggregation"];
/** Names that begin so are of what a group cannot be faster than, or is compared with. */
const LIMIT = "limit: ";

/** The benchmarks of the crates and of the boundary, each beside its limits, which were measured in the same run. */
export async function micro(say: (text: string) => void): Promise<Report> {
  say("benchmarks of the crates; the first time they are compiled, which takes minutes");
  const measured = [...crates(), ...boundary(say)];
  const groups = [...new Set(measured.map(({ group }) => group))];
  const results = groups.flatMap((group) => {
    const all = measured.filter((one) => one.group === group);
    const limits = all.filter(({ name }) => name.startsWith(LIMIT));
    return all
      .filter((one) => !limits.includes(one))
      .flatMap((one) =>
        limits.map((limit) => ({
          group,
          name: one.name,
          nsPerRow: one.nsPerRow,
          limit: limit.name.slice(LIMIT.length),
          limitNsPerRow: limit.nsPerRow,
          ratio: one.nsPerRow / limit.nsPerRow,
        })),
      );
  });
  return {
    figures: { results },
    table: grid(
      ["", "ns a row", "limit", "ns a row", "times the limit"],
      results.map((r) => [
        `${r.group}: ${r.name}`,
        r.nsPerRow.toFixed(2),
        r.limit,
        r.limitNsPerRow.toFixed(2),
        r.ratio.toFixed(1),
      ]),
    ),
    plot: bars(
      "Times the limit",
      results.map((r) => ({ name: r.name, value: r.ratio })),
    ),
  };
}

function crates(): Micro[] {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const results = join(target, "criterion");
  rmSync(results, { recursive: true, force: true });
  const chosen = CRATES.flatMap((bench) => ["--bench", bench]);
  const quick = ["--", "--noplot", "--warm-up-time", "1", "--measurement-time", "3"];
  execFileSync("cargo", ["bench", "--locked", "--workspace", ...chosen, ...quick], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return found(results).map((folder) => {
    const { group_id, function_id, throughput } = JSON.parse(readFileSync(join(folder, "benchmark.json"), "utf8"));
    const { median } = JSON.parse(readFileSync(join(folder, "estimates.json"), "utf8"));
    return { group: group_id, name: function_id, nsPerRow: median.point_estimate / throughput.Elements };
  });
}

/** The folders of results that Criterion has left. */
function found(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith("new/benchmark.json")).map((file) => join(folder, dirname(file)));
}

/** In a process of its own, which has compiled no other code. */
function boundary(say: (text: string) => void): Micro[] {
  say("the boundary between JavaScript and the core");
  const args = ["--import=tsx", join(ROOT, "bench/micro/boundary.ts")];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`bench/micro/boundary.ts ended with ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

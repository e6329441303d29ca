import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../../test/harness/paths.js";
import { type Figures, measured } from "../measure.js";

/** Reads the topic by librdkafka alone: what no consumer of it can do better. */
export async function readOnly(brokers: string, topic: string, events: number): Promise<Figures> {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const cargo = ["build", "--release", "--locked", "--workspace", "--example", "kafka_read"];
  execFileSync("cargo", cargo, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  const figures = await measured({ command: join(target, "release/examples/kafka_read"), args: [brokers, topic] });
  if (Number(figures.stdout) !== events) throw new Error(`${figures.stdout} of ${events} records were read`);
  return figures;
}

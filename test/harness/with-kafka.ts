// Runs a command while a broker is up, whose address the command finds in MILLRACE_TEST_BROKERS:
// node --import tsx test/harness/with-kafka.ts COMMAND [ARGUMENT…]
import { spawn } from "node:child_process";
import { KafkaBroker } from "./kafka.js";

const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error("with-kafka: name the command to run");

const broker = await KafkaBroker.start();
try {
  const env = { ...process.env, MILLRACE_TEST_BROKERS: broker.brokers };
  const child = spawn(command, args, { env, stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
} finally {
  await broker.stop();
}

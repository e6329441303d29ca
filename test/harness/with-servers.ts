// Runs a command while servers are up, which the command finds in its environment:
// node --import tsx test/harness/with-servers.ts NAME[,NAME…] COMMAND [ARGUMENT…]
import { spawn } from "node:child_process";
import { HdfsCluster } from "./hdfs.js";
import { KafkaBroker } from "./kafka.js";
import { S3Server } from "./s3.js";
import { SchemaRegistryServer } from "./schema-registry.js";

interface Server {
  stop(): Promise<void>;
}

/** How each is started, and what the command is told of it. */
const SERVERS: Record<string, () => Promise<{ server: Server; env: Record<string, string> }>> = {
  async kafka() {
    const server = await KafkaBroker.start();
    return { server, env: { MILLRACE_TEST_BROKERS: server.brokers } };
  },
  async s3() {
    const server = await S3Server.start();
    return { server, env: { MILLRACE_TEST_S3: `${server.url}/${server.bucket}`, ...S3Server.credentials } };
  },
  async "schema-registry"() {
    const server = await SchemaRegistryServer.start();
    return { server, env: { MILLRACE_TEST_SCHEMA_REGISTRY: server.url } };
  },
  async hdfs() {
    const server = await HdfsCluster.start();
    return { server, env: { MILLRACE_TEST_HDFS: `hdfs://${server.address}` } };
  },
};

const [names, command, ...args] = process.argv.slice(2);
if (names === undefined || command === undefined) throw new Error("with-servers: name servers and a command to run");

const starts = names.split(",").map((name) => {
  const start = SERVERS[name];
  if (start === undefined) throw new Error(`with-servers: there is no ${name}, but ${Object.keys(SERVERS).join(", ")}`);
  return start();
});
const started = await Promise.allSettled(starts);
const servers = started.filter((start) => start.status === "fulfilled").map(({ value }) => value);
try {
  for (const start of started) if (start.status === "rejected") throw start.reason;
  const env = Object.assign({ ...process.env }, ...servers.map(({ env }) => env));
  const child = spawn(command, args, { env, stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
} finally {
  await Promise.all(servers.map(({ server }) => server.stop()));
}

// Containers of Avro, as local files; written and read by avsc.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import avsc from "avsc";
import { avro, type Duration, files } from "millrace";
import { Columns, type Connector } from "../conformance/connector.js";
import type { Row } from "../conformance/rows.js";
import { avroRows } from "../harness/lake.js";
import { ROOT } from "../harness/paths.js";

const SCHEMA = avsc.Type.forSchema({
  type: "record",
  name: "Row",
  fields: [
    { name: "text", type: "string" },
    { name: "unread", type: { type: "array", items: "string" } },
    { name: "id", type: "long" },
    { name: "key", type: "string" },
  ],
});

/** Of the dead letter of a file: it has no bytes of a record. */
const NOTHING = Buffer.from("null", "base64");

async function write(path: string, rows: readonly Row[]): Promise<void> {
  const encoder = new avsc.streams.BlockEncoder(SCHEMA, { codec: "deflate", blockSize: 1 << 12 });
  const file = encoder.pipe(createWriteStream(path));
  for (const row of rows) encoder.write({ ...row, unread: ["x", "y"] });
  encoder.end();
  await once(file, "finish");
}

const connector: Connector = {
  name: "containers",
  source: {
    from: (j, { env, onBadRecord }) =>
      j.source(
        files({
          paths: env("INPUT"),
          format: avro({}, Columns),
          follow: env("FOLLOW", "yes") === "yes",
          onBadRecord,
        }),
      ),
  },
  sink: {
    guarantee: "exactly-once",
    feed: "generator",
    to: ({ env }) =>
      files({
        directory: env("OUTPUT"),
        format: avro({ codec: "snappy" }),
        rollInterval: env("ROLL", "1s") as Duration,
      }),
  },
  async start() {
    const root = await mkdtemp(join(tmpdir(), "millrace-conformance-containers-"));
    const folder = () => mkdtemp(join(root, "place-"));
    return {
      stop: () => rm(root, { recursive: true }),
      async openSource() {
        const input = await folder();
        let count = 0;
        /** A file gets its name when it is complete. */
        const put = async (make: (path: string) => Promise<void>) => {
          const path = join(input, `${String(count++).padStart(4, "0")}.avro`);
          await make(`${path}.part`);
          await rename(`${path}.part`, path);
        };
        return {
          env: { INPUT: join(input, "*.avro") },
          wrong: [
            {
              what: "no such file",
              env: { INPUT: join(input, "none.avro"), FOLLOW: "no" },
              says: /file source: .*none\.avro does not exist\. Correct the path\./,
            },
          ],
          async fill(rows) {
            const middle = Math.ceil(rows.length / 2);
            for (const part of [rows.slice(0, middle), rows.slice(middle)]) await put((path) => write(path, part));
          },
          async spoil() {
            await put((path) => writeFile(path, "no container"));
            return NOTHING;
          },
          spoilt: /\d+\.avro, offset 0: it is no Avro container, or is damaged, .* Set onBadRecord/,
        };
      },
      async openSink() {
        const output = await folder();
        const complete = async () => (await readdir(output)).filter((name) => name.endsWith(".avro"));
        return {
          env: { OUTPUT: output },
          wrong: [
            {
              what: "a file where the folder is to be",
              env: { OUTPUT: join(ROOT, "package.json") },
              says: /file sink: .*package\.json: /,
            },
          ],
          async rows() {
            const read = (await complete()).map(async (name) => avroRows(await readFile(join(output, name))));
            return (await Promise.all(read)).flat() as unknown as Row[];
          },
          async arrived() {
            const sizes = (await readdir(output)).map((name) => stat(join(output, name)).catch(() => ({ size: 0 })));
            return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
          },
        };
      },
    };
  },
};
export default connector;

// Local files. There is no server that could stand still or be killed: the disk is this machine's.
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duration, files, json } from "millrace";
import { Columns, type Connector } from "../conformance/connector.js";
import { jsonBytes, parseLines, type Row } from "../conformance/rows.js";
import { ROOT } from "../harness/paths.js";

const linesOf = (rows: readonly Row[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** The names of files that are complete. */
const complete = async (folder: string) =>
  (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".jsonl"));

const connector: Connector = {
  name: "files",
  source: {
    bytesOf: jsonBytes,
    from: (j, { env, onBadRecord }) =>
      j.source(
        files({ paths: env("INPUT"), format: json(Columns), follow: env("FOLLOW", "yes") === "yes", onBadRecord }),
      ),
  },
  sink: {
    bytesOf: jsonBytes,
    guarantee: "exactly-once",
    feed: "generator",
    to: ({ env }) => files({ directory: env("OUTPUT"), format: json(), rollInterval: env("ROLL", "1s") as Duration }),
  },
  async start() {
    const root = await mkdtemp(join(tmpdir(), "millrace-conformance-files-"));
    const folder = () => mkdtemp(join(root, "place-"));
    return {
      stop: () => rm(root, { recursive: true }),
      async openSource() {
        const input = await folder();
        const bad = '{"id":"none"';
        let count = 0;
        return {
          env: { INPUT: join(input, "*.jsonl") },
          wrong: [
            {
              what: "no such file",
              env: { INPUT: join(input, "none.jsonl"), FOLLOW: "no" },
              says: /file source: .*none\.jsonl does not exist\. Correct the path\./,
            },
            {
              what: "a folder",
              env: { INPUT: input },
              says: /file source: .* is a directory\. Name the files in it, as in /,
            },
          ],
          // Two files, of which the first grows.
          async fill(rows) {
            const middle = Math.ceil(rows.length / 2);
            await appendFile(join(input, "grows.jsonl"), linesOf(rows.slice(0, middle)));
            // The source takes a file up as it finds it: one that is written in parts could be read in parts.
            await writeFile(join(input, `${count++}.jsonl`), linesOf(rows.slice(middle)));
          },
          async spoil() {
            await appendFile(join(input, "grows.jsonl"), `${bad}\n`);
            return Buffer.from(bad);
          },
          spoilt:
            /grows\.jsonl, offset [\d,]+: column "id": expected int64, found "none".* The record was not counted\. Set onBadRecord/,
        };
      },
      async openSink() {
        const output = await folder();
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
            const texts = (await complete(output)).map((name) => readFile(join(output, name)));
            return (await Promise.all(texts)).flatMap(parseLines);
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

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { Job } from "../harness/job.js";

const line = (id: number) => `${JSON.stringify({ id, text: `line ${id}`, unread: null })}\n`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => line(from + index)).join("");

async function folder(t: { teardown(end: () => Promise<void>): void }): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "millrace-files-"));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

function idsOf(stdout: string): number[] {
  const rows = stdout.split("\n").filter((text) => text !== "");
  return rows.map((row) => JSON.parse(row).id as number).sort((a, b) => a - b);
}

t.test("plain and compressed files, by glob and by path, come out on standard output", async (t) => {
  const input = await folder(t);
  await writeFile(join(input, "a.jsonl"), lines(0, 1000) + line(-1));
  await writeFile(join(input, "b.jsonl.gz"), gzipSync(lines(1000, 3000)));
  await writeFile(join(input, "other.txt"), lines(3000, 3001).trimEnd());

  const job = Job.run("files.ts", { env: { INPUT: `${join(input, "*.jsonl*")}:${join(input, "other.txt")}` } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  t.strictSame(
    idsOf(job.stdout),
    Array.from({ length: 3001 }, (_, id) => id),
  );
});

t.test("a file sink writes whole compressed files, which a source reads back", async (t) => {
  const input = await folder(t);
  const output = await folder(t);
  await writeFile(join(input, "a.jsonl"), lines(0, 5000));

  const writing = Job.run("files.ts", { env: { INPUT: join(input, "a.jsonl"), OUTPUT: output } });
  t.equal((await writing.exited()).code, 0, writing.log);
  const names = await readdir(output);
  t.ok(names.length > 0 && names.every((name) => name.endsWith(".zst")), names.join(", "));

  const reading = Job.run("files.ts", { env: { INPUT: join(output, "*.zst") } });
  t.equal((await reading.exited()).code, 0, reading.log);
  t.strictSame(
    idsOf(reading.stdout),
    Array.from({ length: 5000 }, (_, id) => id),
  );
});

t.test("a job whose input ends does not wait until its last file is old", async (t) => {
  const output = await folder(t);
  const job = Job.run("paced-files.ts", { env: { OUTPUT: output } });
  t.equal((await job.exited(30_000)).code, 0, job.log);
  t.ok((await readdir(output)).length > 0);
});

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t from "tap";
import { Job } from "../harness/job.js";

async function folder(t: { teardown(end: () => Promise<void>): void }): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "millrace-lines-"));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}

const linesOf = (text: string) => text.split("\n").filter((line) => line !== "");

t.test("csv with a header in every file is read by its columns, and bad lines are kept", async (t) => {
  const [input, bad] = [await folder(t), await folder(t)];
  const header = "sensor;skipped;value;at\n";
  await writeFile(join(input, "a.csv"), `${header}north;"x;y";1.50;2023-11-14T22:13:20Z\n"a ""b""";;;0\n`);
  await writeFile(join(input, "b.csv.gz"), gzipSync(`${header}south;;1.505;0\neast,;;-2;1\n`));

  const job = Job.run("lines.ts", { env: { FORMAT: "csv", INPUT: join(input, "*.csv*"), BAD: bad } });

  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(linesOf(job.stdout).sort(), ['-2.00,"east,",1', "1.50,north,1700000000000", 'NULL,"a ""b""",0']);
  const files = await Promise.all((await readdir(bad)).map((name) => readFile(join(bad, name), "utf8")));
  const [line, ...others] = linesOf(files.join(""));
  t.equal(others.length, 0);
  t.match(line, "1.505 has more than 2 digits after the point, which decimal(9, 2) cannot hold");
});

t.test("raw lines come out as they went in", async (t) => {
  const input = await folder(t);
  await writeFile(join(input, "a.txt"), '{"a":1}\n plain, "text" \nlast');

  const job = Job.run("lines.ts", { env: { FORMAT: "raw", INPUT: join(input, "a.txt") } });

  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(linesOf(job.stdout), ['{"a":1}', ' plain, "text" ', "last"]);
});

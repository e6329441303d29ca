// `npm run test:connectors [-- NAME…]`: sets up what is missing and tests every connector, or those that are named, on its
// real server. Prints what each of them has passed.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./setup/places.mjs";
import { cargoEnv } from "./setup/rust.mjs";
import { setUp } from "./setup.mjs";
import { Matrix } from "./test/matrix.mjs";
import { runSuite, tapTest } from "./test/suite.mjs";
import { Total } from "./test/total.mjs";

const FOLDER = "test/connectors";

const files = (await readdir(join(ROOT, FOLDER))).filter((file) => file.endsWith(".test.ts")).sort();
const known = files.map((file) => file.replace(".test.ts", ""));
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !known.includes(name));
if (unknown !== undefined) throw new Error(`there is no connector ${unknown}, but ${known.join(", ")}`);

await setUp("test");
Object.assign(process.env, cargoEnv());

const matrix = new Matrix();
const total = new Total();
for (const name of asked.length === 0 ? known : asked) {
  const suite = tapTest(name, ["--jobs=1", "--timeout=1200", `${FOLDER}/${name}.test.ts`]);
  total.add(await runSuite({ ...suite, counter: () => matrix.watch(suite.counter()), quiet: true }));
}
process.stdout.write(`\n${matrix.text()}\n`);
total.print();

import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import t from "tap";
import { ROOT } from "../harness/paths.js";
import { compileAll, type Example } from "./compile.js";

const INDEX = "sdk/src/index.ts";

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(?<!\.test|\.d)\.ts$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("/generated/"));
}

/** The examples in a text that begins at the given line of its file. */
function examplesIn(file: string, text: string, firstLine = 1): Example[] {
  return [...text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)].map((match) => ({
    file,
    line: firstLine + text.slice(0, match.index).split("\n").length,
    code: String(match[1]).replaceAll(/^ *\* ?/gm, ""),
  }));
}

/** The names that a module exports, each with the file that declares it. */
async function exportsOf(file: string): Promise<[name: string, file: string][]> {
  const text = await readFile(join(ROOT, file), "utf8");
  const declared = [...text.matchAll(/^export (?:const|function|class|interface|type) (\w+)/gm)];
  const listed = [...text.matchAll(/^export (?:type )?\{(.*?)\} from "(.*?)\.js";/gms)].flatMap(([, names, from]) =>
    [...String(names).matchAll(/(?:type )?(\w+)/g)].map(([, name]) => [name, from] as const),
  );
  const beside = (from: string | undefined) => join(dirname(file), `${from}.ts`);
  const all = [...text.matchAll(/^export \* from "(.*?)\.js";/gm)].map(([, from]) => exportsOf(beside(from)));
  return [
    ...declared.map(([, name]): [string, string] => [String(name), file]),
    ...listed.map(([name, from]): [string, string] => [String(name), beside(from)]),
    ...(await Promise.all(all)).flat(),
  ];
}

/** The doc comment right above a name's first declaration, and the line of the declaration. */
function docOf(name: string, text: string): { doc: string; line: number } {
  const declaration = new RegExp(`^export (?:const|function|class|interface|type) ${name}\\b`, "m").exec(text);
  const before = text.slice(0, declaration?.index);
  const line = before.split("\n").length;
  return { doc: before.endsWith("*/\n") ? before.slice(before.lastIndexOf("/**")) : "", line };
}

t.test("the doc comment of every public item has an example that uses it", async (t) => {
  const items = await exportsOf(INDEX);
  t.ok(items.length > 50, `${items.length} items are public`);
  for (const [name, file] of items) {
    const { doc, line } = docOf(name, await readFile(join(ROOT, file), "utf8"));
    const used = examplesIn(file, doc).some(({ code }) => new RegExp(`\\b${name}\\b`).test(code));
    t.ok(used, `${file}:${line}: the doc comment of ${name} has an example of it`);
  }
});

t.test("the examples of doc comments compile", async (t) => {
  const files = (await Promise.all(["sdk/src", "worker/src", "connectors/src"].map(sources))).flat();
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file), "utf8")));
  const examples = files.flatMap((file, index) => examplesIn(file, String(texts[index])));
  await compileAll(t, examples);
});

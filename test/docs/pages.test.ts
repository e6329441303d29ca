import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { ROOT } from "../harness/paths.js";
import { compileAll, type Example } from "./compile.js";

t.test("the examples of the pages in docs compile", async (t) => {
  const pages = (await readdir(join(ROOT, "docs")))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  const texts = await Promise.all(pages.map((page) => readFile(join(ROOT, page), "utf8")));
  const examples = pages.flatMap((file, index): Example[] => {
    const text = String(texts[index]);
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => {
      const line = text.slice(0, match.index).split("\n").length + 1;
      return { file, line, code: String(match[1]) };
    });
  });
  t.ok(examples.length > 0, `${examples.length} examples`);
  await compileAll(t, examples);
});

t.test("the links of the pages in docs and of the README lead somewhere", async (t) => {
  const pages = ["README.md", ...(await readdir(join(ROOT, "docs"))).map((name) => `docs/${name}`)];
  const texts = new Map(
    await Promise.all(pages.map(async (page) => [page, await readFile(join(ROOT, page), "utf8")] as const)),
  );
  for (const [page, text] of texts) {
    for (const [, file = "", anchor = ""] of text.matchAll(/\]\((?!https?:)([\w./-]*\.md)(?:#([\w-]+))?\)/g)) {
      const target = join(page, "..", file);
      const found = texts.get(target) ?? (await readFile(join(ROOT, target), "utf8").catch(() => undefined));
      t.ok(found !== undefined && (anchor === "" || anchors(found).includes(anchor)), `${page}: ${file}#${anchor}`);
    }
  }
});

/** What GitHub calls the headings of a page. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    String(title)
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
}

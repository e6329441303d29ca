import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint } from "@millrace/connectors/http";
import t from "tap";
import { LiveEndpoints } from "./live-endpoints.js";

const until = async (probe: () => boolean) => {
  while (!probe()) await delay(2);
};

t.test("a file of endpoints is followed, and what is no list of them is told once", async (t) => {
  const file = `${t.testdir({ list: '["a"]' })}/list`;
  const endpoints = (list: unknown): Endpoint[] => {
    if (!Array.isArray(list)) throw new Error("no list");
    return list.map((name) => ({ name, url: "http://localhost" }));
  };
  const lists: string[][] = [];
  const warnings: string[] = [];
  const live = new LiveEndpoints(
    { file, endpoints },
    (endpoints) => lists.push(endpoints.map(({ name }) => name)),
    (text) => warnings.push(text),
    2,
  );
  t.teardown(() => live.close());
  t.strictSame(lists, [["a"]]);
  writeFileSync(file, "[");
  await until(() => warnings.length > 0);
  writeFileSync(file, '["a", "b"]');
  await until(() => lists.length > 1);
  t.strictSame([lists.at(-1), warnings], [["a", "b"], ["no list. The endpoints stay as they were."]]);
});

t.test("without the file there is no beginning", async (t) => {
  const none = { file: `${t.testdir({})}/none`, endpoints: () => [] };
  t.throws(
    () =>
      new LiveEndpoints(
        none,
        () => {},
        () => {},
      ),
    /ENOENT/,
  );
});

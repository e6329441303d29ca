import t from "tap";
import { drain, Gate } from "./gate.js";

t.test("so many are at work at once, and all work is done", async (t) => {
  const gate = new Gate(3);
  let [now, most] = [0, 0];
  const done: number[] = [];
  const work = async (item: number) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    done.push(item);
    now -= 1;
  };
  const items = Array.from({ length: 10 }, (_, n) => n);
  await Promise.all([drain(items.slice(0, 5), gate, work), drain(items.slice(5), gate, work)]);
  t.equal(most, 3);
  t.strictSame(done.toSorted(), items);
});

t.test("after a failure nothing more is begun, and what is not done stays in the list", async (t) => {
  const items = ["last", "second", "fails", "first"];
  const begun: string[] = [];
  const work = async (item: string) => {
    begun.push(item);
    await new Promise(setImmediate);
    if (item === "fails") throw new Error("no");
  };
  await t.rejects(drain(items, new Gate(2), work), { message: "no" });
  t.strictSame(begun.slice(0, 2), ["first", "fails"]);
  t.ok(items.includes("fails") && items.includes("last") && !items.includes("first"));
  items.splice(items.indexOf("fails"), 1);
  await drain(items, new Gate(2), work);
  t.strictSame(items, []);
});

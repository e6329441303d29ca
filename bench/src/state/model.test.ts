import t from "tap";
import { EVENTS_PER_SECOND, Model, STRIDE, type Sum } from "./model.js";

const KEYS = 10;

/** The results of some events of all keys in turn, by adding them up one by one. */
function sums(...rounds: readonly number[]): Sum[] {
  const sums = new Map<number, Sum>();
  for (const events of rounds) {
    for (let event = 0; event < events; event++) {
      const [key, at] = [(event * STRIDE) % KEYS, Math.floor((event * 1000) / EVENTS_PER_SECOND)];
      const { n, total, first, last } = sums.get(key) ?? { n: 0, total: 0, first: at, last: at };
      sums.set(key, { key, n: n + 1, total: total + at, first: Math.min(first, at), last: Math.max(last, at) });
    }
  }
  return [...sums.values()];
}

function isRight(rows: readonly Sum[], ...rounds: readonly number[]): boolean {
  const model = new Model(KEYS, rounds);
  for (const row of rows) model.add(row);
  try {
    model.check();
    return true;
  } catch {
    return false;
  }
}

t.test("sums of one or more sources are right", async (t) => {
  t.ok(isRight(sums(35), 35));
  t.ok(isRight(sums(10, 7), 10, 7));
});

t.test("a sum that is missing, wrong, unknown or there twice is found out", async (t) => {
  const [first, ...rest] = sums(35) as [Sum, ...Sum[]];
  t.notOk(isRight(rest, 35));
  t.notOk(isRight([...rest, first, first], 35));
  t.notOk(isRight([...rest, { ...first, key: KEYS }], 35));
  for (const name of ["n", "total", "first", "last"] as const) {
    t.notOk(isRight([...rest, { ...first, [name]: first[name] + 1 }], 35), name);
  }
});

import t from "tap";
import { Attempts } from "./attempts.js";
import { type Clock, systemClock } from "./clock.js";

/** Waits for nothing. */
const hastyClock: Clock = {
  ...systemClock,
  after(_ms, then) {
    queueMicrotask(then);
    return () => {};
  },
};

t.test("what may pass is tried again, and the figures say how often and why", async (t) => {
  const attempts = new Attempts(hastyClock, () => true);
  t.match(attempts.figures, { retries: 0, errors: 0, lastError: undefined });
  const failures = ["the first", "the second"];
  const answer = await attempts.call(async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw new Error(failure);
    return "done";
  });
  t.equal(answer, "done");
  t.match(attempts.figures, { retries: 2, errors: 2, lastError: "the second", latency: { count: 1 } });
});

t.test("what never passes is not tried again", async (t) => {
  const attempts = new Attempts(hastyClock, () => false);
  await t.rejects(
    attempts.call(async () => {
      throw new Error("wrong");
    }),
    /wrong/,
  );
  t.match(attempts.figures, { retries: 0, errors: 1, lastError: "wrong" });
});

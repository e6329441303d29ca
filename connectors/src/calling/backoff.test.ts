import t from "tap";
import { backoff } from "./backoff.js";

const policy = { delay: 100, maxDelay: 1000, giveUpAfter: 60_000 };

t.test("a pause is any time up to a bound that doubles, and the bound ends at the longest delay", async (t) => {
  const atMost = [1, 2, 3, 4, 5, 60].map((failures) => backoff(policy, failures, 1));
  t.strictSame(atMost, [100, 200, 400, 800, 1000, 1000]);
  t.equal(backoff(policy, 3, 0), 0);
  t.equal(backoff(policy, 3, 0.5), 200);
});

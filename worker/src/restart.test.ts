import { errorFromCode } from "millrace";
import t from "tap";
import { Restarts } from "./restart.js";

const POLICY = { attempts: 4, delay: 1000, maxDelay: 5000, resetAfter: 60_000 };
const error = errorFromCode("SINK", "the broker is gone");

t.test("pauses double up to the longest, until the attempts are used up", async (t) => {
  const restarts = new Restarts(POLICY);
  t.strictSame(
    Array.from({ length: 6 }, () => restarts.after(error, 100)),
    [
      { number: 1, of: 4, delayMs: 1000 },
      { number: 2, of: 4, delayMs: 2000 },
      { number: 3, of: 4, delayMs: 4000 },
      { number: 4, of: 4, delayMs: 5000 },
      "exhausted",
      "exhausted",
    ],
  );
});

t.test("a job that has run for long enough counts from the first attempt", async (t) => {
  const restarts = new Restarts(POLICY);
  for (let failure = 0; failure < 4; failure++) restarts.after(error, 59_999);
  t.strictSame(restarts.after(error, 60_000), { number: 1, of: 4, delayMs: 1000 });
  t.strictSame(restarts.after(error, 0), { number: 2, of: 4, delayMs: 2000 });
});

t.test("only errors that may pass are worth a restart, and none without a policy", async (t) => {
  const worth = (code: string) => typeof new Restarts(POLICY).after(errorFromCode(code, "x"), 0) === "object";
  for (const code of ["SOURCE", "SINK", "STATE", "INTERNAL", "a code of a later core"]) t.ok(worth(code), code);
  for (const code of ["TAKEN_OVER", "PLAN", "BAD_RECORD", "EXPRESSION", "FUNCTION"]) t.notOk(worth(code), code);
  t.equal(new Restarts(undefined).after(error, 0), "final");
});

t.test("without an end of attempts the pause stays at the longest", async (t) => {
  const restarts = new Restarts({ ...POLICY, attempts: Number.POSITIVE_INFINITY });
  for (let failure = 0; failure < 5000; failure++) restarts.after(error, 0);
  t.strictSame(restarts.after(error, 0), { number: 5001, of: Number.POSITIVE_INFINITY, delayMs: 5000 });
});

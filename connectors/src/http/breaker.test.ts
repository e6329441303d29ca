import t from "tap";
import { Breaker } from "./breaker.js";

t.test("it opens after failures in a row, lets one probe through, and closes when that succeeds", async (t) => {
  const breaker = new Breaker({ failures: 3, pause: 1000 });
  breaker.failed(0);
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(1);
  breaker.failed(2);
  t.equal(breaker.state, "closed", "a success in between counts");
  breaker.failed(3);
  t.strictSame([breaker.state, breaker.nextMs()], ["open", 1003]);

  breaker.sent();
  t.strictSame([breaker.state, breaker.nextMs()], ["half-open", undefined], "nothing goes beside the probe");
  breaker.failed(1100);
  t.strictSame([breaker.state, breaker.nextMs()], ["open", 2100]);
  breaker.sent();
  breaker.succeeded();
  t.strictSame([breaker.state, breaker.nextMs()], ["closed", 0]);
});

t.test("with no number of failures it never opens", async (t) => {
  const breaker = new Breaker({ failures: 0, pause: 1000 });
  for (let n = 0; n < 100; n += 1) breaker.failed(n);
  t.strictSame([breaker.state, breaker.nextMs()], ["closed", 0]);
});

import { schema, t as type } from "millrace";
import t from "tap";
import { GrowingTimestamps, microseconds } from "./timestamps.js";

t.test("timestamps grow, whatever the clock does", async (t) => {
  let nowMs = 1000;
  const timestamps = new GrowingTimestamps(() => nowMs);
  t.strictSame([timestamps.next(), timestamps.next()], [1_000_000n, 1_000_001n]);
  nowMs = 900;
  t.equal(timestamps.next(), 1_000_002n);
  nowMs = 2000;
  t.equal(timestamps.next(), 2_000_000n);
});

t.test("a column's values are microseconds in its unit", async (t) => {
  const { fields } = schema({
    s: type.timestamp("s"),
    ms: type.timestamp("ms"),
    us: type.timestamp("us"),
    ns: type.timestamp("ns"),
    raw: type.int64(),
    text: type.string(),
  });
  const values = [2, 2000, 2_000_000n, 2_000_000_999n, 2_000_000n];
  for (const [index, value] of values.entries()) t.equal(microseconds(fields[index] as never)(value), 2_000_000n);
  t.throws(() => microseconds(fields[1] as never)(null), { message: 'column "ms" is null, and the row\'s timestamp' });
  t.throws(() => microseconds(fields[5] as never), {
    message: 'timestamp: column "text" is string: give a timestamp, or microseconds as int64',
  });
});

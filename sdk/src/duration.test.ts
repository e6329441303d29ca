import fc from "fast-check";
import t from "tap";
import { bytes, durationOf, milliseconds, sizeOf } from "./duration.js";

t.test("durations and sizes are written in their largest unit, and read back the same", async (t) => {
  t.strictSame([0, 500, 1000, 1500, 60_000, 90_000, 7_200_000].map(durationOf), [
    "0ms",
    "500ms",
    "1s",
    "1500ms",
    "1m",
    "90s",
    "2h",
  ]);
  t.strictSame([0, 1000, 2048, 400 * 1024 ** 2].map(sizeOf), ["0B", "1000B", "2KB", "400MB"]);
  fc.assert(fc.property(fc.maxSafeNat(), (value) => milliseconds(durationOf(value), "x") === value));
  fc.assert(fc.property(fc.maxSafeNat(), (value) => bytes(sizeOf(value), "x") === value));
});

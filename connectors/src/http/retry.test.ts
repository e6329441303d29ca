import t from "tap";
import { mayPass, retryAfter } from "./retry.js";

t.test("Retry-After holds seconds or a date", async (t) => {
  const wallMs = Date.parse("2026-01-01T00:00:00Z");
  t.equal(retryAfter("3", wallMs), 3000);
  t.equal(retryAfter(" 0.5 ", wallMs), 500);
  t.equal(retryAfter("Thu, 01 Jan 2026 00:00:07 GMT", wallMs), 7000);
  t.equal(retryAfter("Wed, 31 Dec 2025 00:00:00 GMT", wallMs), 0, "a date that has passed");
  t.equal(retryAfter("999999999", wallMs), 600_000, "nobody waits for years");
  t.strictSame(
    [retryAfter(undefined, wallMs), retryAfter("", wallMs), retryAfter("soon", wallMs)],
    [undefined, undefined, undefined],
  );
});

t.test("what a server says of itself may pass, what it says of the request does not", async (t) => {
  t.ok([408, 425, 429, 500, 502, 503, 504].every(mayPass));
  t.notOk([200, 301, 400, 401, 404, 409, 413, 422].some(mayPass));
});

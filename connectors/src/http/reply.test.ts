import t from "tap";
import { verdict } from "./reply.js";

const reply = (status: number, text = "", retryAfter?: string) => ({ status, text, retryAfter });
const plain = (status: number, text?: string, retryAfter?: string) =>
  verdict(reply(status, text, retryAfter), "plain", 2, 0);

t.test("a status says whether rows are taken, refused, or to be sent again", async (t) => {
  t.strictSame(plain(204), { kind: "accepted" });
  t.strictSame(plain(503, "over\n loaded.", "2"), {
    kind: "again",
    reason: "status 503: over loaded",
    afterMs: 2000,
    isBusy: false,
  });
  t.match(plain(429), { kind: "again", isBusy: true });
  t.strictSame(plain(422, "bad price"), { kind: "refused", reason: "status 422: bad price" });
  t.strictSame(plain(413), { kind: "refused", reason: "status 413" });
});

t.test("what is wrong with every request is told with what to do", async (t) => {
  t.strictSame(plain(401), { kind: "wrong", reason: "status 401. Check the credentials." });
  t.strictSame(plain(404, "no such page"), { kind: "wrong", reason: "status 404: no such page. Check the URL." });
  t.match(plain(301), { kind: "wrong", reason: "status 301. Give the URL that it redirects to." });
});

t.test("an answer to a bulk says it of each row", async (t) => {
  const bulk = (items: unknown[], errors = true) =>
    verdict(reply(200, JSON.stringify({ errors, items })), "bulk", items.length, 0);
  t.strictSame(bulk([{}, {}], false), { kind: "accepted" });
  const items = [
    { index: { status: 201 } },
    { index: { status: 429, error: { type: "rejected", reason: "queue full" } } },
    { index: { status: 400, error: { type: "mapper_parsing_exception", reason: "no number" } } },
    { index: { status: 409, error: { type: "version_conflict", reason: "older" } } },
  ];
  t.strictSame(bulk(items), {
    kind: "partial",
    again: [1],
    refused: new Map([[2, "mapper_parsing_exception: no number"]]),
  });
  t.match(verdict(reply(200, '{"errors":tr'), "bulk", 2, 0), { kind: "again" }, "half an answer is none");
  t.match(verdict(reply(200, '{"errors":true,"items":[]}'), "bulk", 2, 0), { kind: "again" });
});

t.test("ClickHouse's codes tell rows from tables", async (t) => {
  const clickhouse = (status: number, text: string) => verdict(reply(status, text), "clickhouse", 2, 0);
  t.match(clickhouse(500, "Code: 27, e.displayText() = DB::Exception: Cannot parse input"), { kind: "refused" });
  t.match(clickhouse(400, "Code: 53. DB::Exception: Type mismatch"), { kind: "refused" });
  t.match(clickhouse(404, "Code: 60. DB::Exception: Table db.t doesn't exist"), {
    kind: "wrong",
    reason: "status 404: Code: 60. DB::Exception: Table db.t doesn't exist. Check table and columns.",
  });
  t.match(clickhouse(500, "Code: 252, Too many parts"), { kind: "again" });
});

t.test("servers of time series may say 500 of what is wrong with a row", async (t) => {
  const of = (dialect: "influx" | "prometheus", status: number, text: string) =>
    verdict(reply(status, text), dialect, 2, 0).kind;
  t.equal(of("influx", 500, '{"error":"partial write: points beyond retention policy dropped=1"}'), "refused");
  t.equal(of("influx", 500, '{"error":"timeout"}'), "again");
  t.equal(of("influx", 400, '{"error":"partial write: field type conflict"}'), "refused");
  t.equal(of("prometheus", 500, "too old sample"), "refused");
  t.equal(of("prometheus", 400, "out of order sample"), "refused");
  t.equal(of("prometheus", 500, "storage is not ready"), "again");
  t.equal(of("prometheus", 400, 'unsupported path requested: "/api/none"'), "wrong");
  t.match(verdict(reply(404, "database not found"), "influx", 2, 0), { reason: /Check the database or bucket\.$/ });
});

import * as mongo from "mongodb";
import t from "tap";
import { type Position, parsed, written } from "./position.js";

t.test("a position keeps the types of ids and tokens", async (t) => {
  const { Long, ObjectId } = mongo;
  const back = (position: Position) => parsed(written(position, mongo), mongo);
  t.strictSame(back({ kind: "changes" }), { kind: "changes" });
  t.strictSame(back({ kind: "changes", from: 5 }), { kind: "changes", from: 5 });
  t.strictSame(back({ kind: "changes", resume: { _data: "8263" } }), { kind: "changes", resume: { _data: "8263" } });
  t.strictSame(back({ kind: "snapshot", begun: 7 }), { kind: "snapshot", begun: 7 });
  const ids = [
    new ObjectId("0123456789abcdef01234567"),
    "text",
    new Date(5),
    null,
    Long.fromString("9007199254740993"),
  ];
  for (const after of ids) {
    const snapshot: Position = { kind: "snapshot", begun: 1_700_000_000_123, after, resume: { _data: "x" } };
    t.strictSame(back(snapshot), snapshot);
  }
  t.match(back({ kind: "snapshot", begun: 7, after: 2n ** 60n }), { after: Long.fromBigInt(2n ** 60n) });
});

import t from "tap";
import { PlanError } from "../errors.js";
import { formula } from "../explain/format.js";
import { schema, t as type } from "../schema/schema.js";
import type { Columns } from "./expr.js";
import { columnsOf, lit, when } from "./make.js";
import type { Value } from "./value.js";

const Row = schema({
  id: type.int64(),
  small: type.int32(),
  ratio: type.float64(),
  money: type.decimal(10, 2),
  name: type.string().nullable(),
  open: type.bool(),
  at: type.timestamp("ms"),
  day: type.date(),
  tags: type.list(type.string()),
  place: type.struct({ city: type.string(), zip: type.string().nullable() }),
});
const row = columnsOf<typeof Row.shape>(Row.fields);

/** What an expression is: its formula, type and whether it may be null. */
function told(expression: unknown): string {
  const value = expression as Value;
  return `${formula(value)}: ${value.type.kind}${value.nullable ? "?" : ""}`;
}

t.test("expressions tell what they compute, of what type, and whether it may be null", async (t) => {
  const cases: [unknown, string][] = [
    [row.id.gt(5), "id > 5: bool"],
    [row.id.add(row.small), "id + small: int64"],
    [row.small.mul(row.ratio), "small × ratio: float64"],
    [row.id.div(2n), "id / 2: int64"],
    [row.money.add(1), "money + 1: decimal"],
    [row.small.between(1, 9), "(small ≥ 1) and (small ≤ 9): bool"],
    [row.name.eq("x"), 'name = "x": bool?'],
    [row.name.isNull(), "isNull(name): bool"],
    [row.name.coalesce("none"), 'coalesce(name, "none"): string'],
    [row.name.upper().length(), "length(upper(name)): int64?"],
    [row.name.extract(/b(.)/i, 1), 'regexExtract(name, "(?i)b(.)", 1): string?'],
    [row.id.in([1, 2]), "in(id, 1, 2): bool"],
    [row.open.and(row.id.eq(1)), "open and (id = 1): bool"],
    [row.at.truncate("hour"), 'truncate("hour", at): timestamp'],
    [row.at.plus("1m"), "addMilliseconds(at, 60000): timestamp"],
    [row.at.gt(new Date(7)), "at > 7: bool"],
    [row.day.eq("1970-01-03"), "day = 2: bool"],
    [row.id.cast(type.string()), "id as string: string"],
    [row.id.tryCast(type.int32()), "id as int32: int32?"],
    [row.tags.at(0), "listElement(tags, 0): string?"],
    [row.place.get("zip"), 'getField(place, "zip"): string?'],
    [when(row.open, lit(1n)).otherwise(2n), "when open then 1 else 2: int64"],
  ];
  for (const [expression, expected] of cases) t.equal(told(expression), expected);
});

t.test("a plan error names the column and says what would do", async (t) => {
  const loose = row as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>;
  const cases: [() => unknown, string][] = [
    [
      () => loose.nam,
      'column "nam" is not in its input; there are id, small, ratio, money, name, open, at, day, tags, place (did you mean "name"?)',
    ],
    [() => loose.id?.add?.("1"), '"1" is not a value of type int64'],
    [() => loose.id?.add?.(1.5), "1.5 is not a value of type int64: cast the column with .cast(t.float64())"],
    [() => loose.small?.eq?.(3_000_000_000), "3000000000 is not a value of type int32"],
    [() => loose.id?.upper?.(), 'column "id" is of type int64, which has no .upper()'],
    [() => loose.id?.gt?.(row.name), 'column "id": int64 and string do not go together; cast one of them'],
    [() => loose.name?.matches?.(/a/y), "/a/y: flag y has no meaning here"],
    [
      () => loose.at?.truncate?.("decade"),
      'truncate: "decade" is none of second, minute, hour, day, week, month, year',
    ],
    [() => loose.place?.get?.("town"), 'get: there is no field "town"; there are city, zip'],
    [() => loose.at?.plus?.("soon"), 'plus: "soon" is not of the form "500ms", "10s", "1m", "2h" or "1d"'],
  ];
  for (const [build, message] of cases) t.throws(build, new PlanError(message));
});

t.test("decimals keep all their digits", async (t) => {
  const digits = (expression: unknown) => {
    const { type } = expression as Value;
    return type.kind === "decimal" ? [type.precision, type.scale] : type.kind;
  };
  const rate = lit("0.125", type.decimal(4, 3));
  t.same(digits(row.money.add(1)), [11, 2]);
  t.same(digits(row.money.sub(rate)), [12, 3]);
  t.same(digits(row.money.mul(rate)), [15, 5]);
  t.same(digits(row.money.div(row.small)), [14, 6]);
  t.same(digits(row.money.mod(rate)), [4, 3]);
  t.same(digits(row.id.mul(row.money)), [30, 2]);
  t.same(digits(row.money.mul(row.ratio)), "float64");
  t.same(digits(row.money.coalesce(rate)), [11, 3]);
  t.same(digits(row.money.coalesce(row.id)), [21, 2]);
  const advice = "it has more digits; give it a type of its own with lit(value, t.decimal(...))";
  t.throws(() => row.money.mul(0.125), new PlanError(`0.125 is not a value of type decimal(10, 2): ${advice}`));
  t.throws(
    () => row.money.gt(100_000_000),
    new PlanError(`100000000 is not a value of type decimal(10, 2): ${advice}`),
  );
});

t.test("a literal takes the type of what it stands beside, or says its own", async (t) => {
  t.match(lit(1n), { type: { kind: "int64" } });
  t.match(lit(1), { type: { kind: "float64" } });
  t.match(lit(1, type.int32()), { type: { kind: "int32" } });
  t.match(lit("1.50", type.decimal(4, 2)), { type: { kind: "decimal" }, node: { value: "1.50" } });
  t.throws(() => lit("x" as never, type.int32()), new PlanError('"x" is not a value of type int32'));
  t.ok(row satisfies Columns<typeof Row.shape>);
});

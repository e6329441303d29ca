import cassandra from "cassandra-driver";
import type { DataType, Field } from "millrace";
import { schema, t as type } from "millrace";
import t from "tap";
import { type CqlType, codecOf, nullable, Unfit } from "./values.js";

const { types } = cassandra;
const { dataTypes } = types;

const cql = (code: number, info: unknown = null, rest: object = {}) => ({ code, info, ...rest }) as CqlType;
const scalar = (name: keyof typeof dataTypes) => cql(Number(dataTypes[name]));
const one = (column: Parameters<typeof schema>[0][string]): Field => schema({ it: column }).fields[0] as Field;
const kind = (column: Parameters<typeof schema>[0][string]): DataType => one(column).type;

const big = (unscaled: bigint, scale: number) => {
  const hex = BigInt.asUintN(128, unscaled).toString(16).padStart(32, "0");
  const bytes = Buffer.alloc(20);
  bytes.writeInt32BE(scale);
  Buffer.from(hex, "hex").copy(bytes, 4);
  return types.BigDecimal.fromBuffer(bytes);
};

t.test("a decimal is read with the digits of its column, and none is lost", async (t) => {
  const { read } = codecOf(kind(type.decimal(20, 2)), scalar("decimal"), types);
  t.equal(read(big(1250n, 2)), "12.50");
  t.equal(read(big(125n, 1)), "12.5");
  t.equal(read(big(-5n, 2)), "-0.05");
  t.equal(read(big(12500n, 4)), "1.25");
  t.equal(read(big(12345n, 4)), "1.2345", "which the column then refuses");
  t.equal(read(big(12n, -3)), "12000");
  t.equal(read(big(0n, 0)), "0");
});

t.test("values that a column cannot have are refused with a reason", async (t) => {
  const refused: [DataType, CqlType, unknown, string][] = [
    [kind(type.string()), scalar("ascii"), "naïve", '"naïve" is no ASCII text'],
    [kind(type.string()), scalar("uuid"), "b0ba", '"b0ba" is no UUID'],
    [
      kind(type.string()),
      scalar("timeuuid"),
      "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
      '"6ba7b810-9dad-41d1-80b4-00c04fd430c8" is no UUID of version 1',
    ],
    [kind(type.string()), scalar("inet"), "10.0.0.256", '"10.0.0.256" is no IP address'],
    [kind(type.string()), scalar("time"), "24:00:00", '"24:00:00" is no time such as 23:59:59.999'],
    [kind(type.int32()), scalar("tinyint"), 128, "128 does not fit into 8 bits"],
    [kind(type.int32()), scalar("smallint"), -32_769, "-32769 does not fit into 16 bits"],
    [
      kind(type.list(type.int32().nullable())),
      cql(dataTypes.list, scalar("int")),
      [1, null],
      "a list in the table has no nulls",
    ],
    [
      kind(type.list(type.float64())),
      cql(dataTypes.custom, [scalar("float"), 3], { customTypeName: "vector" }),
      [1, 2],
      "the vector has 3 dimensions, and not 2",
    ],
  ];
  for (const [of, column, value, message] of refused) {
    t.throws(() => codecOf(of, column, types).write(value), new Unfit(message));
  }
});

t.test("types that do not go together are told with what does", async (t) => {
  const wrong: [DataType, CqlType, string][] = [
    [kind(type.int64()), scalar("int"), "it is int, which goes with t.int32(), not with int64"],
    [
      kind(type.timestamp("us")),
      scalar("timestamp"),
      'it is timestamp, which goes with t.timestamp("ms"), not with timestamp',
    ],
    [kind(type.string()), scalar("duration"), "it is duration, which cannot be read or written"],
    [
      kind(type.string()),
      cql(dataTypes.map, [scalar("text"), scalar("int")]),
      "it is map<text, int>, which goes with t.list(t.struct({ key: ..., value: ... })) of what goes with its keys and values, not with string",
    ],
    [
      kind(type.struct({ street: type.string(), zip: type.string() })),
      cql(dataTypes.udt, { name: "address", fields: [{ name: "street", type: scalar("text") }] }),
      'the type address has no field "zip", but street',
    ],
  ];
  for (const [of, column, message] of wrong) t.throws(() => codecOf(of, column, types), { message });
});

t.test("no list is an empty one, unless the column may be null", async (t) => {
  const column = cql(dataTypes.set, scalar("text"));
  const [required, optional] = [one(type.list(type.string())), one(type.list(type.string()).nullable())];
  t.strictSame(nullable(required, codecOf(required.type, column, types)).read(null), []);
  t.equal(nullable(optional, codecOf(optional.type, column, types)).read(null), null);
});

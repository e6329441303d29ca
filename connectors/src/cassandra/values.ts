import { isIP } from "node:net";
import type cassandra from "cassandra-driver";
import type { DataType, Field } from "millrace";

/** The type of a column, as the table's metadata have it. */
export type CqlType = cassandra.metadata.DataTypeInfo;

type Types = typeof cassandra.types;

/** How values of one type of columns go to the driver and come from it; nulls are seen to by whoever calls. */
export interface Codec {
  /** @throws Unfit */
  write(value: unknown): unknown;
  read(value: unknown): unknown;
}

/** A value that the column cannot have. */
export class Unfit extends Error {}

/**
 * The codec for values of `type` in a column of the table.
 *
 * @throws Error, saying what goes with it, when the two do not go together
 */
export function codecOf(type: DataType, cql: CqlType, types: Types): Codec {
  const name = nameOf(cql, types);
  const found = find(type, cql, name, types);
  if (found !== undefined) return found;
  const partner = PARTNERS[name.replace(/<.*$/s, "")];
  if (partner === undefined) throw new Error(`it is ${name}, which cannot be read or written`);
  throw new Error(`it is ${name}, which goes with ${partner}, not with ${type.kind}`);
}

/** What messages propose. */
const PARTNERS: Readonly<Record<string, string>> = {
  ascii: "t.string()",
  text: "t.string()",
  varchar: "t.string()",
  uuid: "t.string()",
  timeuuid: "t.string()",
  inet: "t.string()",
  time: "t.string()",
  tinyint: "t.int32()",
  smallint: "t.int32()",
  int: "t.int32()",
  bigint: "t.int64()",
  counter: "t.int64()",
  varint: "t.int64() or t.decimal(precision, 0)",
  float: "t.float64()",
  double: "t.float64()",
  decimal: "t.decimal(precision, scale)",
  boolean: "t.bool()",
  blob: "t.bytes()",
  timestamp: 't.timestamp("ms")',
  date: "t.date()",
  list: "t.list(...) of what goes with its items",
  set: "t.list(...) of what goes with its items",
  vector: "t.list(...) of what goes with its items",
  map: "t.list(t.struct({ key: ..., value: ... })) of what goes with its keys and values",
  tuple: "t.struct(...) of as many fields, by their order",
  udt: "t.struct(...) of fields that it has",
};

function find(type: DataType, cql: CqlType, name: string, types: Types): Codec | undefined {
  const scalar = SCALARS[name]?.(type, types);
  if (scalar !== undefined) return scalar;
  const { code, info } = cql as { code: number; info: unknown };
  const { dataTypes } = types;
  if (code === dataTypes.list || code === dataTypes.set)
    return type.kind === "list" ? listCodec(nested(type.item, info as CqlType, types)) : undefined;
  if (name.startsWith("vector<"))
    return type.kind === "list" ? vectorCodec(type.item, info as [CqlType, number], types) : undefined;
  if (code === dataTypes.map)
    return type.kind === "list" ? mapCodec(type.item, info as [CqlType, CqlType], types) : undefined;
  if (code === dataTypes.udt) return type.kind === "struct" ? udtCodec(type.fields, info as Udt, types) : undefined;
  if (code === dataTypes.tuple)
    return type.kind === "struct" ? tupleCodec(type.fields, info as CqlType[], types) : undefined;
  return undefined;
}

interface Udt {
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: CqlType }[];
}

/** "bigint", "list<text>", "vector<float, 3>", "udt<address>". */
export function nameOf({ code, info, ...rest }: CqlType, types: Types): string {
  const { dataTypes } = types;
  if (code === dataTypes.custom) {
    const { customTypeName } = rest as { customTypeName?: string };
    if (customTypeName !== "vector") return `custom<${String(info)}>`;
    const [item, size] = info as unknown as [CqlType, number];
    return `vector<${nameOf(item, types)}, ${size}>`;
  }
  const name = Object.entries(dataTypes).find(([, number]) => number === code)?.[0] ?? `type ${code}`;
  if (code === dataTypes.udt) return `udt<${(info as unknown as Udt).name}>`;
  if (code === dataTypes.list || code === dataTypes.set) return `${name}<${nameOf(info as CqlType, types)}>`;
  if (code === dataTypes.map || code === dataTypes.tuple)
    return `${name}<${(info as CqlType[]).map((part) => nameOf(part, types)).join(", ")}>`;
  return name;
}

const same = (value: unknown) => value;
const SAME: Codec = { write: same, read: same };

type Scalar = (type: DataType, types: Types) => Codec | undefined;

const only =
  (kind: DataType["kind"], codec: Codec): Scalar =>
  (type) =>
    type.kind === kind ? codec : undefined;

function checked(isFit: (value: string) => boolean, what: string): Codec {
  return {
    write(value) {
      if (isFit(value as string)) return value;
      throw new Unfit(`${shown(value)} is no ${what}`);
    },
    read: String,
  };
}

function within(bits: number): Codec {
  const limit = 2 ** (bits - 1);
  return {
    write(value) {
      if ((value as number) >= -limit && (value as number) < limit) return value;
      throw new Unfit(`${shown(value)} does not fit into ${bits} bits`);
    },
    read: same,
  };
}

const ASCII = checked((text) => !/[^\0-\x7f]/.test(text), "ASCII text");
const UUID = checked((text) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text), "UUID");
const TIME_UUID = checked(
  (text) => /^[\da-f]{8}-[\da-f]{4}-1[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/i.test(text),
  "UUID of version 1",
);
const TIME = checked((text) => /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?$/.test(text), "time such as 23:59:59.999");
const INET = checked((text) => isIP(text) !== 0 && !text.includes("%"), "IP address");

const INT64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n };

const SCALARS: Readonly<Record<string, Scalar>> = {
  ascii: only("string", ASCII),
  text: only("string", SAME),
  varchar: only("string", SAME),
  uuid: only("string", UUID),
  timeuuid: only("string", TIME_UUID),
  inet: only("string", INET),
  time: only("string", TIME),
  tinyint: only("int32", within(8)),
  smallint: only("int32", within(16)),
  int: only("int32", SAME),
  bigint: only("int64", SAME),
  counter: only("int64", SAME),
  float: only("float64", SAME),
  double: only("float64", SAME),
  boolean: only("bool", SAME),
  date: only("date", { write: same, read: String }),
  timestamp: (type) =>
    type.kind === "timestamp" && type.unit === "ms" ? { write: same, read: (value) => Number(value) } : undefined,
  blob: only("bytes", {
    write(value) {
      const { buffer, byteOffset, byteLength } = value as Uint8Array;
      return Buffer.from(buffer, byteOffset, byteLength);
    },
    read: same,
  }),
  varint(type) {
    if (type.kind === "decimal" && type.scale === 0) return { write: (value) => BigInt(value as string), read: String };
    // What is too large does not fit the column of the job, and is told there as it is.
    const fits = (value: unknown) => (value as bigint) >= INT64.least && (value as bigint) <= INT64.most;
    return type.kind === "int64" ? { write: same, read: (value) => (fits(value) ? value : String(value)) } : undefined;
  },
  decimal: (type, types) =>
    type.kind === "decimal"
      ? { write: same, read: (value) => decimalText(value as cassandra.types.BigDecimal, type.scale, types) }
      : undefined,
};

/** The number with as many digits behind the point as the column has, or more if it needs them. */
function decimalText(value: cassandra.types.BigDecimal, scale: number, types: Types): string {
  // The driver's own text is wrong where digits in front of the point are left out.
  const bytes = types.BigDecimal.toBuffer(value);
  let places = bytes.readInt32BE(0);
  const digits = bytes.subarray(4);
  let unscaled = BigInt.asIntN(digits.length * 8, BigInt(`0x${digits.toString("hex")}`));
  for (; places < scale && places < 0; places++) unscaled *= 10n;
  for (; places > scale && unscaled % 10n === 0n; places--) unscaled /= 10n;
  const text = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(places + 1, "0");
  const point = text.length - places;
  return `${unscaled < 0n ? "-" : ""}${text.slice(0, point)}${places === 0 ? "" : `.${text.slice(point)}`}`;
}

/** A codec of values inside of others, nulls included. */
function nested(field: Field, cql: CqlType, types: Types): Codec {
  return nullable(field, codecOf(field.type, cql, types));
}

/** As the column is: to the server an empty list and none are the same. */
export function nullable({ type, nullable }: Pick<Field, "type" | "nullable">, codec: Codec): Codec {
  const none = () => (type.kind === "list" && !nullable ? [] : null);
  return {
    write: (value) => (value === null || value === undefined ? null : codec.write(value)),
    read: (value) => (value === null || value === undefined ? none() : codec.read(value)),
  };
}

function listCodec(item: Codec): Codec {
  return {
    write: (value) =>
      (value as unknown[]).map((member) => {
        if (member === null || member === undefined) throw new Unfit("a list in the table has no nulls");
        return item.write(member);
      }),
    read: (value) => (value as unknown[]).map((member) => item.read(member)),
  };
}

function vectorCodec(field: Field, [cql, size]: readonly [CqlType, number], types: Types): Codec {
  const list = listCodec(nested(field, cql, types));
  return {
    write(value) {
      const { length } = value as unknown[];
      if (length !== size) throw new Unfit(`the vector has ${size} dimensions, and not ${length}`);
      return new types.Vector(list.write(value) as unknown[], nameOf(cql, types));
    },
    read: (value) => list.read([...(value as Iterable<unknown>)]),
  };
}

/** Entries as structs of a key and a value. */
function mapCodec({ type }: Field, [keys, values]: readonly [CqlType, CqlType], types: Types): Codec | undefined {
  if (type.kind !== "struct" || type.fields.length !== 2) return undefined;
  const key = type.fields.find(({ name }) => name === "key");
  const value = type.fields.find(({ name }) => name === "value");
  if (key === undefined || value === undefined) return undefined;
  const [keyCodec, valueCodec] = [nested(key, keys, types), nested(value, values, types)];
  return {
    write(entries) {
      const map = new Map<unknown, unknown>();
      for (const entry of entries as ({ key: unknown; value: unknown } | null)[]) {
        const written = [keyCodec.write(entry?.key), valueCodec.write(entry?.value)];
        if (written.includes(null)) throw new Unfit("a map in the table has no nulls");
        map.set(written[0], written[1]);
      }
      return map;
    },
    read: (map) =>
      [...(map as Map<unknown, unknown>)].map(([key, value]) => ({
        key: keyCodec.read(key),
        value: valueCodec.read(value),
      })),
  };
}

function udtCodec(fields: readonly Field[], { name, fields: has }: Udt, types: Types): Codec {
  const codecs = fields.map((field): [string, Codec] => {
    const found = has.find(({ name }) => name === field.name);
    if (found === undefined)
      throw new Error(`the type ${name} has no field "${field.name}", but ${has.map(({ name }) => name).join(", ")}`);
    return [field.name, nested(field, found.type, types)];
  });
  const each = (value: unknown, way: "write" | "read") =>
    Object.fromEntries(codecs.map(([field, codec]) => [field, codec[way]((value as Record<string, unknown>)[field])]));
  return { write: (value) => each(value, "write"), read: (value) => each(value, "read") };
}

function tupleCodec(fields: readonly Field[], parts: readonly CqlType[], types: Types): Codec | undefined {
  if (fields.length !== parts.length) return undefined;
  const codecs = fields.map((field, index): [string, Codec] => [
    field.name,
    nested(field, parts[index] as CqlType, types),
  ]);
  return {
    write: (value) =>
      types.Tuple.fromArray(codecs.map(([field, codec]) => codec.write((value as Record<string, unknown>)[field]))),
    read(value) {
      const values = (value as cassandra.types.Tuple).values();
      return Object.fromEntries(codecs.map(([field, codec], index) => [field, codec.read(values[index])]));
    },
  };
}

export function shown(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? part.toString() : part))?.slice(0, 60) ?? "";
}

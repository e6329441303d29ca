import cassandra from "cassandra-driver";
import t from "tap";
import { Partitions } from "./partitions.js";
import type { CqlType } from "./values.js";

const { types } = cassandra;
const { dataTypes } = types;

const host = (address: string) => ({ address }) as cassandra.Host;
const partitions = (code: number, replicas: (partition: Buffer) => cassandra.Host[] | null = () => []) =>
  new Partitions(cassandra, { code } as CqlType, "tests", (_, partition) => replicas(partition));

t.test("a value of the job and the server's are the same bytes", (t) => {
  const uuid = "0b7a8f3e-9f1e-4f6b-8a54-0f3c2b1d4e5f";
  const same: [number, unknown, unknown][] = [
    [dataTypes.uuid, uuid.toUpperCase(), types.Uuid.fromString(uuid)],
    [dataTypes.bigint, -7n, -7n],
    [dataTypes.timestamp, 1500, new Date(1500)],
    [dataTypes.inet, "::1", types.InetAddress.fromString("0:0:0:0:0:0:0:1")],
    [dataTypes.decimal, "1.50", types.BigDecimal.fromString("1.50")],
    [dataTypes.blob, Buffer.of(1, 255), Buffer.of(1, 255)],
    [dataTypes.text, "ü", "ü"],
  ];
  for (const [code, asked, found] of same)
    t.strictSame(partitions(code).bytes(asked), partitions(code).bytes(found), String(asked));
  const doubles = partitions(dataTypes.double);
  t.notSame(doubles.bytes(0), doubles.bytes(-0), "to the server two zeros are two keys");
  t.end();
});

t.test("keys are put together by the nodes that have them, in whatever order these are told", (t) => {
  const [a, b, c] = [host("a:9042"), host("b:9042"), host("c:9042")];
  const of = partitions(
    dataTypes.int,
    (partition) =>
      [
        [a, b],
        [b, a],
        [b, c],
      ][partition.readInt32BE() % 3] ?? [],
  );
  const keys = Array.from({ length: 90 }, (_, key) => ({ key, partition: of.bytes(key) }));
  const groups = of.onSameNodes(keys).map((group) => group.map(({ key }) => key));
  t.strictSame(
    groups.flat().toSorted((one, other) => one - other),
    keys.map(({ key }) => key),
  );
  t.strictSame(groups.map(({ length }) => length).toSorted(), [10, 20, 20, 20, 20]);
  for (const group of groups) t.equal(new Set(group.map((key) => key % 3 === 2)).size, 1);
  t.end();
});

t.test("where the driver does not know the nodes, keys are put together all the same", (t) => {
  const of = partitions(dataTypes.int, () => null);
  const keys = Array.from({ length: 25 }, (_, key) => ({ partition: of.bytes(key) }));
  t.strictSame(
    of.onSameNodes(keys).map(({ length }) => length),
    [20, 5],
  );
  t.end();
});

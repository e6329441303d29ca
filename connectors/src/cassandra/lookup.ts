import type { DriverLookup, Row, Step } from "../driver/driver.js";
import { type Connection, connect } from "./connect.js";
import { drain, Gate } from "./gate.js";
import { Partitions } from "./partitions.js";
import { rowOf, selected } from "./select.js";
import type { Settings } from "./settings.js";
import { type Column, columnsOf, quoted, type Table, tableOf } from "./table.js";
import { Unfit } from "./values.js";

/** A key that is asked for, by its number in the call. */
interface Asked {
  readonly index: number;
  readonly params: readonly unknown[];
}

/** What the server is asked. */
interface Statement {
  readonly query: string;
  readonly params: readonly unknown[];
  /** A partition whose nodes have all of it, where the driver cannot know. */
  readonly routingKey?: Buffer;
  /** Numbers of the keys that a row of the answer belongs to. */
  readonly keysOf: (row: Row) => readonly number[];
}

/**
 * Looks rows up by their keys. Where a key is one column, which tells partitions apart, those that lie on the same nodes have a
 * statement together; else each key has its own.
 */
export class CassandraLookup implements DriverLookup {
  readonly #gate: Gate;
  readonly #partitions: Partitions | undefined;

  private constructor(
    private readonly connection: Connection,
    settings: Settings,
    private readonly table: Table,
    private readonly columns: readonly Column[],
    private readonly key: readonly Column[],
  ) {
    this.#gate = new Gate(settings.concurrency);
    const type = table.columns.find(({ name }) => name === key[0]?.name)?.type;
    if (key.length === 1 && type !== undefined) this.#partitions = Partitions.of(connection, type);
  }

  static async open(settings: Settings, step: Step): Promise<CassandraLookup> {
    const connection = await connect(settings, step);
    try {
      const table = await tableOf(connection);
      const columns = columnsOf(step.fields, table, connection);
      return new CassandraLookup(connection, settings, table, columns, keyOf(table, connection));
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async find(keys: readonly Row[], names: readonly string[]): Promise<readonly (Row | undefined)[]> {
    const { client, consistency } = this.connection;
    const columns = this.columns.filter(({ name }) => names.includes(name));
    const asked = keys.flatMap((key, index): Asked[] => {
      const params = paramsOf(key, this.key);
      return params === undefined ? [] : [{ index, params }];
    });
    const statements = this.#partitions ? this.#together(asked, columns, this.#partitions) : this.#each(asked, columns);
    const found: (Row | undefined)[] = new Array(keys.length).fill(undefined);
    const find = async ({ query, params, keysOf, ...routing }: Statement) => {
      const options = { prepare: true, consistency, isIdempotent: true, ...routing };
      for (const row of (await client.execute(query, [...params], options)).rows) {
        for (const index of keysOf(row)) found[index] = rowOf(row, columns);
      }
    };
    try {
      await drain(statements, this.#gate, find);
    } catch (error) {
      throw this.connection.told(error);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #each(asked: readonly Asked[], columns: readonly Column[]): Statement[] {
    const where = this.key.map(({ name }) => `${quoted(name)} = ?`).join(" AND ");
    const query = `SELECT ${selected(columns, this.table)} FROM ${this.table.name} WHERE ${where} LIMIT 1`;
    return asked.map(({ index, params }) => ({ query, params, keysOf: () => [index] }));
  }

  #together(asked: readonly Asked[], columns: readonly Column[], partitions: Partitions): Statement[] {
    const [key] = this.key as [Column];
    const names = [...new Set([key, ...columns].map(({ name }) => quoted(name)))];
    const query = `SELECT ${names.join(", ")} FROM ${this.table.name} WHERE ${quoted(key.name)} IN ? PER PARTITION LIMIT 1`;
    const byId = new Map<string, { readonly partition: Buffer; readonly value: unknown; readonly keys: number[] }>();
    for (const { index, params } of asked) {
      const [value] = params;
      const partition = partitions.bytes(value);
      const id = partition.toString("latin1");
      const known = byId.get(id);
      if (known === undefined) byId.set(id, { partition, value, keys: [index] });
      else known.keys.push(index);
    }
    const keysOf = (row: Row) => byId.get(partitions.bytes(row[key.name]).toString("latin1"))?.keys ?? [];
    return partitions.onSameNodes(byId.values()).map((group) => ({
      query,
      params: [group.map(({ value }) => value)],
      routingKey: group[0].partition,
      keysOf,
    }));
  }
}

/**
 * The columns of the key, in the order of the table.
 *
 * @throws Error when the table cannot be looked up in by them
 */
function keyOf(table: Table, connection: Connection): Column[] {
  const { partitionKey, clusteringKey, name } = table;
  const given = columnsOf(connection.step.keys ?? [], table, connection);
  const clustering = clusteringKey.slice(0, Math.max(0, given.length - partitionKey.length));
  const key = [...partitionKey, ...clustering].map((part) => given.find(({ name }) => name === part));
  if (key.length === given.length && !key.includes(undefined)) return key as Column[];
  const names = given.map(({ name }) => name).join(", ");
  const whole = `(${[`(${partitionKey.join(", ")})`, ...clusteringKey].join(", ")})`;
  throw new Error(
    `${name} is looked up by ${names}, and its primary key is ${whole}: give all of the partition key, and of what follows nothing or the first ones`,
  );
}

/** `undefined`: no row has such a key. */
function paramsOf(row: Row, key: readonly Column[]): unknown[] | undefined {
  try {
    const params = key.map(({ name, codec }) => codec.write(row[name]));
    return params.includes(null) ? undefined : params;
  } catch (error) {
    if (error instanceof Unfit) return undefined;
    throw error;
  }
}

import type { DriverSink, Refusal, Row, Step } from "../driver/driver.js";
import { type Connection, connect, consistencyOf } from "./connect.js";
import { isForgotten, isRefusal } from "./errors.js";
import { drain, Gate } from "./gate.js";
import type { SinkSettings } from "./settings.js";
import { type Column, columnsOf, quoted, type Table, tableOf } from "./table.js";
import { GrowingTimestamps, microseconds } from "./timestamps.js";
import { nameOf } from "./values.js";

/** A batch of one partition is complete with so many bytes: servers may refuse those of more than 50 KiB. */
const BATCH_BYTES = 32 * 1024;
/** What a row costs beside its values. */
const ROW_BYTES = 32;

/** A row that is to be inserted. */
interface Insert {
  readonly row: number;
  readonly params: readonly unknown[];
}

/** What of one call is still to be written, batches of one partition each, and what was refused. */
interface Delivery {
  readonly waiting: Insert[][];
  readonly refused: Refusal[];
  /** How many had been refused when the table was last looked at. */
  verified: number;
}

/**
 * Writes rows by their primary keys. Each row has a timestamp of its own, given when it first comes, so that of rows of one key
 * the last one stays, in whatever order and however often they arrive.
 */
export class CassandraSink implements DriverSink {
  readonly #gate: Gate;
  readonly #statement: string;
  readonly #options;
  readonly #partition: (row: Row) => string;
  readonly #timestamp: ((row: Row) => bigint) | undefined;
  /** By the rows of a call: those that come again go on where they were. */
  readonly #deliveries = new WeakMap<readonly Row[], Delivery>();

  private constructor(
    private readonly connection: Connection,
    private readonly settings: SinkSettings,
    table: Table,
    private readonly columns: readonly Column[],
  ) {
    const { ifNotExists, serialConsistency = "SERIAL" } = settings;
    this.#gate = new Gate(settings.concurrency);
    this.#statement = statement(table, columns, settings);
    this.#options = {
      prepare: true,
      consistency: connection.consistency,
      isIdempotent: !ifNotExists,
      ...(ifNotExists ? { serialConsistency: consistencyOf(connection.cassandra, serialConsistency) } : {}),
    };
    this.#partition = partitionOf(table.partitionKey);
    this.#timestamp = ifNotExists ? undefined : timestampOf(connection.step, settings);
  }

  static async open(settings: SinkSettings, step: Step): Promise<CassandraSink> {
    const connection = await connect(settings, step);
    try {
      const table = await tableOf(connection);
      return new CassandraSink(connection, settings, table, writtenTo(table, connection, settings));
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async write(rows: readonly Row[]): Promise<readonly Refusal[]> {
    let delivery = this.#deliveries.get(rows);
    if (delivery === undefined) {
      delivery = this.#begin(rows);
      this.#deliveries.set(rows, delivery);
    }
    const { waiting, refused, verified } = delivery;
    try {
      await drain(waiting, this.#gate, (inserts) => this.#insert(inserts, refused));
      if (refused.length > verified) await this.#stillFits();
      delivery.verified = refused.length;
    } catch (error) {
      throw await this.#explained(error);
    }
    return refused;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #begin(rows: readonly Row[]): Delivery {
    const refused: Refusal[] = [];
    const partitions = new Map<string, Insert[][]>();
    const room = new Map<string, number>();
    rows.forEach((row, index) => {
      let params: unknown[];
      try {
        params = this.#params(row);
      } catch (error) {
        refused.push({ row: index, reason: (error as Error).message });
        return;
      }
      const partition = this.#partition(row);
      const bytes = ROW_BYTES + params.reduce((sum: number, value) => sum + sizeOf(value), 0);
      const left = (room.get(partition) ?? 0) - bytes;
      const batches = partitions.get(partition) ?? [];
      const open = batches.at(-1);
      const insert = { row: index, params };
      // Of transactions the order counts, so those of a partition stay together: they are no batches.
      if (open !== undefined && (left >= 0 || this.settings.ifNotExists)) {
        open.push(insert);
        room.set(partition, left);
        return;
      }
      batches.push([insert]);
      partitions.set(partition, batches);
      room.set(partition, BATCH_BYTES - bytes);
    });
    return { waiting: [...partitions.values()].flat(), refused, verified: refused.length };
  }

  #params(row: Row): unknown[] {
    const { unset } = this.connection.cassandra.types;
    const params: unknown[] = this.columns.map(({ name, codec }) => {
      const value = row[name];
      try {
        const written = codec.write(value);
        return written === null && this.settings.ignoreNulls ? unset : written;
      } catch (error) {
        throw new Error(`column "${name}": ${(error as Error).message}`);
      }
    });
    if (this.#timestamp !== undefined) params.push(this.#timestamp(row));
    return params;
  }

  /** Takes out of the list what is done. */
  async #insert(inserts: Insert[], refused: Refusal[]): Promise<void> {
    const { client } = this.connection;
    if (inserts.length > 1 && !this.settings.ifNotExists) {
      const batch = inserts.map(({ params }) => ({ query: this.#statement, params: [...params] }));
      try {
        await client.batch(batch, { ...this.#options, logged: false });
        return;
      } catch (error) {
        // One of them may be at fault, or all of them together.
        if (!isRefusal(error)) throw error;
      }
    }
    for (let insert = inserts[0]; insert !== undefined; insert = inserts[0]) {
      try {
        await client.execute(this.#statement, [...insert.params], this.#options);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refused.push({ row: insert.row, reason: error.message });
      }
      inserts.shift();
    }
  }

  async #explained(error: unknown): Promise<Error> {
    const { connection } = this;
    if (!isForgotten(error)) return connection.told(error);
    return this.#stillFits().then(
      () => connection.told(error),
      (reason) => connection.told(reason),
    );
  }

  /** A table that has changed refuses rows that are not at fault. */
  async #stillFits(): Promise<void> {
    await this.connection.client.metadata.refreshKeyspace(this.settings.keyspace);
    writtenTo(await tableOf(this.connection), this.connection, this.settings);
  }
}

/**
 * The columns that are written.
 *
 * @throws Error when rows cannot be written to the table as it is
 */
function writtenTo(table: Table, connection: Connection, { timestamp }: SinkSettings): Column[] {
  const { step, cassandra } = connection;
  const has = (name: string) => table.columns.some((column) => column.name === name);
  const columns = columnsOf(
    step.fields.filter(({ name }) => name !== timestamp || has(name)),
    table,
    connection,
  );
  const key = [...table.partitionKey, ...table.clusteringKey];
  const missing = key.filter((name) => !columns.some((column) => column.name === name));
  if (missing.length > 0)
    throw new Error(
      `${table.name}: its primary key is (${key.join(", ")}), and the rows have no ${missing.join(", ")}`,
    );
  const counter = table.columns.find(({ type }) => nameOf(type, cassandra.types) === "counter");
  if (counter !== undefined)
    throw new Error(`${table.name}: ${counter.name} is a counter: it can be added to, but rows cannot be written`);
  return columns.map((column) => (key.includes(column.name) ? keyColumn(column) : column));
}

function keyColumn(column: Column): Column {
  const { codec } = column;
  return {
    ...column,
    codec: {
      read: codec.read,
      write(value) {
        const written = codec.write(value);
        if (written === null) throw new Error("it is null, and part of the primary key");
        return written;
      },
    },
  };
}

function statement(table: Table, columns: readonly Column[], { ttl, ifNotExists }: SinkSettings): string {
  const names = columns.map(({ name }) => quoted(name)).join(", ");
  const using = [...(ttl > 0 ? [`TTL ${ttl}`] : []), ...(ifNotExists ? [] : ["TIMESTAMP ?"])];
  return [
    `INSERT INTO ${table.name} (${names}) VALUES (${columns.map(() => "?").join(", ")})`,
    ...(ifNotExists ? ["IF NOT EXISTS"] : []),
    ...(using.length > 0 ? [`USING ${using.join(" AND ")}`] : []),
  ].join(" ");
}

function timestampOf({ fields }: Step, { timestamp }: SinkSettings): (row: Row) => bigint {
  if (timestamp === undefined) {
    const growing = new GrowingTimestamps(Date.now);
    return () => growing.next();
  }
  const field = fields.find(({ name }) => name === timestamp);
  if (field === undefined)
    throw new Error(`timestamp: there is no column "${timestamp}", but ${fields.map(({ name }) => name).join(", ")}`);
  const convert = microseconds(field);
  return (row) => convert(row[timestamp]);
}

/** A text that is the same for rows of the same partition. */
function partitionOf(key: readonly string[]): (row: Row) => string {
  const part = (value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("hex") : value;
  const [only, ...others] = key;
  if (only !== undefined && others.length === 0) return (row) => String(part(row[only]));
  return (row) => JSON.stringify(key.map((name) => String(part(row[name]))));
}

/** About what a value takes in a request. */
function sizeOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.length;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 4 + sizeOf(item), 0);
  if (value instanceof Map) return sizeOf([...value].flat());
  if (typeof value === "object" && value !== null) return sizeOf(Object.values(value));
  return 8;
}

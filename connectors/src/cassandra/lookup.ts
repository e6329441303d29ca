import type { DriverLookup, Row, Step } from "../driver/driver.js";
import { type Connection, connect } from "./connect.js";
import { told } from "./errors.js";
import { drain, Gate } from "./gate.js";
import { rowOf, selected } from "./select.js";
import type { Settings } from "./settings.js";
import { type Column, columnsOf, quoted, type Table, tableOf } from "./table.js";
import { Unfit } from "./values.js";

/** Looks rows up by their keys, each with a statement of its own that goes to a node which has it. */
export class CassandraLookup implements DriverLookup {
  readonly #gate: Gate;

  private constructor(
    private readonly connection: Connection,
    settings: Settings,
    private readonly table: Table,
    private readonly columns: readonly Column[],
    private readonly key: readonly Column[],
  ) {
    this.#gate = new Gate(settings.concurrency);
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
    const { client, consistency, step } = this.connection;
    const { key } = this;
    const columns = this.columns.filter(({ name }) => names.includes(name));
    const where = key.map(({ name }) => `${quoted(name)} = ?`).join(" AND ");
    const query = `SELECT ${selected(columns, this.table)} FROM ${this.table.name} WHERE ${where} LIMIT 1`;
    const options = { prepare: true, consistency, isIdempotent: true };
    const found: (Row | undefined)[] = new Array(keys.length).fill(undefined);
    const find = async (index: number) => {
      const params = paramsOf(keys[index] as Row, key);
      if (params === undefined) return;
      const row = (await client.execute(query, params, options)).first();
      if (row) found[index] = rowOf(row, columns);
    };
    try {
      await drain([...keys.keys()], this.#gate, find);
    } catch (error) {
      throw told(step.name, error);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.connection.close();
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

import type { DriverSource, Row, SplitReader, Step } from "../driver/driver.js";
import { type Connection, connect } from "./connect.js";
import { Gate } from "./gate.js";
import { rowOf, selected } from "./select.js";
import type { SourceSettings } from "./settings.js";
import { type Column, columnsOf, quoted, type Table, tableOf } from "./table.js";

const RING = { least: -(2n ** 63n), size: 2n ** 64n };
const END = "end";

/**
 * Reads a table in parts of its token ring. They are the same in every run, whatever nodes come and go, so that a page's state,
 * which the server gives and takes, is all that a checkpoint has to keep.
 */
export class CassandraSource implements DriverSource {
  readonly #gate: Gate;

  private constructor(
    private readonly connection: Connection,
    private readonly settings: SourceSettings,
    private readonly table: Table,
    private readonly columns: readonly Column[],
  ) {
    this.#gate = new Gate(settings.concurrency);
  }

  static async open(settings: SourceSettings, step: Step): Promise<CassandraSource> {
    const connection = await connect(settings, step);
    try {
      const table = await tableOf(connection);
      const columns = columnsOf(step.fields, table, connection);
      const local = await connection.client.execute("SELECT partitioner FROM system.local");
      const partitioner = String(local.first()?.partitioner);
      if (!partitioner.endsWith("Murmur3Partitioner"))
        throw new Error(
          `the cluster's partitioner is ${partitioner}: a table is read with the Murmur3Partitioner only`,
        );
      return new CassandraSource(connection, settings, table, columns);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async splits() {
    return { names: splitsOf(this.settings.splits), bounded: true };
  }

  async open(split: string, after: string | undefined, names: readonly string[]): Promise<SplitReader> {
    if (after === END) return { next: async () => ({ rows: [], token: END, ended: true }) };
    const { client, consistency } = this.connection;
    const columns = this.columns.filter(({ name }) => names.includes(name));
    const key = this.table.partitionKey.map(quoted).join(", ");
    const where = `token(${key}) > ? AND token(${key}) <= ?`;
    const query = `SELECT ${selected(columns, this.table)} FROM ${this.table.name} WHERE ${where}`;
    const [above, upTo] = boundsOf(split);
    const options = {
      prepare: true,
      consistency,
      isIdempotent: true,
      fetchSize: this.settings.pageRows,
      // One of the nodes that have the range's end; the driver's declaration does not know of tokens.
      routingKey: client.metadata.newToken(String(upTo)) as never,
    };
    let pageState = after;
    const next = async () => {
      const paged = pageState === undefined ? options : { ...options, pageState };
      const result = await client.execute(query, [above, upTo], paged).catch((error) => {
        throw this.connection.told(error);
      });
      const rows: Row[] = result.rows.map((row) => rowOf(row, columns));
      pageState = result.pageState ?? undefined;
      return pageState === undefined ? { rows, token: END, ended: true } : { rows, token: pageState };
    };
    return { next: () => this.#gate.run(next) };
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

/** Names of parts of equal size; each has the bounds that it lies between. */
export function splitsOf(count: number): string[] {
  const bound = (index: number) => RING.least + (RING.size * BigInt(index)) / BigInt(count);
  // The greatest token belongs to the last, and no key has the least.
  const last = RING.least + RING.size - 1n;
  return Array.from({ length: count }, (_, index) => {
    const upTo = index === count - 1 ? last : bound(index + 1);
    return `tokens ${bound(index)} to ${upTo}`;
  });
}

/** Above the first, up to the second. */
export function boundsOf(split: string): [bigint, bigint] {
  const [, above = "", upTo = ""] = /^tokens (-?\d+) to (-?\d+)$/.exec(split) ?? [];
  return [BigInt(above), BigInt(upTo)];
}

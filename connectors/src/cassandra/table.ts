import type cassandra from "cassandra-driver";
import type { Field } from "millrace";
import type { Connection } from "./connect.js";
import { type Codec, type CqlType, codecOf, nameOf, nullable } from "./values.js";

/** A column of the job in its table; null and undefined go through its codec as the column has them. */
export interface Column extends Field {
  readonly codec: Codec;
}

/** What of a table there is to know. */
export interface Table {
  /** As statements name it. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: CqlType }[];
  readonly partitionKey: readonly string[];
  readonly clusteringKey: readonly string[];
}

type View = cassandra.metadata.MaterializedView;

/**
 * Reads the metadata of the table, or of the view, of a connection.
 *
 * @throws Error, saying what there is, when it is not there
 */
export async function tableOf({ client, settings }: Connection): Promise<Table> {
  const { keyspace, table } = settings;
  const { metadata } = client;
  // Its declaration asks for a callback that it does not need.
  const viewOf = metadata.getMaterializedView as (keyspace: string, name: string) => Promise<View | null>;
  if (!Object.hasOwn(metadata.keyspaces, keyspace)) await metadata.refreshKeyspaces();
  if (!Object.hasOwn(metadata.keyspaces, keyspace))
    throw new Error(`there is no keyspace "${keyspace}", but ${listed(Object.keys(metadata.keyspaces))}`);
  const found = (await metadata.getTable(keyspace, table)) ?? (await viewOf.call(metadata, keyspace, table));
  if (!found) {
    const query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?";
    const { rows } = await client.execute(query, [keyspace], { prepare: true });
    const names = rows.map((row) => String(row.table_name));
    const there = names.length === 0 ? "no table at all" : listed(names);
    throw new Error(
      `there is no table "${table}" in the keyspace "${keyspace}", but ${there}: create it, or correct it`,
    );
  }
  const named = (columns: readonly cassandra.metadata.ColumnInfo[]) => columns.map(({ name }) => name);
  return {
    name: `${quoted(keyspace)}.${quoted(table)}`,
    columns: found.columns,
    partitionKey: named(found.partitionKeys),
    clusteringKey: named(found.clusteringKeys),
  };
}

/**
 * The columns of the job, each with the way of its values.
 *
 * @throws Error that names all columns that are not there or do not fit
 */
export function columnsOf(fields: readonly Field[], table: Table, { cassandra }: Connection): Column[] {
  const problems: string[] = [];
  const columns = fields.flatMap((field): Column[] => {
    const { name, type } = field;
    const found = table.columns.find((column) => column.name === name);
    if (found === undefined) {
      problems.push(`the table has no column "${name}"`);
      return [];
    }
    try {
      return [{ ...field, codec: nullable(field, codecOf(type, found.type, cassandra.types)) }];
    } catch (error) {
      problems.push(`column "${name}": ${(error as Error).message}`);
      return [];
    }
  });
  if (problems.length > 0) {
    const has = table.columns.map(({ name, type }) => `${name} ${nameOf(type, cassandra.types)}`);
    throw new Error(`${table.name}: ${problems.join("; ")}. Its columns: ${has.join(", ")}`);
  }
  return columns;
}

/** A name as CQL has it, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function listed(names: readonly string[]): string {
  const some = names.toSorted().slice(0, 10);
  return `${some.join(", ")}${names.length > some.length ? ` and ${names.length - some.length} more` : ""}`;
}

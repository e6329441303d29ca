import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import { Schema } from "../schema/schema.js";
import type { AnyType, Bool, Field, List, Null, Shape, Text } from "../schema/type.js";
import type { OnBadRecord, Sink, Source } from "./connector.js";
import { type DriverBatch, driverSink, type LookupCache, type LookupTable, lookupConfig } from "./driver.js";
import type { Secret } from "./secret.js";

/**
 * How to reach a collection of MongoDB.
 *
 * ```ts
 * import { env, type MongoConnection, mongodb } from "millrace";
 * const orders: MongoConnection = {
 *   url: "mongodb://a.example,b.example/?replicaSet=shop",
 *   database: "shop",
 *   collection: "orders",
 *   auth: { username: "millrace", password: { file: env("PASSWORD_FILE", "/run/secrets/mongodb") } },
 *   tls: { ca: "ca.pem" },
 * };
 * const sink = mongodb({ ...orders, id: "order" });
 * ```
 */
export interface MongoConnection {
  /** `mongodb://…` or `mongodb+srv://…`, with any options of the driver. It may hold a password: it is never shown. */
  readonly url: Secret;
  readonly database: string;
  readonly collection: string;
  /** Goes before what the URL says. A password's file is read again when the server does not accept it any more. */
  readonly auth?: { readonly username: string; readonly password: Secret; readonly source?: string };
  /** PEM files; with `true`, or `mongodb+srv`, the system's certificates. */
  readonly tls?: boolean | { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  /** To find a server (5s), and for its answer (30s). */
  readonly timeout?: { readonly connect?: Duration; readonly response?: Duration };
}

/** The names of columns of certain types; any name where columns are not known. */
type ColumnName<S extends Shape, T extends AnyType = AnyType> = string extends keyof S
  ? string
  : { readonly [K in keyof S]: S[K] extends T ? K : never }[keyof S] & string;

/** Columns that identify a document. */
type IdName<S extends Shape> = ColumnName<S, Exclude<AnyType, List<AnyType>>>;

/**
 * Which document a row becomes, and how it is written.
 *
 * ```ts
 * import { type MongoSinkOptions, mongodb, schema, t } from "millrace";
 * const Order = schema({ shop: t.int64(), number: t.int64(), total: t.decimal(12, 2), cancelled: t.bool() });
 * const options: MongoSinkOptions<typeof Order.shape> = {
 *   url: "mongodb://localhost",
 *   database: "shop",
 *   collection: "orders",
 *   id: ["shop", "number"],
 *   shardKey: ["shop"],
 *   deleteWhere: "cancelled",
 * };
 * const sink = mongodb(options);
 * ```
 */
export interface MongoSinkOptions<S extends Shape> extends MongoConnection {
  readonly schema?: undefined;
  /**
   * The column that is the document's `_id`, or several, which make a document of it; they are written as fields, too. The column
   * `_id` by default. With `null` the server is given a new document for each row, and one more when the row comes again.
   */
  readonly id?: IdName<S> | readonly IdName<S>[] | null;
  /**
   * What becomes of a document that is there: it is replaced by the row (the default), gets the row's fields and keeps its
   * others, or stays as it is. One that is not there is inserted.
   */
  readonly write?: "replace" | "update" | "insert";
  /** Where this column holds, the document is deleted; it is not written itself. */
  readonly deleteWhere?: ColumnName<S, Bool | Null>;
  /** The columns of the collection's shard key, so that each write goes to the one shard that has its document. */
  readonly shardKey?: readonly ColumnName<S>[];
  /** Columns of 24 hexadecimal digits that are written as ObjectIds. */
  readonly objectIds?: readonly ColumnName<S, Text | Null>[];
  /** Writes the rows of a batch one after the other, where otherwise each document is written once, as its last row has it. */
  readonly ordered?: boolean;
  /** Whose acknowledgement a write waits for: the majority's by default. */
  readonly writeConcern?: { readonly w?: "majority" | number; readonly journal?: boolean; readonly timeout?: Duration };
  readonly batch?: DriverBatch;
  /** Batches that each slot has on their way: 1 by default, so that rows of a slot are written in their order. */
  readonly concurrency?: number;
  /** What becomes of rows that the server refuses: the job fails (the default), they are skipped and counted, or kept. */
  readonly onBadRecord?: OnBadRecord;
}

/**
 * What happens to documents.
 *
 * ```ts
 * import { type MongoOperation, mongodb, schema, t } from "millrace";
 * const operations: MongoOperation[] = ["insert", "replace"];
 * const Order = schema({ _id: t.string(), total: t.float64() });
 * const orders = { url: "mongodb://localhost/?replicaSet=shop", database: "shop", collection: "orders" };
 * const source = mongodb({ ...orders, schema: Order, operations });
 * ```
 */
export type MongoOperation = "insert" | "update" | "replace" | "delete";

/**
 * What is read from a collection, or looked up in it, as which columns. Fields that documents do not have are null. A column
 * `_operation` has what happened to the document ("insert", "update", "replace", "delete"; "snapshot" where it was found), a
 * column `_clusterTime` when.
 *
 * ```ts
 * import { type MongoTableOptions, mongodb, schema, t } from "millrace";
 * const Order = schema({
 *   _id: t.string(),
 *   total: t.decimal(12, 2).nullable(),
 *   _operation: t.string(),
 *   _clusterTime: t.timestamp("ms"),
 * });
 * const options: MongoTableOptions<typeof Order.shape> = {
 *   url: "mongodb://localhost/?replicaSet=shop",
 *   database: "shop",
 *   collection: "orders",
 *   schema: Order,
 *   start: "snapshot",
 * };
 * const source = mongodb(options);
 * ```
 */
export interface MongoTableOptions<S extends Shape> extends MongoConnection {
  readonly schema: Schema<S>;
  /** For a source: changes as they come (the default; of replica sets and sharded clusters), or the documents that there are. */
  readonly read?: "changes" | "snapshot";
  /** Where changes begin: now (the default), with all documents as they are, or at a time. A checkpoint goes before it. */
  readonly start?: "now" | "snapshot" | { readonly timestamp: Date | number };
  /** The changes that are read: all of them where there is a column `_operation`, otherwise all but deletes. */
  readonly operations?: readonly MongoOperation[];
  /** Deletes come with the document as it was, where the collection keeps pre-images, and not with its `_id` alone. */
  readonly preImages?: boolean;
  /** Documents that are fetched at once: 1000 by default. */
  readonly batch?: { readonly rows?: number };
  /** For a lookup join. */
  readonly cache?: LookupCache;
  readonly onBadRecord?: OnBadRecord;
}

/**
 * A collection of MongoDB: with a schema a source, and a table for lookup joins; without a sink. It needs the package `mongodb`.
 *
 * ```ts
 * import { job, mongodb, schema, t } from "millrace";
 * const Order = schema({ _id: t.string(), customer: t.int64(), total: t.float64() });
 * const Customer = schema({ _id: t.int64(), name: t.string() });
 * const shop = { url: "mongodb://localhost/?replicaSet=shop", database: "shop" };
 * export default job("large-orders", (j) =>
 *   j
 *     .source(mongodb({ ...shop, collection: "orders", schema: Order, start: "snapshot" }))
 *     .filter((order) => order.total.gt(1000))
 *     .lookupJoin(
 *       mongodb({ ...shop, collection: "customers", schema: Customer, cache: { ttl: "10m" } }),
 *       (order) => ({ _id: order.customer }),
 *       (order, customer) => ({ _id: order._id, name: customer.name, total: order.total }),
 *     )
 *     .to(mongodb({ ...shop, collection: "largeOrders" })),
 * );
 * ```
 */
export function mongodb<S extends Shape>(options: MongoTableOptions<S>): Source<S> & LookupTable<S>;
export function mongodb<S extends Shape>(options: MongoSinkOptions<S>): Sink<S>;
export function mongodb(options: MongoTableOptions<Shape> | MongoSinkOptions<Shape>): unknown {
  return options.schema === undefined ? sink(options) : table(options);
}

/** How a collection is reached, as the driver gets it. Times are milliseconds. */
interface MongoTarget {
  readonly url: Secret;
  readonly database: string;
  readonly collection: string;
  readonly auth: MongoConnection["auth"];
  readonly tls: MongoConnection["tls"];
  readonly connectTimeout: number;
  readonly responseTimeout: number;
}

const OPERATION = "_operation";
const CLUSTER_TIME = "_clusterTime";
const ALL: readonly MongoOperation[] = ["insert", "update", "replace", "delete"];
const NAME = "mongodb";

function sink(options: MongoSinkOptions<Shape>): Sink {
  const { write = "replace", deleteWhere, writeConcern = {}, ordered = false, onBadRecord = "fail" } = options;
  const { shardKey = [], objectIds = [] } = options;
  const [name, target] = targetOf(options);
  const id = options.id === null ? [] : [options.id ?? "_id"].flat();
  if (options.id === null && (write !== "insert" || deleteWhere !== undefined)) {
    throw new PlanError(`without an id there are inserts only: set write: "insert", and no deleteWhere`, name);
  }
  if (options.id !== null && id.length === 0) throw new PlanError("id names no column", name);
  if (writeConcern.w === 0) {
    throw new PlanError("with w: 0 nobody says whether a row has been written: give 1 or more, or majority", name);
  }
  const settings = {
    ...target,
    id,
    idIsDocument: Array.isArray(options.id),
    write,
    deleteWhere,
    shardKey,
    objectIds,
    ordered,
    writeConcern: {
      w: writeConcern.w ?? "majority",
      journal: writeConcern.journal,
      timeout:
        writeConcern.timeout === undefined ? undefined : milliseconds(writeConcern.timeout, "writeConcern.timeout"),
    },
  };
  return {
    role: "sink",
    name,
    config: driverSink(NAME, settings, options.batch, options.concurrency),
    onBadRecord,
    check: (fields) => checkSink(options, id, fields),
  };
}

function checkSink(options: MongoSinkOptions<Shape>, id: readonly string[], fields: readonly Field[]): void {
  const columns = new Map(fields.map((field) => [field.name, field]));
  const column = (name: string, what: string): Field => {
    const found = columns.get(name);
    if (found !== undefined) return found;
    throw new PlanError(`${what} is the column "${name}", and there are ${[...columns.keys()].join(", ")}`);
  };
  if (options.id === undefined && !columns.has("_id")) {
    throw new PlanError(`there is no column _id: name the columns that make it as id, such as "${fields[0]?.name}"`);
  }
  for (const name of id) {
    if (column(name, "id").type.kind === "list") throw new PlanError(`"${name}" is a list, and an _id is none`);
  }
  if (columns.has("_id") && options.id !== undefined && options.id !== "_id") {
    throw new PlanError(`there is a column _id, and id names another one: leave one of them out`);
  }
  for (const name of options.shardKey ?? []) column(name, "shardKey");
  for (const name of options.objectIds ?? []) {
    if (column(name, "objectIds").type.kind !== "string") throw new PlanError(`objectIds: "${name}" is not a string`);
  }
  const { deleteWhere } = options;
  if (deleteWhere !== undefined && column(deleteWhere, "deleteWhere").type.kind !== "bool") {
    throw new PlanError(`deleteWhere: "${deleteWhere}" is not bool`);
  }
  const operator = fields.find(({ name }) => name.startsWith("$"));
  if (operator !== undefined) throw new PlanError(`MongoDB has no field "${operator.name}": select it by another name`);
}

function table(options: MongoTableOptions<Shape>): Source<Shape> & LookupTable<Shape> {
  const { schema, read = "changes", start = "now", preImages = false, batch, cache, onBadRecord = "fail" } = options;
  const [name, target] = targetOf(options);
  if (!(schema instanceof Schema)) throw new PlanError("schema is not made by schema({ … })", name);
  if (read === "snapshot" && options.start !== undefined) {
    throw new PlanError(`start says where changes begin, and read: "snapshot" has none`, name);
  }
  const has = (column: string) => schema.fields.some((field) => field.name === column);
  const operations = options.operations ?? ALL.filter((operation) => operation !== "delete" || has(OPERATION));
  if (operations.length === 0) throw new PlanError("operations names none", name);
  const rows = batch?.rows ?? 1000;
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new PlanError(`batch.rows is ${rows}: give a whole number from 1 on`, name);
  const settings = {
    ...target,
    read,
    start: typeof start === "object" ? Number(start.timestamp) : start,
    operations,
    preImages,
    batchRows: rows,
  };
  return {
    role: "source",
    name,
    schema,
    onBadRecord,
    config: () => {
      const required = schema.fields.find(
        (field) => !field.nullable && !["_id", OPERATION, CLUSTER_TIME].includes(field.name),
      );
      if (read === "changes" && operations.includes("delete") && required !== undefined && !preImages) {
        throw new PlanError(
          `of a document that is deleted there is its _id only: make "${required.name}" nullable, set preImages, or leave ` +
            "deletes out of operations",
          name,
        );
      }
      return { kind: "driver", driver: NAME, options: settings };
    },
    lookup: lookupConfig(NAME, settings, cache),
  };
}

function targetOf(options: MongoConnection): [name: string, target: MongoTarget] {
  const { url, database, collection, auth, tls, timeout = {} } = options;
  const name = `mongodb(${database}.${collection})`;
  if (typeof database !== "string" || database === "" || typeof collection !== "string" || collection === "") {
    throw new PlanError("name a database and a collection", name);
  }
  if (typeof url === "string" ? !/^mongodb(\+srv)?:\/\//.test(url) : typeof url?.file !== "string") {
    // The URL itself may hold a password.
    throw new PlanError('the url is not one such as "mongodb://localhost:27017"', name);
  }
  const connectTimeout = milliseconds(timeout.connect ?? "5s", "timeout.connect");
  const responseTimeout = milliseconds(timeout.response ?? "30s", "timeout.response");
  return [name, { url, database, collection, auth, tls, connectTimeout, responseTimeout }];
}

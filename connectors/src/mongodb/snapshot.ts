import type { Collection, Document, FindCursor } from "mongodb";
import type { SplitPage, SplitReader } from "../driver/driver.js";
import type { Access } from "./connect.js";
import { type Position, written } from "./position.js";
import type { Rows } from "./rows.js";

type Snapshot = Extract<Position, { kind: "snapshot" }>;

/** Reads the documents that there are, by their `_id`. */
export class SnapshotReader implements SplitReader {
  #cursor: FindCursor<Document> | undefined;

  constructor(
    private readonly connection: Access,
    private readonly rows: Rows,
    private readonly batchRows: number,
    public position: Snapshot,
  ) {}

  next(): Promise<SplitPage> {
    return this.connection.use("reading", async (collection) => {
      this.#cursor ??= this.#find(collection);
      const first = await this.#cursor.next();
      const documents = first === null ? [] : [first, ...this.#cursor.readBufferedDocuments(this.batchRows - 1)];
      const last = documents.at(-1);
      if (last !== undefined) this.position = { ...this.position, after: last._id };
      return {
        rows: documents.map((document) => this.rows.of(document, "snapshot", this.position.begun)),
        token: written(this.position, this.connection.mongo),
        ended: first === null,
      };
    });
  }

  #find(collection: Collection<Document>): FindCursor<Document> {
    const filter = "after" in this.position ? behind(this.position.after) : {};
    const projection = this.rows.projection();
    const options = { batchSize: this.batchRows, ...(projection === undefined ? {} : { projection }) };
    return collection.find(filter, options).sort({ _id: 1 });
  }
}

/** The types that an `_id` has, in the order in which documents are sorted by it. */
const ORDER = [
  "minKey",
  "null",
  "number",
  "string",
  "object",
  "binData",
  "objectId",
  "bool",
  "date",
  "timestamp",
  "maxKey",
];

/** What is behind an `_id`: `$gt` alone finds values of its own type only. */
function behind(id: unknown): Document {
  const later = ORDER.slice(ORDER.indexOf(typeOf(id)) + 1);
  const greater = { _id: { $gt: id } };
  return later.length === 0 ? greater : { $or: [greater, { _id: { $type: later } }] };
}

const TYPES: Readonly<Record<string, string>> = {
  MinKey: "minKey",
  Int32: "number",
  Double: "number",
  Long: "number",
  Decimal128: "number",
  Binary: "binData",
  UUID: "binData",
  ObjectId: "objectId",
  Timestamp: "timestamp",
  MaxKey: "maxKey",
};

function typeOf(id: unknown): string {
  switch (typeof id) {
    case "number":
    case "bigint":
      return "number";
    case "boolean":
      return "bool";
    case "string":
      return "string";
    default:
      if (id === null || id === undefined) return "null";
      if (id instanceof Date) return "date";
      return TYPES[(id as { _bsontype?: string })._bsontype ?? ""] ?? "object";
  }
}

import type { Field } from "millrace";
import type { AnyBulkWriteOperation, Document } from "mongodb";
import type { Row } from "../driver/driver.js";
import { type Bson, documentOf, NotStorable, toBson } from "./documents.js";
import type { SinkSettings } from "./settings.js";

/** What a row does to its document. */
export interface Change {
  readonly row: number;
  /** To add one makes a document of the row that has no `_id` yet. */
  readonly kind: SinkSettings["write"] | "delete" | "add";
  /** The same for the same document. */
  readonly key: string;
  readonly filter: Document;
  readonly fields: Document;
}

type Converts = readonly (readonly [name: string, convert: (value: unknown) => unknown])[];

/** Makes changes of rows. */
export class Changes {
  readonly #document: (row: unknown) => Document;
  readonly #id: Converts;
  readonly #shardKey: Converts;

  constructor(
    private readonly settings: SinkSettings,
    fields: readonly Field[],
    bson: Bson,
  ) {
    const { id, shardKey, objectIds, deleteWhere } = settings;
    // The filter has the _id already.
    const isWritten = ({ name }: Field) => name !== deleteWhere && (id.length === 0 || name !== "_id");
    this.#document = documentOf(fields.filter(isWritten), bson, objectIds);
    const converts = (names: readonly string[]): Converts =>
      fields
        .filter(({ name }) => names.includes(name))
        .sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))
        .map((field) => [field.name, toBson(field, bson, objectIds.includes(field.name))]);
    this.#id = converts(id);
    this.#shardKey = converts(shardKey.filter((name) => name !== "_id"));
  }

  /** @throws NotStorable when the row cannot be a document */
  of(row: Row, index: number): Change {
    const { write, deleteWhere } = this.settings;
    if (this.#id.length === 0) return { row: index, kind: "add", key: "", filter: {}, fields: this.#document(row) };
    const _id = this.#idOf(row);
    const filter: Document = { _id };
    for (const [name, convert] of this.#shardKey) filter[name] = convert(row[name]);
    const isDelete = deleteWhere !== undefined && row[deleteWhere] === true;
    return {
      row: index,
      kind: isDelete ? "delete" : write,
      key: textOf(_id),
      filter,
      fields: isDelete ? {} : this.#document(row),
    };
  }

  #idOf(row: Row): unknown {
    const id: Document = {};
    for (const [name, convert] of this.#id) {
      const value = convert(row[name]);
      if (value === null) throw new NotStorable(`column "${name}": it is null, and makes the _id`);
      id[name] = value;
    }
    return this.settings.idIsDocument ? id : Object.values(id)[0];
  }
}

/** What tells values of one type of BSON apart. */
function textOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return String(value.getTime());
  if ("_bsontype" in value)
    return value._bsontype === "Binary" ? (value as { toString(as: "hex"): string }).toString("hex") : String(value);
  return JSON.stringify(Object.values(value).map(textOf));
}

/** What changes of one document come to that follow each other; its row is the one whose values are written. */
export function folded(changes: readonly Change[]): Change {
  return changes.reduce((first, second) => {
    // What is deleted and comes back has nothing of what it was.
    if (first.kind === "delete" && second.kind !== "delete") return { ...second, kind: "replace" };
    if (second.kind === "insert") return first;
    if (second.kind === "update" && first.kind === "replace") return { ...second, kind: "replace" };
    return second;
  });
}

export function modelOf({ kind, filter, fields }: Change): AnyBulkWriteOperation<Document> {
  switch (kind) {
    case "add":
      return { insertOne: { document: fields } };
    case "delete":
      return { deleteOne: { filter } };
    case "replace":
      return { replaceOne: { filter, replacement: fields, upsert: true } };
    case "update":
      return { updateOne: { filter, update: { $set: orId(fields, filter) }, upsert: true } };
    case "insert":
      return { updateOne: { filter, update: { $setOnInsert: orId(fields, filter) }, upsert: true } };
  }
}

/** An update sets something. */
function orId(fields: Document, { _id }: Document): Document {
  return Object.keys(fields).length > 0 ? fields : { _id };
}

import type { Field } from "millrace";
import type { Collection, Document } from "mongodb";
import type { DriverLookup, Row } from "../driver/driver.js";
import type { Access } from "./connect.js";
import { fromBson, isObjectIdText, rowOf, toBson } from "./documents.js";

/** Finds documents by fields that equal a key's parts. */
export class MongoLookup implements DriverLookup {
  constructor(
    private readonly connection: Access,
    /** Those of the table. */
    private readonly fields: readonly Field[],
  ) {}

  async find(keys: readonly Row[], columns: readonly string[]): Promise<readonly (Row | undefined)[]> {
    const [first] = keys;
    if (first === undefined) return [];
    const parts = Object.keys(first);
    const asked = this.fields.filter(({ name }) => columns.includes(name));
    const projection = Object.fromEntries([...new Set([...parts, ...columns])].map((name) => [name, 1]));
    if (projection._id === undefined) projection._id = 0;
    const filter = this.#filter(parts, keys);
    const documents = await this.connection.use("looking up", (collection: Collection<Document>) => {
      const found = collection.find(filter, { projection });
      // Of several the first is taken.
      return (parts.includes("_id") ? found : found.sort({ _id: 1 })).toArray();
    });
    const keyOf = this.#keyOf(parts);
    const row = rowOf(asked);
    const byKey = new Map<string, Row>();
    for (const document of documents) {
      const key = keyOf(document);
      if (!byKey.has(key)) byKey.set(key, row(document));
    }
    return keys.map((key) => byKey.get(textOf(parts.map((name) => key[name]))));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  #filter(parts: readonly string[], keys: readonly Row[]): Document {
    const stored = parts.map((name) => {
      const store = toBson(this.#field(name), this.connection.mongo);
      return (value: unknown): unknown[] => {
        // A text of 24 hexadecimal digits is how an ObjectId is read, too.
        const ids = isObjectIdText(value) ? [new this.connection.mongo.ObjectId(value)] : [];
        return [store(value), ...ids];
      };
    });
    const [name = "", store] = [parts[0], stored[0]];
    if (parts.length === 1 && store !== undefined) return { [name]: { $in: keys.flatMap((key) => store(key[name])) } };
    const equal = (values: readonly unknown[]) => (values.length === 1 ? values[0] : { $in: values });
    return {
      $or: keys.map((key) =>
        Object.fromEntries(parts.map((name, part) => [name, equal(stored[part]?.(key[name]) ?? [])])),
      ),
    };
  }

  /** The key that a document has been found for. */
  #keyOf(parts: readonly string[]): (document: Document) => string {
    const reads = parts.map((name) => [name, fromBson(this.#field(name).type)] as const);
    return (document) => textOf(reads.map(([name, read]) => read(document[name])));
  }

  #field(name: string): Field {
    const field = this.fields.find((field) => field.name === name);
    if (field === undefined) throw new Error(`there is no column "${name}"`);
    return field;
  }
}

function textOf(values: readonly unknown[]): string {
  return values.map(partText).join("\0");
}

function partText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return typeof value === "object" && value !== null
    ? JSON.stringify(Object.values(value).map(partText))
    : String(value);
}

import type { Field } from "millrace";
import type { Document } from "mongodb";
import { rowOf, timeOf } from "./documents.js";

const OPERATION = "_operation";
const CLUSTER_TIME = "_clusterTime";

/** Makes rows of documents, with what has happened to them, and when. */
export class Rows {
  readonly #row: (document: Document) => Record<string, unknown>;
  readonly #hasOperation: boolean;
  readonly #time: Field | undefined;

  /** The fields of documents that are read. */
  readonly names: readonly string[];

  constructor(fields: readonly Field[], columns: readonly string[]) {
    const asked = fields.filter(({ name }) => columns.includes(name));
    const own = asked.filter(({ name }) => name !== OPERATION && name !== CLUSTER_TIME);
    this.names = own.map(({ name }) => name);
    this.#row = rowOf(own);
    this.#hasOperation = asked.some(({ name }) => name === OPERATION);
    this.#time = asked.find(({ name }) => name === CLUSTER_TIME);
  }

  of(document: Document, operation: string, ms: number): Record<string, unknown> {
    const row = this.#row(document);
    if (this.#hasOperation) row[OPERATION] = operation;
    const type = this.#time?.type;
    if (type?.kind === "timestamp") row[CLUSTER_TIME] = timeOf(ms, type.unit);
    return row;
  }

  /** What the server is asked for; `undefined` where the names of columns would mean something else to it. */
  projection(of = ""): Record<string, 1> | undefined {
    if (this.names.some((name) => /[.$]/.test(name))) return undefined;
    return Object.fromEntries(["_id", ...this.names].map((name) => [`${of}${name}`, 1]));
  }
}

import type { ChangeStream, Collection, Document } from "mongodb";
import type { SplitPage, SplitReader } from "../driver/driver.js";
import type { Access, Mongo } from "./connect.js";
import { MongoFailure } from "./errors.js";
import { type Position, written } from "./position.js";
import type { Rows } from "./rows.js";
import type { TableSettings } from "./settings.js";

/** How long the server waits for changes before it says that there are none. */
const AWAIT_MS = 1000;

/** How often the position of a collection that nobody changes goes on, so that the server's log reaches back to it. */
const QUIET_PAGE_MS = 10_000;

type Changes = Extract<Position, { kind: "changes" }>;
type Stream = ChangeStream<Document, Document>;

/** Reads changes as they come. */
export class ChangeReader implements SplitReader {
  #stream: Stream | undefined;
  /** A change that has been asked for and not been taken. */
  #asked: Promise<Document | null> | undefined;
  #quietSince: number | undefined;

  constructor(
    private readonly connection: Access,
    private readonly rows: Rows,
    private readonly settings: TableSettings,
    private position: Changes,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  next(): Promise<SplitPage> {
    return this.connection.use("reading changes", async (collection) => {
      this.#stream ??= openStream(collection, this.rows, this.settings, this.position, this.connection.mongo);
      let change: Document | null | undefined = await this.#taken(this.#stream);
      while (change === null && this.#isQuiet()) change = await this.#taken(this.#stream);
      const rows = [];
      let count = 0;
      let changedMs: number | undefined;
      for (; change !== null && change !== undefined; change = await this.#nextAtOnce(this.#stream)) {
        const row = this.#row(change);
        if (row !== undefined) rows.push(row);
        count += 1;
        changedMs = timeOf(change) ?? changedMs;
        this.position = { kind: "changes", resume: change._id };
        if (count >= this.settings.batchRows) break;
      }
      // Where nothing has come, the token is that of an empty batch.
      const token = this.#stream.resumeToken;
      if (change === null && token !== null && token !== undefined) this.position = { kind: "changes", resume: token };
      if (count > 0) this.#quietSince = undefined;
      if (change === null) this.#quietSince = this.nowMs();
      const page = { rows, token: written(this.position, this.connection.mongo), caughtUp: change === null };
      return changedMs === undefined ? page : { ...page, changedMs };
    });
  }

  /** There has been a page since the last change, and it is not long ago. */
  #isQuiet(): boolean {
    return this.#quietSince !== undefined && this.nowMs() - this.#quietSince < QUIET_PAGE_MS;
  }

  #taken(stream: Stream): Promise<Document | null> {
    const asked = this.#asked ?? stream.tryNext();
    this.#asked = undefined;
    return asked;
  }

  /** The next change where it is here already, null where there is none, `undefined` where the server has been asked. */
  async #nextAtOnce(stream: Stream): Promise<Document | null | undefined> {
    const asked = stream.tryNext();
    this.#asked = asked;
    // Whoever takes it is told of what goes wrong.
    asked.catch(() => {});
    const turn = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
    const change = await Promise.race([asked, turn]);
    if (change !== undefined) this.#asked = undefined;
    return change;
  }

  #row(change: Document): Record<string, unknown> | undefined {
    const { operationType, fullDocument, fullDocumentBeforeChange, documentKey } = change;
    if (operationType === "invalidate") {
      throw new MongoFailure(
        "the collection has been dropped or renamed, and with it its changes end. Start the job without its checkpoint " +
          "(--fresh) when the collection is there again.",
        false,
      );
    }
    const document = operationType === "delete" ? (fullDocumentBeforeChange ?? documentKey) : fullDocument;
    // It was deleted before the server has looked for what the change has made of it: that is the next change.
    if (document === null || document === undefined) return undefined;
    return this.rows.of(document, operationType, timeOf(change) ?? 0);
  }
}

/** When a change was made, in milliseconds since the epoch: whole seconds. */
function timeOf({ clusterTime }: Document): number | undefined {
  return clusterTime === undefined ? undefined : clusterTime.getHighBitsUnsigned() * 1000;
}

/** The token behind which the changes from now on come; `undefined` where the server has none yet. */
export async function tokenOfNow(collection: Collection<Document>): Promise<unknown> {
  const stream = collection.watch([], { maxAwaitTimeMS: 1 });
  try {
    await stream.tryNext();
    return stream.resumeToken ?? undefined;
  } finally {
    await stream.close();
  }
}

function openStream(
  collection: Collection<Document>,
  rows: Rows,
  { operations, preImages, batchRows }: TableSettings,
  { resume, from }: Changes,
  { Timestamp }: Mongo,
): Stream {
  const projection = rows.projection("fullDocument.");
  const before = preImages ? rows.projection("fullDocumentBeforeChange.") : {};
  const parts = { operationType: 1, clusterTime: 1, documentKey: 1 };
  // The end of the collection is told in any case.
  const pipeline: Document[] = [{ $match: { operationType: { $in: [...operations, "invalidate"] } } }];
  if (projection !== undefined) pipeline.push({ $project: { ...parts, ...projection, ...before } });
  const start =
    resume !== undefined
      ? { resumeAfter: resume }
      : from !== undefined
        ? { startAtOperationTime: new Timestamp({ t: Math.floor(from / 1000), i: 0 }) }
        : {};
  return collection.watch(pipeline, {
    fullDocument: "updateLookup",
    ...(preImages ? { fullDocumentBeforeChange: "whenAvailable" } : {}),
    ...start,
    batchSize: batchRows,
    maxAwaitTimeMS: AWAIT_MS,
  });
}

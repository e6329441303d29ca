import type { Field } from "millrace";
import type { DriverSource, SplitPage, SplitReader } from "../driver/driver.js";
import { ChangeReader, tokenOfNow } from "./change-stream.js";
import type { Access } from "./connect.js";
import { MongoFailure } from "./errors.js";
import { type Position, parsed } from "./position.js";
import { Rows } from "./rows.js";
import type { TableSettings } from "./settings.js";
import { SnapshotReader } from "./snapshot.js";

/** Reads a collection as one split: its documents, its changes, or the ones and then the others. */
export class MongoSource implements DriverSource {
  constructor(
    private readonly connection: Access,
    private readonly settings: TableSettings,
    private readonly fields: readonly Field[],
  ) {}

  async splits() {
    const { database, collection, read } = this.settings;
    return { names: [`${database}.${collection}`], bounded: read === "snapshot" };
  }

  async open(_split: string, after: string | undefined, columns: readonly string[]): Promise<SplitReader> {
    const { connection, settings } = this;
    const rows = new Rows(this.fields, columns);
    const position = after === undefined ? await this.#start() : parsed(after, connection.mongo);
    if (position.kind === "changes" && settings.read === "snapshot") {
      throw new MongoFailure(
        "the checkpoint goes on with changes, and the job reads a snapshot: start without it (--fresh)",
        false,
      );
    }
    const changes = (from: Extract<Position, { kind: "changes" }>) =>
      new ChangeReader(connection, rows, settings, from);
    if (position.kind === "changes") return changes(position);
    const snapshot = new SnapshotReader(connection, rows, settings.batchRows, position);
    if (settings.read === "snapshot") return snapshot;
    const { begun, resume } = position;
    return new Following(snapshot, () => changes({ kind: "changes", from: begun, resume }));
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  async #start(): Promise<Position> {
    const { read, start, database } = this.settings;
    if (read === "changes" && start === "now") return { kind: "changes" };
    if (read === "changes" && typeof start === "number") return { kind: "changes", from: start };
    return this.connection.use("beginning to read", async (collection, client) => {
      // Servers before 4.4.2 do not say hello.
      const of = client.db(database);
      const { localTime } = await of.command({ hello: 1 }).catch(() => of.command({ isMaster: 1 }));
      const begun = localTime instanceof Date ? localTime.getTime() : Date.now();
      if (read === "snapshot") return { kind: "snapshot", begun };
      return { kind: "snapshot", begun, resume: await tokenOfNow(collection) };
    });
  }
}

/** Reads what ends, and then what does not. */
class Following implements SplitReader {
  #rest: SplitReader | undefined;

  constructor(
    private readonly first: SplitReader,
    private readonly openRest: () => SplitReader,
  ) {}

  async next(): Promise<SplitPage> {
    if (this.#rest !== undefined) return this.#rest.next();
    const { ended = false, ...page } = await this.first.next();
    if (ended) this.#rest = this.openRest();
    return page;
  }
}

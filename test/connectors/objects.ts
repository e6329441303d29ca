import { type Duration, files, json } from "millrace";
import {
  Columns,
  type Connector,
  type Server,
  type SinkUnderTest,
  type SourceUnderTest,
} from "../conformance/connector.js";
import { jsonBytes, parseLines, type Row } from "../conformance/rows.js";

/** A storage as a client sees it that shares no code with Millrace. */
export interface Storage {
  readonly server: Pick<Server, "stop" | "kill" | "restart">;
  /** What a job has to find in its environment. */
  readonly access: Readonly<Record<string, string>>;
  /** A folder as a job names it. */
  location(folder: string): string;
  /** A folder that there is none of, and what the error says. */
  readonly nowhere: { readonly location: string; readonly says: RegExp };
  /** Names of the files in a folder, not of those in folders below. */
  names(folder: string): Promise<string[]>;
  read(folder: string, name: string): Promise<Buffer>;
  write(folder: string, name: string, content: Buffer): Promise<void>;
}

/** A client of a storage that knows names, and no folders. */
interface Names {
  /** All that begin so. */
  names(prefix: string): Promise<string[]>;
  read(name: string): Promise<Buffer>;
  write(name: string, content: Buffer): Promise<void>;
}

/** Folders by names. */
export const foldersOf = (client: Names): Pick<Storage, "names" | "read" | "write"> => ({
  async names(folder) {
    const names = (await client.names(`${folder}/`)).map((name) => name.slice(folder.length + 1));
    return names.filter((name) => !name.includes("/"));
  },
  read: (folder, name) => client.read(`${folder}/${name}`),
  write: (folder, name, content) => client.write(`${folder}/${name}`, content),
});

/** Of a file. */
const MOST_ROWS = 10_000;

/** The connector of files in a storage. */
export function objects(name: string, start: () => Promise<Storage>): Connector {
  const source: SourceUnderTest = {
    bytesOf: jsonBytes,
    halts: true,
    from: (j, { env, onBadRecord }) =>
      j.source(files({ paths: env("INPUT"), format: json(Columns), follow: true, onBadRecord })),
  };
  const sink: SinkUnderTest = {
    bytesOf: jsonBytes,
    guarantee: "exactly-once",
    to: ({ env }) => files({ directory: env("OUTPUT"), format: json(), rollInterval: env("ROLL", "1s") as Duration }),
  };
  return { name, source, sink, start: async () => server(await start()) };
}

function server(storage: Storage): Server {
  const { access, nowhere } = storage;
  let places = 0;
  return {
    ...storage.server,
    async openSource() {
      const folder = `in-${places++}`;
      const all = (location: string) => location.replace(/(\?|$)/, "/*.jsonl$1");
      const bad = '{"id":"none"';
      let count = 0;
      const write = (text: string) => storage.write(folder, `${count++}.jsonl`, Buffer.from(text));
      return {
        env: { ...access, INPUT: all(storage.location(folder)) },
        wrong: [{ what: "no such place", env: { INPUT: all(nowhere.location) }, says: nowhere.says }],
        // Files do not grow, so there are several, and none that is large for the server of a test.
        async fill(rows) {
          const length = Math.min(MOST_ROWS, Math.ceil(rows.length / 2));
          for (let from = 0; from < rows.length; from += length) await write(linesOf(rows.slice(from, from + length)));
        },
        async spoil() {
          await write(`${bad}\n`);
          return Buffer.from(bad);
        },
        spoilt: /\/\d+\.jsonl.*, offset 0: column "id": expected int64, found "none".* The record was not counted/,
      };
    },
    async openSink() {
      const folder = `out-${places++}`;
      const arrived = new Set<string>();
      return {
        env: { ...access, OUTPUT: storage.location(folder) },
        wrong: [{ what: "no such place", env: { OUTPUT: nowhere.location }, says: nowhere.says }],
        async rows() {
          const texts = (await storage.names(folder)).map((name) => storage.read(folder, name));
          return (await Promise.all(texts)).flatMap(parseLines);
        },
        // A file that is shown keeps its name, and none has that of another.
        async arrived() {
          const lists = await Promise.all([storage.names(`${folder}/_staged`), storage.names(folder)]);
          for (const name of lists.flat()) arrived.add(name);
          return arrived.size;
        },
      };
    },
  };
}

const linesOf = (rows: readonly Row[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

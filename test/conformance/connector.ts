import type { Guarantee, JobBuilder, OnBadRecord, Sink, Stream } from "millrace";
import { schema, t } from "millrace";
import type { Row } from "./rows.js";

/** The columns of the rows that every connector is tested with. */
export const Columns = schema({ id: t.int64(), key: t.string(), text: t.string() });
export type Shape = typeof Columns.shape;

export type Env = Readonly<Record<string, string>>;

/**
 * A connector as the suite sees it: `test/connectors/NAME.ts` has it as its default export. `source` and `sink` are what a
 * job file writes, and are called in the worker's process; `start` is called in the test's.
 */
export interface Connector {
  readonly name: string;
  /** Starts the real server. */
  start(): Promise<Server>;
  readonly source?: SourceUnderTest;
  readonly sink?: SinkUnderTest;
}

/** What an expression goes by. `env` is that of the place which the test has opened. */
export interface Settings {
  readonly env: (name: string, otherwise?: string) => string;
  readonly onBadRecord: OnBadRecord;
}

interface EndUnderTest {
  /** What a row adds to the figure of bytes, where that can be told. */
  readonly bytesOf?: (row: Row) => number;
}

export interface SourceUnderTest extends EndUnderTest {
  from(j: JobBuilder, at: Settings): Stream<Shape>;
  /** Where positions are behind the ends: the status log tells it, and it is 0 once all is committed. */
  readonly hasLag?: boolean;
  /** It reads what there is at the start, and then the job ends: what is added later it never finds. */
  readonly isBounded?: boolean;
  /** It stands still by itself now and then, as while it fetches a file: whether it is held back cannot be told. */
  readonly halts?: boolean;
  /** It has given some thousand rows before it could be killed in the middle. */
  readonly isShort?: boolean;
}

export interface SinkUnderTest extends EndUnderTest {
  to(at: Settings): Sink<Shape>;
  /** What the job asks for. A reader of an idempotent sink sees each row once, though it may have been written twice. */
  readonly guarantee: Extract<Guarantee, "exactly-once" | "at-least-once"> | "idempotent";
  /** The connector whose source brings the rows: one for files, if none is named. */
  readonly feed?: string;
}

/** A real server; a check that needs what it cannot do is left out and told as such. */
export interface Server {
  stop(): Promise<void>;
  /** Leaves connections open and answers nothing any more. */
  pause?(): void;
  resume?(): void;
  /** Ends it at once, as a power cut does. */
  kill?(): Promise<void>;
  /** After a kill: on the same ports, with what it had. */
  restart?(): Promise<void>;
  /** A topic, table or folder that no other test uses. */
  openSource?(): Promise<SourcePlace>;
  openSink?(): Promise<SinkPlace>;
}

interface Place {
  /** What tells the expression where to go; read at each start. */
  readonly env: Env;
  /** Configurations that cannot work. */
  readonly wrong: readonly Wrong[];
}

/** What a user may have got wrong, and how the job says so. */
export interface Wrong {
  readonly what: string;
  /** Goes before that of the place. */
  readonly env: Env;
  /** By what is wrong with a source or a sink: 4 or 5 without it. */
  readonly code?: number;
  /** What the message must have: who, what, and what to do now. */
  readonly says: RegExp;
}

export interface SourcePlace extends Place {
  /** Adds rows, without Millrace. */
  fill(rows: readonly Row[]): Promise<void>;
  /** Adds a record that cannot be decoded; gives its bytes, as a dead letter has to hold them. */
  spoil?(): Promise<Buffer>;
  /** What the error says of that record: where it is, among others. */
  readonly spoilt?: RegExp;
}

export interface SinkPlace extends Place {
  /** What a reader sees, without Millrace. */
  rows(): Promise<Row[]>;
  /** Grows with what comes, seen by readers or not: rows, files or bytes. */
  arrived(): Promise<number>;
  /** A row that the server refuses, and what the error says of it. */
  readonly refused?: { readonly row: Row; readonly says: RegExp };
}

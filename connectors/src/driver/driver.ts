import type { Field } from "millrace";

/** A row as a driver gets and gives it: a value for each column, of the JavaScript type that `t` names, or null. */
export type Row = Readonly<Record<string, unknown>>;

/** The step that a driver works for. */
export interface Step {
  readonly job: string;
  /** As errors call it: "mongodb(orders)". */
  readonly name: string;
  /** The columns of its rows: those of what is written, or all that are declared of what is read or looked up in. */
  readonly fields: readonly Field[];
  /** Of a lookup: the columns that rows are looked up by, which need not be among those that are found. */
  readonly keys?: readonly Field[];
}

/**
 * How to reach a kind of database. Of the three, it has what it can do. Each opens a connection of its own, and fails where the
 * other side cannot be reached or what it is asked for is not there: with an error that says what to do.
 */
export interface Driver<Options> {
  sink?(options: Options, step: Step): Promise<DriverSink>;
  source?(options: Options, step: Step): Promise<DriverSource>;
  lookup?(options: Options, step: Step): Promise<DriverLookup>;
  /** Whether the same call may succeed at another time; without it none does. */
  mayPass?(error: unknown): boolean;
}

/** Where rows are written. */
export interface DriverSink {
  /**
   * Writes a batch, as a whole; the same rows come again after a failure, of this call or of the process. Gives the rows that
   * the other side refuses for good.
   */
  write(rows: readonly Row[]): Promise<readonly Refusal[]>;
  close(): Promise<void>;
}

/** A row, by its index in the batch, and why it is refused. */
export interface Refusal {
  readonly row: number;
  readonly reason: string;
}

/** What is read. */
export interface DriverSource {
  /** The parts that are read beside each other, always in the same order; `bounded`: each of them ends. */
  splits(): Promise<{ readonly names: readonly string[]; readonly bounded: boolean }>;
  /** Takes up a split, from its beginning or behind a page of an earlier run; `columns` are those that the job reads. */
  open(split: string, after: string | undefined, columns: readonly string[]): Promise<SplitReader>;
  close(): Promise<void>;
}

export interface SplitReader {
  /** Waits until there is something, and gives it; an empty page says that there is nothing more for now. */
  next(): Promise<SplitPage>;
}

export interface SplitPage {
  readonly rows: readonly Row[];
  /** Where a later run goes on behind this page. */
  readonly token: string;
  /** Of changes: when the last of this page was made, by the other side's clock, in milliseconds since the epoch. */
  readonly changedMs?: number;
  /** There is nothing more for now. */
  readonly caughtUp?: boolean;
  /** Nothing more comes. */
  readonly ended?: boolean;
}

/** Where rows are looked up. */
export interface DriverLookup {
  /** The row of each key, `undefined` where there is none; `columns` are those that the job needs. */
  find(keys: readonly Row[], columns: readonly string[]): Promise<readonly (Row | undefined)[]>;
  close(): Promise<void>;
}

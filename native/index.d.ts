/** A column as it crosses the boundary: Arrow's buffers, little-endian, from the first row on. */
export interface Column<Bytes = Uint8Array> {
  length: number;
  /** Fixed-width values; a bit each for booleans; the bytes of strings. */
  values?: Bytes;
  /** int32, one more than rows: of strings, bytes and lists. */
  offsets?: Bytes;
  /** A bit a row, 0 for null; absent where there are no nulls. */
  valid?: Bytes;
  children: Column<Bytes>[];
  /** Of what a function made: it is this column of its input, as it was; there are no buffers. */
  same?: number;
}

export interface Batch<Bytes = Uint8Array> {
  length: number;
  columns: Column<Bytes>[];
}

/** Bytes on their way to JavaScript: a view of the core's memory, or where they begin in the slot's scratch memory. */
export type Given = Uint8Array | number;

export interface Mapped {
  rows: Batch;
  /** For each row the input row that it came from; absent where rows map one to one. */
  origin?: Uint32Array;
}

export interface OperatorMetrics {
  id: string;
  name: string;
  rowsIn: number;
  rowsOut: number;
  late: number;
  bad: number;
  bytes: number;
  /** The time of slots in its own calls, without those of the steps downstream: by the clock, as a share of a thread. */
  busyMs: number;
  /** The time, summed over slots, in which its full queue held them back. */
  fullMs: number;
  /** Rows that a source has read in each slot, or that have come to any other step there. */
  rowsBySlot: number[];
  /** Of an exchange, and of a sink that has a queue: how full the fullest is, as a share of its bound. */
  queue?: { now: number; peak: number };
  /** What has gone from slot to slot in front of it; bytes are those in memory. */
  exchange?: { rows: number; bytes: number };
  /** `driftMs`: how far the partition that is ahead of all others is ahead of the watermark. */
  source?: { partitions: number; watermarkMs?: number; driftMs?: number };
  /** Of a sink: from when the source was asked for rows to when what came of them was handed to the sink. */
  latency?: LatencyMetrics;
  /** Of a sink: from the event time of rows, of windows their end, to when they were handed to it. */
  eventLatency?: LatencyMetrics;
  /** Of one that keeps state by key: in memory at the last barrier, and entries read from and written to the backend. */
  state?: { memoryBytes: number; memoryEntries: number; reads: number; writes: number };
  /** Of a lookup join: rows whose key was known, null or asked for already, and keys that were asked for. */
  lookups?: { hits: number; misses: number };
}

/** Durations that a share of rows keeps to; all but the greatest are up to an eighth too great. */
export interface LatencyMetrics {
  rows: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** How one slot has spent its time since the start, and the rows that its steps have read or were given. */
export interface SlotMetrics {
  busyMs: number;
  /** A full sink or exchange held it back, or after the end of its input a sink with what is not durable. */
  backpressuredMs: number;
  /** There was nothing to do. */
  idleMs: number;
  /** Of all these, on a CPU: less than busy where threads are more than cores, or where a step waits. */
  cpuMs?: number;
  rows: number;
}

/** The state backends of all slots together, at the last barrier. */
export interface BackendFigures {
  /** Of RocksDB, those of its live files. */
  bytes: number;
  /** Of RocksDB, an estimate. */
  entries: number;
  runningCompactions: number;
  pendingCompactionBytes: number;
  /** Bytes a second that writes are slowed down to; 0: they are not. */
  delayedWriteRate: number;
  /** Slots whose database takes no writes. */
  stoppedWrites: number;
  blockCacheBytes: number;
}

/** What became of a savepoint. */
export interface LastSavepoint {
  name: string;
  /** Why there is none. */
  error?: string;
}

/** Absent until there has been one: `last...` of the last that was completed, `restoredFrom` of the one at the start. */
export interface CheckpointMetrics {
  completed: number;
  failed: number;
  lastId?: number;
  lastDurationMs?: number;
  lastBytes?: number;
  lastNewBytes?: number;
  lastAlignmentMs?: number;
  lastCompletedAtMs?: number;
  restoredFrom?: number;
  /** What differs between the state that was restored and the one before, in words. */
  restoredChanges?: string[];
  /** Those that were written. */
  savepoints?: number;
  lastSavepoint?: LastSavepoint;
}

export interface JobMetrics {
  operators: OperatorMetrics[];
  slots: SlotMetrics[];
  watermarkMs?: number;
  backpressured: number;
  busy: number;
  commits: number;
  /** Of a job with checkpoints. */
  checkpoints?: CheckpointMetrics;
  /** Of a job that stores state. */
  backend?: BackendFigures;
}

/** How far a savepoint has come. */
export interface SavepointProgress {
  state: "waiting" | "writing" | "written" | "failed";
  /** Of one that is written. */
  checkpoint?: number;
  bytes?: number;
  /** Of one that has failed. */
  error?: string;
}

/** A request of an HTTP sink that is to be made. */
export interface HttpRequest {
  id: number;
  /** The id of its step; that of a dead-letter sink has "/dead-letter" behind it. */
  sink: string;
  /** With the four that follow it tells this request from all others that a job ever makes. */
  run: string;
  slot: number;
  shard: number;
  epoch: number;
  sequence: number;
  rows: number;
  /** Bytes before compression. */
  size: number;
  /** As it is to be sent: a view of the core's memory, not to be written to. */
  body: Uint8Array;
}

/** An endpoint that rows are spread over by its name. */
export interface HttpShard {
  /** As requests name it; no other shard of the sink ever has it. */
  number: number;
  name: string;
  weight: number;
}

/** What has become of a request. */
export interface HttpAnswer {
  /** Why the job cannot go on. */
  error?: string;
  /** The rows that were refused for good, by their index, and why. */
  refused: number[];
  reasons: string[];
  /** Who refused them. */
  by: string;
}

/** What a step wants of its driver; what there is beside `want` depends on it. */
export interface DriverCall {
  id: number;
  /** The id of the step. */
  step: string;
  slot: number;
  want: "splits" | "read" | "write" | "find";
  /** Of "read": the split, and where the first call for it takes it up. */
  split?: string;
  after?: string;
  /** Of "read" and "find": the columns that are to be given. */
  columns: string[];
  /** Of "write": the rows. Of "find": the keys. Views of the core's memory, not to be written to. */
  rows?: Batch;
}

/** What has come in a split. */
export interface DriverPage {
  rows: Batch;
  /** What is no row of the columns: how many rows come before it, why not, and what it is. */
  errors: { at: number; reason: string; value: Uint8Array }[];
  /** Where a later run goes on behind it. */
  token?: string;
  /** There is nothing more for now. */
  caughtUp: boolean;
  /** Nothing more comes. */
  ended: boolean;
}

export interface StoredPosition {
  resource: string;
  partition: number;
  offset: number;
  watermarkMs?: number;
}

export interface StoredOperator {
  id: string;
  name: string;
  /** Its window, its keys and its aggregates; empty: it keeps no state. */
  state: string[];
  watermarkMs?: number;
  positions: StoredPosition[];
}

export interface StoredSlot {
  firstKeyGroup: number;
  endKeyGroup: number;
  backend: "fs" | "rocksdb";
  files: { name: string; bytes: number }[];
}

export interface StoredCheckpoint {
  /** Its name, where it is one. */
  savepoint?: string;
  checkpoint: number;
  createdMs: number;
  bytes: number;
  newBytes: number;
  maxParallelism: number;
  operators: StoredOperator[];
  slots: StoredSlot[];
}

/** What a storage has of a job, oldest first. */
export interface Stored {
  checkpoints: StoredCheckpoint[];
  savepoints: StoredCheckpoint[];
}

/** Looks at the checkpoints and savepoints of a job without running it. */
export function stored(storage: string, job: string): Stored;

/** A file that a .proto imports. */
export interface ImportedFile {
  name: string;
  schema: string;
}

/** The columns that a .proto's first message is read as, as JSON of its `name` and its `fields`. */
export function protobufColumns(text: string, imports: ImportedFile[]): string;

export class Job {
  /**
   * `start`: "latest" (the default) goes on from the last committed checkpoint, "fresh" ignores what is stored,
   * "savepoint:NAME" begins with a savepoint. `allowDropped`: ids of steps that the job does not have any more, whose
   * state is left out.
   */
  constructor(plan: Uint8Array, parallelism?: number, start?: string, allowDropped?: readonly string[]);
  readonly id: number;
  readonly parallelism: number;
  stop(): void;
  /** Asks for a savepoint, which is written at the next barrier or, if it is to end the job, at the last; gives its number. */
  savepoint(name: string, endsJob: boolean): number;
  /** How far the savepoint of that number has come. */
  savepointProgress(number: number): SavepointProgress | undefined;
  cancel(): void;
  metrics(): JobMetrics;
  /** `call` comes on this thread when requests of HTTP sinks have come; it does not keep the process alive. */
  onRequests(call: () => void): void;
  /** The requests that have come since the last call. */
  takeRequests(): HttpRequest[];
  /** The body of a request that is not answered yet, with some of its rows only. */
  partOfRequest(id: number, rows: Uint32Array): Uint8Array;
  /** Spreads the rows of a sink over these shards, from its next batch on; rows that are on their way stay where they are. */
  reshard(sink: string, shards: HttpShard[]): void;
  /** Says what has become of a request: nothing of it is sent any more. */
  answer(id: number, answer: HttpAnswer): void;
  /** `call` comes on this thread when steps want something of their drivers; it does not keep the process alive. */
  onCalls(call: () => void): void;
  /** The calls that have come since the last look. Each is answered once, by one of the five that follow. */
  takeCalls(): DriverCall[];
  /** The job ends with an error. */
  callFailed(id: number, reason: string): void;
  splits(id: number, names: readonly string[], bounded: boolean): void;
  /** Columns are copied. */
  read(id: number, page: DriverPage): void;
  /** Rows have been written, but for those that were refused for good, each with its reason. */
  written(id: number, refused: readonly number[], reasons: readonly string[]): void;
  /** The rows that were found, and the index of the key that each belongs to. */
  found(id: number, rows: Batch, keys: Uint32Array): void;
  close(): void;
}

export class Slot {
  constructor(
    jobId: number,
    index: number,
    call: (number: number, batch: Batch<Given>) => Mapped,
    show: (title: string, batch: Batch<Given>) => void,
    scratch: Uint8Array,
  );
  step(budgetMs: number): boolean;
}

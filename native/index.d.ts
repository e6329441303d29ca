/** A column as it crosses the boundary: Arrow's buffers, little-endian, from the first row on. */
export interface Column {
  length: number;
  /** Fixed-width values; a bit each for booleans; the bytes of strings. */
  values?: Uint8Array;
  /** int32, one more than rows: of strings, bytes and lists. */
  offsets?: Uint8Array;
  /** A bit a row, 0 for null; absent where there are no nulls. */
  valid?: Uint8Array;
  children: Column[];
}

export interface Batch {
  length: number;
  columns: Column[];
}

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
  stateBytes?: number;
}

export interface JobMetrics {
  operators: OperatorMetrics[];
  watermarkMs?: number;
  backpressured: number;
  busy: number;
  commits: number;
  /** Of a job with checkpoints. */
  checkpoints?: CheckpointMetrics;
}

export class Job {
  /**
   * `start`: "latest" (the default) goes on from the last committed checkpoint, "fresh" ignores what is stored,
   * "savepoint:NAME" begins with a savepoint.
   */
  constructor(plan: Uint8Array, parallelism?: number, start?: string);
  readonly id: number;
  readonly parallelism: number;
  stop(): void;
  /** Asks for a savepoint, which is written at the next barrier. */
  savepoint(name: string): void;
  cancel(): void;
  metrics(): JobMetrics;
  close(): void;
}

export class Slot {
  constructor(
    jobId: number,
    index: number,
    call: (number: number, batch: Batch) => Mapped,
    show: (title: string, batch: Batch) => void,
  );
  step(budgetMs: number): boolean;
}

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

export interface JobMetrics {
  operators: OperatorMetrics[];
  watermarkMs?: number;
  backpressured: number;
  busy: number;
  commits: number;
}

export class Job {
  constructor(plan: Uint8Array, parallelism?: number);
  readonly id: number;
  readonly parallelism: number;
  stop(): void;
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

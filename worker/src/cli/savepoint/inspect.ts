import { type Job, StateError } from "millrace";
import { loadJob } from "../../job-file.js";
import { type StoredCheckpoint, type StoredOperator, type StoredPosition, stored } from "../../native.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { number, size } from "../figures.js";
import { table } from "../table.js";
import { storageOf } from "./storage-of.js";
import { time } from "./time.js";

/** `millrace savepoint inspect`: the exit code. */
export async function inspectSavepoint(file: string, which: string): Promise<number> {
  try {
    const job = await loadJob(file);
    process.stdout.write(`${inspected(found(job, which)).join("\n")}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

/** A savepoint of that name, or else the checkpoint of that number. */
function found(job: Job, which: string): StoredCheckpoint {
  const { storage } = storageOf(job);
  const { savepoints, checkpoints } = stored(storage, job.name);
  const found =
    savepoints.find(({ savepoint }) => savepoint === which) ??
    checkpoints.find(({ checkpoint }) => String(checkpoint) === which);
  if (found !== undefined) return found;
  const known = [...savepoints.map(({ savepoint }) => savepoint), ...checkpoints.map(({ checkpoint }) => checkpoint)];
  throw new StateError(
    `job "${job.name}" has no savepoint or checkpoint "${which}" in ${storage}; there are: ${known.join(", ") || "none"}`,
  );
}

/** All that a manifest tells, in lines. */
export function inspected(found: StoredCheckpoint): string[] {
  const { savepoint, checkpoint, createdMs, bytes, maxParallelism, operators, slots } = found;
  const files = slots.flatMap((slot) => slot.files);
  const facts: [string, string][] = [
    ["created", time(createdMs)],
    ["size", `${size(bytes)} in ${number(files.length)} ${files.length === 1 ? "file" : "files"}`],
    ["key groups", String(maxParallelism)],
    ["backend", [...new Set(slots.map(({ backend }) => backend))].join(", ") || "none"],
    ["slots", String(slots.length)],
  ];
  const withState = operators.filter(({ state }) => state.length > 0);
  const positions = operators.flatMap((operator) =>
    operator.positions.toSorted(byPlace).map((position) => ({ operator, position })),
  );
  return [
    savepoint === undefined ? `checkpoint ${checkpoint}` : `savepoint "${savepoint}", of checkpoint ${checkpoint}`,
    ...facts.map(([name, fact]) => `  ${name.padEnd(10)}  ${fact}`),
    ...withState.flatMap(state),
    ...(positions.length === 0 ? [] : ["", ...table(POSITIONS, positions)]),
  ];
}

function state({ id, name, state, watermarkMs }: StoredOperator): string[] {
  const emitted = watermarkMs === undefined ? "nothing emitted yet" : `emitted until ${time(watermarkMs)}`;
  return ["", `state of ${name} (id "${id}"), ${emitted}`, ...state.map((line) => `  ${line}`)];
}

function byPlace(a: StoredPosition, b: StoredPosition): number {
  return a.resource.localeCompare(b.resource) || a.partition - b.partition;
}

interface Read {
  readonly operator: StoredOperator;
  readonly position: StoredPosition;
}

const POSITIONS = [
  { title: "source", of: ({ operator }: Read) => operator.name },
  { title: "id", of: ({ operator }: Read) => operator.id },
  { title: "resource", of: ({ position }: Read) => position.resource },
  { title: "partition", of: ({ position }: Read) => String(position.partition), isNumber: true },
  { title: "offset", of: ({ position }: Read) => String(position.offset), isNumber: true },
  {
    title: "watermark",
    of: ({ position }: Read) => (position.watermarkMs === undefined ? "" : time(position.watermarkMs)),
  },
];

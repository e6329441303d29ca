import type { Job } from "millrace";
import { loadJob } from "../../job-file.js";
import { type StoredCheckpoint, stored } from "../../native.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { size } from "../figures.js";
import { type TableColumn, table } from "../table.js";
import { storageOf } from "./storage-of.js";
import { time } from "./time.js";

/** `millrace savepoint list`: the exit code. */
export async function listSavepoints(file: string): Promise<number> {
  try {
    process.stdout.write(`${listed(await loadJob(file)).join("\n")}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

const NAME: TableColumn<StoredCheckpoint> = { title: "savepoint", of: ({ savepoint }) => savepoint ?? "" };
const NUMBER: TableColumn<StoredCheckpoint> = {
  title: "checkpoint",
  of: ({ checkpoint }) => String(checkpoint),
  isNumber: true,
};
const CREATED: TableColumn<StoredCheckpoint> = { title: "created", of: ({ createdMs }) => time(createdMs) };
const SIZE: TableColumn<StoredCheckpoint> = { title: "size", of: ({ bytes }) => size(bytes), isNumber: true };
const NEW: TableColumn<StoredCheckpoint> = { title: "new", of: ({ newBytes }) => size(newBytes), isNumber: true };

function listed(job: Job): string[] {
  const { storage } = storageOf(job);
  const { savepoints, checkpoints } = stored(storage, job.name);
  const or = (rows: string[], none: string) => (rows.length > 1 ? rows : [none]);
  return [
    `job "${job.name}" in ${storage}`,
    "",
    ...or(table([NAME, NUMBER, CREATED, SIZE], savepoints), "no savepoints"),
    "",
    ...or(table([NUMBER, CREATED, SIZE, NEW], checkpoints), "no checkpoints"),
  ];
}

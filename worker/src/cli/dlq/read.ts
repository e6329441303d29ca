import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream";
import * as zlib from "node:zlib";
import { MillraceError, SinkError } from "millrace";
import { type DeadLetter, fromHeaders, fromLine } from "./dead-letter.js";
import { type Place, unreadable } from "./places.js";
import { Progress } from "./progress.js";
import { inTopic } from "./topic.js";

/** Takes a dead letter. */
export type OnDeadLetter = (letter: DeadLetter, isToReplay: boolean) => void;

/**
 * Gives the dead letters of a place, in the order of each partition or file.
 *
 * @throws SinkError when they cannot be read
 */
export async function eachDeadLetter(place: Place, onLetter: OnDeadLetter): Promise<void> {
  const why = unreadable(place);
  if (why !== undefined) throw new SinkError(`its dead letters cannot be read: ${why}`, place.step);
  if (place.sink.kind === "kafka") return eachInTopic(place, onLetter);
  if (place.sink.kind === "files") return eachInFiles(place, place.sink, onLetter);
}

/** Whether it is one of this place; steps and jobs may share one. */
export function isOf({ job, step }: Place, letter: DeadLetter): boolean {
  return letter.job === job && letter.step === step;
}

function eachInTopic(place: Place, onLetter: OnDeadLetter): Promise<void> {
  return inTopic(place, async (reader) => {
    const positions = await reader.committed();
    await reader.each(new Map(), (records) => {
      for (const record of records) {
        const letter = fromHeaders(record);
        if (letter === undefined || !isOf(place, letter)) continue;
        onLetter(letter, record.offset >= (positions.get(record.partition) ?? 0));
      }
    });
  });
}

type Files = Extract<Place["sink"], { kind: "files" }>;

async function eachInFiles(place: Place, sink: Files, onLetter: OnDeadLetter): Promise<void> {
  const progress = await loaded(place, sink.directory);
  await eachFile(place, sink, async ({ name, mtimeMs, letters }) => {
    const replayed = progress.linesOf(name, mtimeMs);
    for await (const { line, letter } of letters) if (isOf(place, letter)) onLetter(letter, line > replayed);
  });
}

/** @throws SinkError when it cannot be read */
export async function loaded(place: Place, directory: string): Promise<Progress> {
  const progress = new Progress(directory, place);
  try {
    return await progress.load();
  } catch (error) {
    const why = `${progress.path} cannot be read: ${(error as Error).message}; remove it to begin anew`;
    throw new SinkError(why, place.step, { cause: error });
  }
}

/** A file of dead letters, of all steps and jobs that share it. */
export interface DeadLetterFile {
  readonly name: string;
  readonly mtimeMs: number;
  /** By their lines, from 1. */
  readonly letters: AsyncIterable<{ readonly line: number; readonly letter: DeadLetter }>;
}

/**
 * Gives the files of a place, one after the other.
 *
 * @throws SinkError when one cannot be read
 */
export async function eachFile(
  { step }: Place,
  { directory, prefix }: Files,
  onFile: (file: DeadLetterFile) => Promise<void>,
): Promise<void> {
  // Before the first dead letter there is no folder.
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new SinkError(`${directory} cannot be read: ${error.message}`, step, { cause: error });
  });
  for (const name of names.filter((name) => isComplete(name, prefix)).sort()) {
    const path = join(directory, name);
    let line = 0;
    try {
      const { mtimeMs } = await stat(path);
      const letters = async function* () {
        for await (const text of lines(contents(path))) {
          line += 1;
          yield { line, letter: fromLine(text, mtimeMs) };
        }
      };
      await onFile({ name, mtimeMs, letters: letters() });
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      const where = line === 0 ? path : `${path}, line ${line}`;
      throw new SinkError(`${where} cannot be read as dead letters: ${(error as Error).message}`, step, {
        cause: error,
      });
    }
  }
}

/** As the core names them; what is still being written has another name. */
function isComplete(name: string, prefix: string): boolean {
  return name.startsWith(`${prefix}-`) && /^\d+-\d+\.jsonl(\.gz|\.zst)?$/.test(name.slice(prefix.length + 1));
}

function contents(path: string): AsyncIterable<Buffer> {
  const stream = createReadStream(path);
  // The error is that of what is read from.
  if (path.endsWith(".gz")) return pipeline(stream, zlib.createGunzip(), () => {});
  if (!path.endsWith(".zst")) return stream;
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => zlib.Gunzip };
  if (createZstdDecompress === undefined)
    throw new Error(`Node ${process.version} has no zstd: use Node 22.15 or newer`);
  return pipeline(stream, createZstdDecompress(), () => {});
}

async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import avsc from "avsc";
import { parquetReadObjects } from "hyparquet";
import type { Test } from "tap";
import { S3Server } from "./s3.js";

/** Files as a client sees them that shares no code with Millrace. */
export interface Lake {
  readonly format: "parquet" | "avro";
  readonly directory: string;
  readonly access: Record<string, string>;
  /** Paths of visible files from the directory on. */
  names(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
}

/** Parquet in S3. */
export async function s3(t: Test): Promise<Lake> {
  const server = await S3Server.start();
  t.teardown(() => server.stop());
  const bucket = `${server.url}/${server.bucket}`;
  return {
    format: "parquet",
    directory: `s3://${server.bucket}/lake?endpoint=${server.url}`,
    access: S3Server.credentials,
    async names() {
      const listed = await (await fetch(`${bucket}?list-type=2&prefix=lake/`)).text();
      const names = [...listed.matchAll(/<Key>lake\/([^<]+)<\/Key>/g)].map(([, name]) => name as string);
      return names.filter((name) => !name.startsWith("_staged/"));
    },
    read: async (name) => {
      const path = name.split("/").map(encodeURIComponent).join("/");
      return Buffer.from(await (await fetch(`${bucket}/lake/${path}`)).arrayBuffer());
    },
  };
}

/** Times of all rows, each of which has to be in the folder of its values. */
export async function timesOf(t: Test, lake: Lake): Promise<number[]> {
  const times: number[] = [];
  for (const name of await lake.names()) {
    const rows = await (lake.format === "avro" ? avroRows : parquetRows)(await lake.read(name));
    for (const row of rows) {
      const at = row.at instanceof Date ? row.at.getTime() : Number(row.at);
      times.push(at);
      const folder = `venue=${row.venue}/day=${new Date(at).toISOString().slice(0, 10)}`;
      if (!name.startsWith(`${folder}/part-`)) t.fail(`a row of ${folder} is in ${name}`);
    }
  }
  return times.sort((a, b) => a - b);
}

/** The rows of a Parquet file, read by code that has nothing in common with Millrace's. */
export async function parquetRows(content: Buffer): Promise<Record<string, unknown>[]> {
  const bytes = content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength) as ArrayBuffer;
  const file = { byteLength: bytes.byteLength, slice: (from: number, to?: number) => bytes.slice(from, to) };
  return (await parquetReadObjects({ file })) as Record<string, unknown>[];
}

/** The rows of a container of Avro. */
export async function avroRows(content: Buffer): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  const codecs = { null: passed, snappy: unsnapped };
  for await (const row of Readable.from([content]).pipe(new avsc.streams.BlockDecoder({ codecs }))) {
    rows.push({ ...row });
  }
  return rows;
}

type Decoded = (error: Error | null, content?: Buffer) => void;

function passed(block: Buffer, done: Decoded): void {
  done(null, block);
}

/** Snappy's own format, of which Avro has a checksum behind each block. */
function unsnapped(block: Buffer, done: Decoded): void {
  const [length, start] = varint(block, 0);
  const content = Buffer.alloc(length);
  let at = start;
  let end = 0;
  while (at < block.length - 4) {
    const tag = block[at++] as number;
    if ((tag & 3) === 0) {
      let bytes = tag >> 2;
      if (bytes >= 60) {
        const extra = bytes - 59;
        bytes = block.readUIntLE(at, extra);
        at += extra;
      }
      end += block.copy(content, end, at, at + bytes + 1);
      at += bytes + 1;
      continue;
    }
    const [bytes, back, used] =
      (tag & 3) === 1
        ? [((tag >> 2) & 7) + 4, ((tag >> 5) << 8) | (block[at] as number), 1]
        : (tag & 3) === 2
          ? [(tag >> 2) + 1, block.readUInt16LE(at), 2]
          : [(tag >> 2) + 1, block.readUInt32LE(at), 4];
    at += used;
    for (let copied = 0; copied < bytes; copied++, end++) content[end] = content[end - back] as number;
  }
  done(null, content);
}

function varint(block: Buffer, from: number): [number, number] {
  let value = 0;
  let at = from;
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

/** Paths of the files in a folder and those below it, from there on. */
export async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

export const readIn = (folder: string) => (name: string) => readFile(join(folder, name));

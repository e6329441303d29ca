import { bytes, type Duration, milliseconds, type Size } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Columns, Typed } from "../expr/expr.js";
import { readFromFiles } from "../formats/avro.js";
import { configOf, type FileFormat, type SourceFormat } from "../formats/format.js";
import type { Parquet } from "../formats/parquet.js";
import type { Bool, Day, Int32, Int64, Null, Shape, Text, Timestamp } from "../schema/type.js";
import type { OnBadRecord, Sink, Source } from "./connector.js";

/**
 * Which files are read, and how.
 *
 * ```ts
 * import { type FileSourceOptions, files, json, schema, t } from "millrace";
 * const Line = schema({ message: t.string() });
 * const options: FileSourceOptions<typeof Line.shape> = { paths: ["a.jsonl", "b/*.jsonl.gz"], format: json(Line), follow: true };
 * const source = files(options);
 * ```
 */
export interface FileSourceOptions<S extends Shape> {
  /**
   * Paths or globs, of local files or in a storage: `s3://BUCKET/PATH` (with credentials, region and endpoint from AWS's
   * variables, or `?endpoint=URL` and `?region=NAME` behind the path), `hdfs://HOST:PORT/PATH` (WebHDFS),
   * `gs://BUCKET/PATH`, `azblob://CONTAINER/PATH`. .gz and .zst are decompressed where a record is a line. What begins with
   * an underscore or a point in a storage is left alone.
   */
  readonly paths: string | readonly string[];
  readonly format: SourceFormat<S> | Parquet<S>;
  /**
   * Goes on reading as files grow, and takes up new ones; new ones alone in a storage and of Parquet and Avro, where files do
   * not grow.
   */
  readonly follow?: boolean;
  readonly onBadRecord?: OnBadRecord;
}

/**
 * Where files are written, and when they are closed.
 *
 * ```ts
 * import { type FileSinkOptions, files, json } from "millrace";
 * const options: FileSinkOptions = { directory: "out", format: json(), rollBytes: "64MB", rollInterval: "10s" };
 * const sink = files(options);
 * ```
 */
export interface FileSinkOptions<S extends Shape = Shape> {
  /** A local folder, or one in a storage: `s3://BUCKET/PATH` or `hdfs://HOST:PORT/PATH`, as a source names it. */
  readonly directory: string;
  readonly format: FileFormat;
  /**
   * Rows go to folders by what these expressions give: `day=2026-11-25/country=de`, as Hive and its kin read them. A time that
   * is truncated to days or more is written as its date. Names and values are escaped.
   */
  readonly partitionBy?: (row: Columns<S>) => Readonly<Record<string, PartitionValue>>;
  /** Files that a slot writes at a time (64), one for each folder: the one that was not written to for longest makes room. */
  readonly openFiles?: number;
  /** What file names begin with: "part" by default. */
  readonly prefix?: string;
  /** Where a record is a line; files of Parquet and Avro are compressed by their format. */
  readonly compression?: "gz" | "zst";
  /** A file is closed and takes its final name at this size (128MB) ... */
  readonly rollBytes?: Size;
  /** ... or this age (60s). */
  readonly rollInterval?: Duration;
}

/**
 * What a folder may be called by.
 *
 * ```ts
 * import type { PartitionValue } from "millrace";
 * const byDay = (day: PartitionValue) => ({ day });
 * ```
 */
export type PartitionValue = Typed<Bool | Int32 | Int64 | Text | Timestamp | Day | Null>;

/**
 * Files with a record a line, of Parquet or of Avro, as a source (with a schema) or as a sink.
 *
 * ```ts
 * import { files, job, json, schema, t } from "millrace";
 * const Line = schema({ level: t.string(), message: t.string() });
 * export default job("errors", (j) =>
 *   j
 *     .source(files({ paths: "logs/*.jsonl", format: json(Line) }))
 *     .filter((line) => line.level.eq("error"))
 *     .to(files({ directory: "errors", format: json(), compression: "zst" })),
 * );
 * ```
 */
export function files<S extends Shape>(options: FileSourceOptions<S>): Source<S>;
export function files<S extends Shape>(options: FileSinkOptions<S>): Sink<S>;
export function files(options: FileSourceOptions<Shape> | FileSinkOptions<Shape>): unknown {
  return "paths" in options ? source(options) : sink(options);
}

function source(options: FileSourceOptions<Shape>): Source<Shape> {
  const paths = typeof options.paths === "string" ? [options.paths] : options.paths;
  return {
    role: "source",
    name: `files(${paths.join(", ")})`,
    schema: options.format.schema,
    format: readFromFiles(configOf(options.format).format),
    onBadRecord: options.onBadRecord ?? "fail",
    config: () => ({ kind: "files", paths, follow: options.follow ?? false }),
  };
}

function sink(options: FileSinkOptions<Shape>): Sink<Shape> {
  const { directory, prefix = "part", compression = "", rollBytes = "128MB", rollInterval = "60s" } = options;
  const { partitionBy, openFiles = 64 } = options;
  if (!Number.isSafeInteger(openFiles) || openFiles < 1 || openFiles > 10_000) {
    throw new PlanError(`openFiles is ${openFiles}: give a number from 1 to 10000`, `files(${directory})`);
  }
  return {
    role: "sink",
    name: `files(${directory})`,
    config: {
      kind: "files",
      directory,
      prefix,
      compression,
      rollBytes: bytes(rollBytes, "rollBytes"),
      rollInterval: milliseconds(rollInterval, "rollInterval"),
      openFiles,
    },
    ...configOf(options.format),
    ...(partitionBy === undefined ? {} : { partitionBy }),
  };
}

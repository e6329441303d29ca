import { bytes, type Duration, milliseconds, type Size } from "../duration.js";
import { configOf, type Format, type SourceFormat } from "../formats/format.js";
import type { Shape } from "../schema/type.js";
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
   * variables, or `?endpoint=URL` and `?region=NAME` behind the path), `hdfs://HOST:PORT/PATH` (WebHDFS). .gz and .zst are
   * decompressed. What begins with an underscore or a point in a storage is left alone.
   */
  readonly paths: string | readonly string[];
  readonly format: SourceFormat<S>;
  /** Goes on reading as files grow, and takes up new ones; in a storage, where files do not grow, new ones alone. */
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
export interface FileSinkOptions {
  /** A local folder, or one in a storage: `s3://BUCKET/PATH` or `hdfs://HOST:PORT/PATH`, as a source names it. */
  readonly directory: string;
  readonly format: Format;
  /** What file names begin with: "part" by default. */
  readonly prefix?: string;
  readonly compression?: "gz" | "zst";
  /** A file is closed and takes its final name at this size (128MB) ... */
  readonly rollBytes?: Size;
  /** ... or this age (60s). */
  readonly rollInterval?: Duration;
}

/**
 * Files with a record a line, as a source (with a schema) or as a sink.
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
export function files(options: FileSinkOptions): Sink;
export function files(options: FileSourceOptions<Shape> | FileSinkOptions): unknown {
  return "paths" in options ? source(options) : sink(options);
}

function source(options: FileSourceOptions<Shape>): Source<Shape> {
  const paths = typeof options.paths === "string" ? [options.paths] : options.paths;
  return {
    role: "source",
    name: `files(${paths.join(", ")})`,
    schema: options.format.schema,
    ...configOf(options.format),
    onBadRecord: options.onBadRecord ?? "fail",
    config: () => ({ kind: "files", paths, follow: options.follow ?? false }),
  };
}

function sink(options: FileSinkOptions): Sink {
  const { directory, prefix = "part", compression = "", rollBytes = "128MB", rollInterval = "60s" } = options;
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
    },
    ...configOf(options.format),
  };
}

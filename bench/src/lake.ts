import { S3Server } from "../../test/harness/s3.js";
import { interleave } from "./interleave.js";
import { measured } from "./measure.js";
import { type Report, type Run, result, rowCosts } from "./report.js";
import { counted, inFolder, runJob } from "./run-job.js";

export interface LakeOptions {
  readonly events: number;
  readonly parallelism: number;
  readonly runs: number;
}

/** What is written, and where files end. */
const KINDS = {
  Parquet: { KIND: "parquet" },
  "Parquet, zstd": { KIND: "parquet-zstd" },
  "Parquet in 16 folders": { KIND: "parquet", PARTITIONS: "16" },
  "Avro, snappy": { KIND: "avro" },
  "JSON, zst": { KIND: "json" },
};
const EXTENSIONS = { parquet: "parquet", "parquet-zstd": "parquet", avro: "avro", json: "jsonl.zst" };

/** What it costs to write seven columns of bids to S3, and to read two of them back. */
export async function lake(options: LakeOptions, say: (text: string) => void): Promise<Report> {
  const server = await S3Server.start();
  try {
    const { events, parallelism } = options;
    const contenders: Record<string, (run: number) => Promise<Run>> = {};
    for (const [name, kind] of Object.entries(KINDS)) {
      const folder = (run: number) => `s3://${server.bucket}/${encodeURIComponent(name)}-${run}`;
      const env = { ...S3Server.credentials, AWS_ENDPOINT_URL_S3: server.url, ...kind };
      contenders[`${name}: write`] = (run) =>
        measured(runJob("lake.ts", parallelism, { ...env, EVENTS: String(events), PLACE: folder(run) }));
      contenders[`${name}: read`] = (run) =>
        inFolder(async (results) => {
          const extension = EXTENSIONS[kind.KIND as keyof typeof EXTENSIONS];
          const place = `${folder(run)}/**/*.${extension}`;
          const figures = await measured(
            runJob("lake.ts", parallelism, { ...env, READ: "all", PLACE: place, RESULTS: results }),
          );
          const found = await counted(results);
          if (found !== events) throw new Error(`${name}: ${found} of ${events} rows were read`);
          return figures;
        });
    }
    const done = await interleave(contenders, options.runs, say);
    const results = [...done].map(([name, runs]) => result(name, events, runs));
    return { figures: { ...options, results }, ...rowCosts("", results) };
  } finally {
    await server.stop();
  }
}

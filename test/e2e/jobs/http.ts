// Rows to HTTP endpoints by key: made up, or from a topic.
import {
  deadLetter,
  env,
  files,
  generator,
  type HttpConnection,
  http,
  job,
  json,
  kafka,
  type ParquetOptions,
  parquet,
  schema,
  t,
} from "millrace";

const Row = schema({ id: t.int64(), key: t.string() });

const options = JSON.parse(env("OPTIONS", "{}")) as HttpConnection;
/** How Parquet is compressed; JSON without. */
const columns = env("PARQUET", "") as "" | NonNullable<ParquetOptions["compression"]>;
const checkpoints =
  env("CHECKPOINTS", "") === ""
    ? {}
    : {
        checkpoints: { storage: `file:${env("CHECKPOINTS")}`, interval: "200ms" } as const,
        state: { directory: env("STATE") },
      };

export default job(
  env("JOB", "http"),
  (j) => {
    const rows =
      env("INPUT", "") === ""
        ? j
            .source(
              generator.bids({
                count: Number(env("COUNT")),
                rate: Number(env("RATE", "0")),
                startTime: 0,
                eventsPerSecond: 1000,
                keys: 1000,
              }),
            )
            // A millisecond from one event to the next: it numbers them.
            .select((bid) => ({ id: bid.dateTime.epochMilliseconds(), key: bid.auction.cast(t.string()) }))
        : j.source(kafka({ topic: env("INPUT"), brokers: env("BROKERS"), format: json(Row), start: "earliest" }));
    rows.to(
      http({
        endpoints: env("ENDPOINTS_FILE", "") === "" ? env("ENDPOINTS").split(",") : { file: env("ENDPOINTS_FILE") },
        format: columns === "" ? json() : parquet({ compression: columns, rowGroupRows: 300 }),
        key: (row) => row.key,
        batch: { rows: 500, linger: "50ms" },
        timeout: { response: "1s" },
        retry: { delay: "20ms", maxDelay: "200ms" },
        breaker: { failures: 5, pause: "200ms" },
        ...options,
        ...(env("DEAD", "") === ""
          ? {}
          : { onBadRecord: deadLetter(files({ directory: env("DEAD"), format: json(), rollInterval: "200ms" })) }),
        ...(env("DEAD_TOPIC", "") === ""
          ? {}
          : { onBadRecord: deadLetter(kafka({ topic: env("DEAD_TOPIC"), brokers: env("BROKERS"), format: json() })) }),
      }),
    );
  },
  { parallelism: 2, commitInterval: "200ms", restart: "never", ...checkpoints },
);

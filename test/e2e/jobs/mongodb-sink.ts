// Rows to a collection of MongoDB: made up, or from a topic.
import {
  deadLetter,
  env,
  files,
  generator,
  job,
  json,
  kafka,
  type MongoSinkOptions,
  mongodb,
  schema,
  t,
} from "millrace";

const Row = schema({ serial: t.int64(), key: t.string(), gone: t.bool() });

const options = JSON.parse(env("OPTIONS", "{}")) as Partial<MongoSinkOptions<typeof Row.shape>>;
const checkpoints =
  env("CHECKPOINTS", "") === ""
    ? {}
    : {
        checkpoints: { storage: `file:${env("CHECKPOINTS")}`, interval: "200ms" } as const,
        state: { directory: env("STATE") },
      };

export default job(
  env("JOB", "mongodb"),
  (j) => {
    const rows =
      env("INPUT", "") === ""
        ? j
            .source(generator.bids({ count: Number(env("COUNT")), startTime: 0, eventsPerSecond: 1000, keys: 1000 }))
            // A millisecond from one event to the next: it numbers them.
            .select((bid) => ({
              serial: bid.dateTime.epochMilliseconds(),
              key: bid.auction.cast(t.string()),
              gone: bid.dateTime.epochMilliseconds().mod(10).eq(9),
            }))
        : j.source(kafka({ topic: env("INPUT"), brokers: env("BROKERS"), format: json(Row), start: "earliest" }));
    rows.to(
      mongodb({
        url: env("URL"),
        database: "test",
        collection: env("COLLECTION"),
        id: "serial",
        batch: { rows: 500, linger: "50ms" },
        timeout: { connect: "1s" },
        ...options,
        ...(env("DEAD", "") === ""
          ? {}
          : { onBadRecord: deadLetter(files({ directory: env("DEAD"), format: json(), rollInterval: "200ms" })) }),
      }),
    );
  },
  { parallelism: 2, commitInterval: "200ms", restart: "never", ...checkpoints },
);

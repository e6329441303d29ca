// Trades from Kafka to files of Parquet or Avro in folders by venue and day, in a folder or a storage; where REREAD names
// files, from those to standard output.
import { avro, env, files, job, json, kafka, parquet, schema, stdout, t } from "millrace";
import { brokers, parallelism, recovery, Trade } from "./settings.js";

const isAvro = env("FORMAT", "parquet") === "avro";

/** Some of the columns, in another order. */
const Read = schema({ at: t.timestamp("us"), price: t.int64(), venue: t.string().nullable() });

export default env("REREAD", "") === ""
  ? job(
      env("JOB"),
      (j) =>
        j.source(kafka({ topic: env("INPUT"), brokers, format: json(Trade), start: "earliest" })).to(
          files({
            directory: env("OUTPUT"),
            format: isAvro ? avro({ codec: "snappy" }) : parquet({ rowGroupRows: 500 }),
            partitionBy: (trade) => ({ venue: trade.venue, day: trade.at.truncate("day") }),
            openFiles: Number(env("OPEN_FILES", "64")),
            rollInterval: "1s",
          }),
        ),
      { parallelism, ...recovery },
    )
  : job(
      "reread",
      (j) =>
        j
          .source(files({ paths: env("REREAD"), format: isAvro ? avro({}, Read) : parquet(Read) }))
          .select((trade) => ({ at: trade.at.epochMilliseconds(), price: trade.price }))
          .to(stdout({ format: json() })),
      { parallelism },
    );

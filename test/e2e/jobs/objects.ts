// Trades from Kafka to files, in a folder or a storage; where REREAD names files, from those to standard output.
import { env, files, job, json, kafka, stdout } from "millrace";
import { brokers, parallelism, recovery, Trade } from "./settings.js";

export default env("REREAD", "") === ""
  ? job(
      env("JOB"),
      (j) =>
        j.source(kafka({ topic: env("INPUT"), brokers, format: json(Trade), start: "earliest" })).to(
          files({
            directory: env("OUTPUT"),
            format: json(),
            compression: "gz",
            rollInterval: "1s",
          }),
        ),
      { parallelism, ...recovery },
    )
  : job("reread", (j) => j.source(files({ paths: env("REREAD"), format: json(Trade) })).to(stdout({ format: json() })));

// Rows to an index of OpenSearch, by id and version. Every thousandth has an amount that is no number.
import { deadLetter, env, files, generator, type HttpConnection, job, json, lit, opensearch, t, when } from "millrace";

const options = JSON.parse(env("OPTIONS", "{}")) as Partial<HttpConnection>;
const dead = env("DEAD", "");
export default job(
  "opensearch",
  (j) =>
    j
      .source(
        generator.bids({
          count: Number(env("COUNT")),
          startTime: 0,
          eventsPerSecond: 1000,
        }),
      )
      .select((bid) => ({ id: bid.dateTime.epochMilliseconds() }))
      .select((row) => ({
        id: row.id,
        amount: when(row.id.mod(1000).eq(7), lit("none")).otherwise(row.id.cast(t.string())),
      }))
      .to(
        opensearch({
          url: env("URL"),
          index: "rows",
          id: (row) => row.id.cast(t.string()),
          version: (row) => row.id.add(1).cast(t.string()),
          batch: { rows: 500, linger: "50ms" },
          retry: { delay: "20ms", maxDelay: "200ms" },
          breaker: { failures: 5, pause: "200ms" },
          ...(dead === ""
            ? {}
            : { onBadRecord: deadLetter(files({ directory: dead, format: json(), rollInterval: "200ms" })) }),
          ...options,
        }),
      ),
  { parallelism: 2, commitInterval: "200ms", restart: "never" },
);

// Sums by key in one window that ends with the input: as much state as there are keys. The keys come in turn, each next
// one far from the one before it, so nothing that is kept near is of use again soon.
import {
  count,
  env,
  files,
  generator,
  type JobBuilder,
  type JobOptions,
  job,
  json,
  max,
  min,
  type Size,
  sum,
  table,
  tumbling,
} from "millrace";
import { EVENTS_PER_SECOND, STRIDE } from "../src/state/model.js";

const keys = Number(env("KEYS"));
const folder = env("FOLDER");
const budget = env("BUDGET", "");
const backend = env("BACKEND") as "memory" | "rocksdb" | "fs";

const options: JobOptions =
  backend === "memory"
    ? {}
    : {
        checkpoints: {
          storage: `file:${folder}/checkpoints`,
          interval: env("INTERVAL", "10s") as "10s",
          retain: Number(env("RETAIN", "2")),
        },
        state: { backend, directory: `${folder}/state`, ...(budget === "" ? {} : { memoryBudget: budget as Size }) },
      };

/** `count` events of the keys in turn; at a rate of 0 as fast as they are taken. */
const events = (j: JobBuilder, id: string, count: number, rate: number) =>
  j
    .source(generator.auctions({ keys, count, rate, startTime: 0, eventsPerSecond: EVENTS_PER_SECOND }))
    .id(id)
    .eventTime((event) => event.dateTime)
    .select((event) => ({ key: event.id.mul(STRIDE).mod(keys), at: event.dateTime.epochMilliseconds() }));

export default job(
  "keyed-sums",
  (j) => {
    const fill = events(j, "fill", Number(env("FILL")), 0);
    const changed = Number(env("CHANGES", "0"));
    const changes = changed === 0 ? undefined : events(j, "changes", changed, Number(env("RATE")));
    if (env("SHOW", "") === "changes") changes?.to(table());
    (changes === undefined ? fill : fill.union(changes))
      .keyBy((event) => event.key)
      .window(tumbling("10000h"))
      .aggregate((event) => ({ n: count(), total: sum(event.at), first: min(event.at), last: max(event.at) }))
      .id("sums")
      .to(files({ directory: `${folder}/results`, format: json() }));
  },
  options,
);

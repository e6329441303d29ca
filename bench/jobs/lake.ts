// Bids that are made to files of a lake, or, with READ, those files' prices added up.
import {
  avro,
  count,
  env,
  files,
  generator,
  type JobBuilder,
  job,
  json,
  parquet,
  schema,
  sum,
  t,
  tumbling,
} from "millrace";

const kind = env("KIND");
const place = env("PLACE");

const formats = {
  parquet: parquet(),
  "parquet-zstd": parquet({ compression: "zstd" }),
  avro: avro({ codec: "snappy" }),
  json: json(),
} as const;

const write = (j: JobBuilder) =>
  j.source(generator.bids({ count: Number(env("EVENTS")), startTime: 0 })).to(
    files({
      directory: place,
      format: formats[kind as keyof typeof formats],
      ...(kind === "json" ? { compression: "zst" } : {}),
      partitionBy: (bid) => (env("PARTITIONS", "") === "" ? {} : { bucket: bid.auction.mod(16) }),
    }),
  );

const Some = schema({ price: t.int64(), dateTime: t.timestamp("ms") });

const read = (j: JobBuilder) =>
  j
    .source(
      files({
        paths: place,
        format: kind === "avro" ? avro({}, Some) : kind === "json" ? json(Some) : parquet(Some),
      }),
    )
    .eventTime((bid) => bid.dateTime)
    .select((bid) => ({ price: bid.price, one: bid.price.mul(0) }))
    .keyBy((bid) => bid.one)
    .window(tumbling("10000h"))
    .aggregate((bid) => ({ count: count(), total: sum(bid.price) }))
    .id("sums")
    .to(files({ directory: env("RESULTS"), format: json() }));

export default job("lake", env("READ", "") === "" ? write : read);

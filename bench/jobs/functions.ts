// Sums by key of rows that go through the same step so many times, each of which adds one to two of their four columns.
import {
  env,
  files,
  generator,
  type JobBuilder,
  job,
  json,
  max,
  type Stream,
  schema,
  sum,
  t,
  tumbling,
} from "millrace";

const steps = Number(env("STEPS"));
const kind = env("STEP") as "select" | "mapBatch" | "mapBatch, arrays kept" | "map";
const method = kind === "mapBatch, arrays kept" ? "mapBatch" : kind;
const results = files({ directory: `${env("FOLDER")}/results`, format: json() });

const Numbers = schema({ key: t.int64(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });
const Texts = schema({ key: t.string(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });

interface Addends {
  readonly length: number;
  readonly columns: { readonly price: BigInt64Array; readonly ratio: Float64Array };
}

/** Of the largest batch; what a function returns is copied, so it may use its arrays again. */
const kept = { price: new BigInt64Array(8192), ratio: new Float64Array(8192) };

function oneMore({ length, columns: { price, ratio } }: Addends) {
  const isKept = kind === "mapBatch, arrays kept";
  const made = isKept
    ? { price: kept.price.subarray(0, length), ratio: kept.ratio.subarray(0, length) }
    : { price: new BigInt64Array(length), ratio: new Float64Array(length) };
  for (let row = 0; row < length; row++) {
    made.price[row] = BigInt.asIntN(64, (price[row] as bigint) + 1n);
    made.ratio[row] = (ratio[row] as number) + 1;
  }
  return made;
}

const ofNumbers = {
  select: (rows: Stream<typeof Numbers.shape>) =>
    rows.select(({ key, price, ratio, at }) => ({ key, price: price.add(1), ratio: ratio.add(1), at })),
  mapBatch: (rows: Stream<typeof Numbers.shape>) =>
    rows.mapBatch(Numbers, (batch) => ({ key: batch.columns.key, ...oneMore(batch), at: batch.columns.at })),
  map: (rows: Stream<typeof Numbers.shape>) =>
    rows.map(Numbers, ({ key, price, ratio, at }) => ({ key, price: price + 1n, ratio: ratio + 1, at })),
};

const ofTexts = {
  select: (rows: Stream<typeof Texts.shape>) =>
    rows.select(({ key, price, ratio, at }) => ({ key, price: price.add(1), ratio: ratio.add(1), at })),
  mapBatch: (rows: Stream<typeof Texts.shape>) =>
    rows.mapBatch(Texts, (batch) => ({ key: batch.columns.key, ...oneMore(batch), at: batch.columns.at })),
  map: (rows: Stream<typeof Texts.shape>) =>
    rows.map(Texts, ({ key, price, ratio, at }) => ({ key, price: price + 1n, ratio: ratio + 1, at })),
};

const bids = (j: JobBuilder) =>
  j.source(generator.bids({ count: Number(env("EVENTS")), startTime: 0, keys: 1000 })).eventTime((bid) => bid.dateTime);

const numbers = (j: JobBuilder) =>
  repeated(
    bids(j).select(({ auction: key, price, dateTime: at }) => ({ key, price, ratio: price.cast(t.float64()), at })),
    ofNumbers[method],
  )
    .keyBy((row) => row.key)
    .window(tumbling("10000h"))
    .aggregate((row) => ({ total: sum(row.price), ratios: sum(row.ratio), last: max(row.at) }))
    .id("sums")
    .to(results);

const texts = (j: JobBuilder) =>
  repeated(
    bids(j).select(({ channel: key, price, dateTime: at }) => ({ key, price, ratio: price.cast(t.float64()), at })),
    ofTexts[method],
  )
    .keyBy((row) => row.key)
    .window(tumbling("10000h"))
    .aggregate((row) => ({ total: sum(row.price), ratios: sum(row.ratio), last: max(row.at) }))
    .id("sums")
    .to(results);

function repeated<R>(rows: R, step: (rows: R) => R): R {
  return Array.from({ length: steps }).reduce<R>((made) => step(made), rows);
}

export default job("functions", env("ROWS") === "texts" ? texts : numbers);

// Sums by key of rows that go through the same step so many times, each of which adds one to two of their four columns.
import {
  type Expr,
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
const method = env("STEP") as "select" | "mapBatch" | "map";
/** Whether `.mapBatch` returns the same arrays each time: what a function returns is copied. */
const isKept = env("ARRAYS", "new") === "kept";
/** One addition to each column, or six that come to the same. */
const isLong = env("OPERATIONS", "1") === "6";
const results = files({ directory: `${env("FOLDER")}/results`, format: json() });

const Numbers = schema({ key: t.int64(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });
const Texts = schema({ key: t.string(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });

interface Addends {
  readonly length: number;
  readonly columns: { readonly price: BigInt64Array; readonly ratio: Float64Array };
}

/** Of the largest batch. */
const kept = { price: new BigInt64Array(8192), ratio: new Float64Array(8192) };

function oneMore({ length, columns: { price, ratio } }: Addends) {
  const made = isKept
    ? { price: kept.price.subarray(0, length), ratio: kept.ratio.subarray(0, length) }
    : { price: new BigInt64Array(length), ratio: new Float64Array(length) };
  if (isLong) return sixTimes(price, ratio, made);
  for (let row = 0; row < length; row++) {
    made.price[row] = BigInt.asIntN(64, (price[row] as bigint) + 1n);
    made.ratio[row] = (ratio[row] as number) + 1;
  }
  return made;
}

function sixTimes(price: BigInt64Array, ratio: Float64Array, made: typeof kept) {
  for (let row = 0; row < price.length; row++) {
    made.price[row] = BigInt.asIntN(64, (price[row] as bigint) + 1n - 2n + 3n - 4n + 5n - 2n);
    made.ratio[row] = (ratio[row] as number) + 1 - 2 + 3 - 4 + 5 - 2;
  }
  return made;
}

/** The same as expressions. */
const one = {
  price: (price: Expr<{ kind: "int64" }>) => (isLong ? price.add(1).sub(2).add(3).sub(4).add(5).sub(2) : price.add(1)),
  ratio: (ratio: Expr<{ kind: "float64" }>) =>
    isLong ? ratio.add(1).sub(2).add(3).sub(4).add(5).sub(2) : ratio.add(1),
};

const ofNumbers = {
  select: (rows: Stream<typeof Numbers.shape>) =>
    rows.select(({ key, price, ratio, at }) => ({ key, price: one.price(price), ratio: one.ratio(ratio), at })),
  mapBatch: (rows: Stream<typeof Numbers.shape>) =>
    rows.mapBatch(Numbers, (batch) => ({ key: batch.columns.key, ...oneMore(batch), at: batch.columns.at })),
  map: (rows: Stream<typeof Numbers.shape>) =>
    rows.map(Numbers, ({ key, price, ratio, at }) => ({ key, price: price + 1n, ratio: ratio + 1, at })),
};

const ofTexts = {
  select: (rows: Stream<typeof Texts.shape>) =>
    rows.select(({ key, price, ratio, at }) => ({ key, price: one.price(price), ratio: one.ratio(ratio), at })),
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

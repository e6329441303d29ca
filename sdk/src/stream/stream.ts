import type { Batch, BatchResult } from "../batch.js";
import type { Sink, Source } from "../connectors/connector.js";
import type { LookupTable } from "../connectors/driver.js";
import { PlanError } from "../errors.js";
import type { Columns, Typed, TypedName, TypeOf } from "../expr/expr.js";
import { columnsOf } from "../expr/make.js";
import type { Value } from "../expr/value.js";
import { writtenTo } from "../formats/registered.js";
import { type Graph, nameStep, type PlanNode, type UserFunction } from "../plan/node.js";
import { Schema } from "../schema/schema.js";
import {
  type AnyType,
  type Bool,
  type Int64,
  type Null,
  type Ordered,
  type RowOf,
  type Shape,
  type Simplify,
  sameFields,
  type Timestamp,
  typeName,
} from "../schema/type.js";
import { keysOf } from "./aggregate.js";
import { type EventTimeOptions, eventTimeConfig, timeOf } from "./event-time.js";
import { BroadcastTable, joinOf, type NullableShape } from "./join.js";
import { KeyedStream } from "./keyed-stream.js";
import { lookupJoinOf } from "./lookup-join.js";
import { partitionsOf } from "./partitions.js";
import { placeOfCall } from "./place.js";
import { condition, describe, expression, fieldsOf, inStep, namedValues } from "./step.js";

/** The shape of an object of expressions. */
export type ShapeOfExprs<O> = { readonly [K in keyof O]: TypeOf<O[K]> };

/** What a stream may be keyed by: a column, a list of columns, or an object of expressions. */
export type KeySelection =
  | TypedName<Ordered | Null, string>
  | readonly TypedName<Ordered | Null, string>[]
  | Readonly<Record<string, Typed<Ordered | Null>>>;

type NameOf<E> = E extends TypedName<AnyType, infer N> ? N : never;

/** The key columns of a selection. */
export type KeyShape<K> =
  K extends TypedName<infer T, infer N>
    ? { readonly [P in N]: T }
    : K extends readonly (infer E)[]
      ? { readonly [P in NameOf<E>]: TypeOf<Extract<E, TypedName<AnyType, P>>> }
      : ShapeOfExprs<K>;

declare const shape: unique symbol;

/**
 * Rows of one shape on their way. Every method adds one step and gives the stream that leaves it.
 *
 * ```ts
 * import { generator, type JobBuilder, type Shape, type Stream, table } from "millrace";
 * const shown = <S extends Shape>(stream: Stream<S>) => stream.id("shown").to(table());
 * const bids = (j: JobBuilder) => shown(j.source(generator.bids()));
 * ```
 */
export class Stream<S extends Shape> {
  /** Carries the shape, so that a stream with a column more or less is another type; never there at run time. */
  declare readonly [shape]: (row: S) => S;

  constructor(
    protected readonly graph: Graph,
    protected readonly node: PlanNode,
  ) {}

  /**
   * The rows for which a condition holds; null counts as false.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const cheap = (j: JobBuilder) => j.source(generator.bids()).filter((bid) => bid.price.lt(100));
   * ```
   */
  filter(predicate: (row: Columns<S>) => Typed<Bool | Null>): Stream<S> {
    const value = describe("filter", this.node.fields, (row: Columns<S>) => condition(predicate(row)));
    return new Stream(
      this.graph,
      this.graph.add("filter", [this.node], this.node.fields, { kind: "filter", predicate: value }),
    );
  }

  /**
   * New columns from the old ones.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const prices = (j: JobBuilder) =>
   *   j.source(generator.bids()).select((bid) => ({ id: bid.auction, dollars: bid.price.div(100) }));
   * ```
   */
  select<O extends Readonly<Record<string, Typed<AnyType>>>>(
    columns: (row: Columns<S>) => O,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    const named = describe("select", this.node.fields, (row: Columns<S>) => namedValues(columns(row), "select"));
    return new Stream(
      this.graph,
      this.graph.add("select", [this.node], fieldsOf(named), { kind: "select", columns: named }),
    );
  }

  /**
   * One row from each row, by a function of yours. It runs in JavaScript, in every slot.
   *
   * ```ts
   * import { generator, type JobBuilder, schema, t } from "millrace";
   * const Label = schema({ label: t.string() });
   * const labels = (j: JobBuilder) =>
   *   j.source(generator.bids()).map(Label, (bid) => ({ label: `${bid.channel}: ${bid.price}` }));
   * ```
   */
  map<O extends Shape>(output: Schema<O>, fn: (row: RowOf<S>) => RowOf<O>): Stream<O> {
    return this.#function("map", output, fn);
  }

  /**
   * Any number of rows from each row, by a function of yours.
   *
   * ```ts
   * import { generator, type JobBuilder, schema, t } from "millrace";
   * const Word = schema({ word: t.string() });
   * const words = (j: JobBuilder) =>
   *   j.source(generator.bids()).flatMap(Word, (bid) => bid.extra.split(" ").map((word) => ({ word })));
   * ```
   */
  flatMap<O extends Shape>(output: Schema<O>, fn: (row: RowOf<S>) => Iterable<RowOf<O>>): Stream<O> {
    return this.#function("flatMap", output, fn);
  }

  /**
   * As many rows as come, a batch at a time, as columns: the fast way into JavaScript.
   *
   * ```ts
   * import { generator, type JobBuilder, schema, t } from "millrace";
   * const Price = schema({ price: t.int64() });
   * const doubled = (j: JobBuilder) =>
   *   j.source(generator.bids()).mapBatch(Price, ({ columns }) => ({ price: columns.price.map((price) => price * 2n) }));
   * ```
   */
  mapBatch<O extends Shape>(output: Schema<O>, fn: (batch: Batch<S>) => BatchResult<O>): Stream<O> {
    return this.#function("mapBatch", output, fn);
  }

  /**
   * All rows of several streams of the same shape.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const ids = (j: JobBuilder) => {
   *   const persons = j.source(generator.persons()).select((person) => ({ id: person.id }));
   *   return j.source(generator.auctions()).select((auction) => ({ id: auction.id })).union(persons);
   * };
   * ```
   */
  union(...others: readonly Stream<S>[]): Stream<S> {
    return inStep("union", () => {
      if (others.length === 0) throw new PlanError("it takes at least one other stream");
      for (const { node } of others) {
        if (!sameFields(this.node.fields, node.fields)) {
          throw new PlanError(
            `the rows of "${node.name}" differ from those of "${this.node.name}": bring them together by .select(...)`,
          );
        }
      }
      const inputs = [this.node, ...others.map((other) => other.node)];
      return new Stream(this.graph, this.graph.add("union", inputs, this.node.fields, { kind: "union" }));
    });
  }

  /**
   * Rows of the same key come together: by columns, or by expressions with names.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const byBucket = (j: JobBuilder) =>
   *   j.source(generator.bids()).keyBy((bid) => [bid.channel, bid.auction.mod(10).as("bucket")]);
   * ```
   */
  keyBy<const K extends KeySelection>(key: (row: Columns<S>) => K): KeyedStream<S, Simplify<KeyShape<K>>> {
    const keys = describe("keyBy", this.node.fields, (row: Columns<S>) => keysOf(key(row)));
    return new KeyedStream(this.graph, this.node, keys);
  }

  /**
   * Brings every row to every slot, which keeps the last one of each key for other streams to join with: rules, rates,
   * what a small topic says of the keys of a large one.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const persons = (j: JobBuilder) => j.source(generator.persons()).broadcast((person) => person.id);
   * ```
   */
  broadcast<const K extends KeySelection>(key: (row: Columns<S>) => K): BroadcastTable<S> {
    const keys = describe("broadcast", this.node.fields, (row: Columns<S>) => keysOf(key(row)));
    return new BroadcastTable(this.node, keys);
  }

  /**
   * Each row with what a table has for it at this moment; rows that it has nothing for are left out, and so are those
   * whose key is null.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const named = (j: JobBuilder) => {
   *   const persons = j.source(generator.persons()).broadcast((person) => person.id);
   *   return j.source(generator.bids()).join(
   *     persons,
   *     (bid) => bid.bidder,
   *     (bid, person) => ({ name: person.name, price: bid.price }),
   *   );
   * };
   * ```
   */
  join<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    table: BroadcastTable<T>,
    on: (row: Columns<S>) => KeySelection,
    columns: (row: Columns<S>, match: Columns<T>) => O,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    return this.#join("join", table, on, columns, false);
  }

  /**
   * Each row with what a table has for it at this moment, or nulls.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const named = (j: JobBuilder) => {
   *   const persons = j.source(generator.persons()).broadcast((person) => person.id);
   *   return j.source(generator.bids()).leftJoin(
   *     persons,
   *     (bid) => bid.bidder,
   *     (bid, person) => ({ name: person.name.coalesce("nobody"), price: bid.price }),
   *   );
   * };
   * ```
   */
  leftJoin<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    table: BroadcastTable<T>,
    on: (row: Columns<S>) => KeySelection,
    columns: (row: Columns<S>, match: Columns<NullableShape<T>>) => O,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    return this.#join("leftJoin", table, on, columns, true);
  }

  /**
   * Each row with what a table of a database has for it when it is asked; the key is named as the table names it. Rows that
   * it has nothing for are left out, and so are those whose key is null. Rows stay in their order; what was found is kept for
   * those that follow, as the table's `cache` says.
   *
   * ```ts
   * import { generator, type JobBuilder, mongodb, schema, t } from "millrace";
   * const Person = schema({ _id: t.int64(), name: t.string() });
   * const persons = mongodb({ url: "mongodb://localhost", database: "auctions", collection: "persons", schema: Person });
   * const named = (j: JobBuilder) =>
   *   j.source(generator.bids()).lookupJoin(
   *     persons,
   *     (bid) => ({ _id: bid.bidder }),
   *     (bid, person) => ({ name: person.name, price: bid.price }),
   *   );
   * ```
   */
  lookupJoin<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    table: LookupTable<T>,
    on: (row: Columns<S>) => { readonly [K in keyof T]?: Typed<AnyType> },
    columns: (row: Columns<S>, match: Columns<T>) => O,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    return this.#lookupJoin("lookupJoin", table, on, columns, false);
  }

  /**
   * Each row with what a table of a database has for it when it is asked, or nulls.
   *
   * ```ts
   * import { generator, type JobBuilder, mongodb, schema, t } from "millrace";
   * const Person = schema({ _id: t.int64(), name: t.string() });
   * const persons = mongodb({ url: "mongodb://localhost", database: "auctions", collection: "persons", schema: Person });
   * const named = (j: JobBuilder) =>
   *   j.source(generator.bids()).leftLookupJoin(
   *     persons,
   *     (bid) => ({ _id: bid.bidder }),
   *     (bid, person) => ({ name: person.name.coalesce("nobody"), price: bid.price }),
   *   );
   * ```
   */
  leftLookupJoin<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    table: LookupTable<T>,
    on: (row: Columns<S>) => { readonly [K in keyof T]?: Typed<AnyType> },
    columns: (row: Columns<S>, match: Columns<NullableShape<T>>) => O,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    return this.#lookupJoin("leftLookupJoin", table, on, columns, true);
  }

  /**
   * Sends the rows to a sink. A stream may go to several.
   *
   * ```ts
   * import { generator, type JobBuilder, json, kafka } from "millrace";
   * const bids = (j: JobBuilder) =>
   *   j
   *     .source(generator.bids())
   *     .to(kafka({ topic: "bids", brokers: "localhost:9092", format: json(), key: (bid) => bid.channel }));
   * ```
   */
  to(sink: Sink<S>): SinkStep {
    const [key, headers, partitionBy, format, tombstone] = inStep(sink.name, () => {
      sink.check?.(this.node.fields);
      const row = columnsOf<S>(this.node.fields);
      const key = sink.key === undefined ? undefined : text(sink.key(row), "key");
      const headers = Object.entries(sink.headers?.(row) ?? {});
      const topic = sink.config.kind === "kafka" ? sink.config.topic : undefined;
      const format = writtenTo(sink.format, this.node.fields, topic);
      const named = headers.map(([name, value]) => ({ name, value: text(value, `header "${name}"`) }));
      const tombstone = sink.tombstone === undefined ? undefined : holds(sink.tombstone(row));
      return [key, named, partitionsOf(sink.partitionBy?.(row)), format, tombstone] as const;
    });
    const node = this.graph.add(sink.name, [this.node], this.node.fields, {
      kind: "sink",
      config: sink.config,
      format,
      key,
      headers,
      partitionBy,
      tombstone,
      onBadRecord: sink.onBadRecord ?? "fail",
    });
    return new SinkStep(node);
  }

  /**
   * Names the last step, so that its state is found again when the job around it has changed.
   *
   * ```ts
   * import { count, generator, type JobBuilder, tumbling } from "millrace";
   * const hourly = (j: JobBuilder) =>
   *   j
   *     .source(generator.bids())
   *     .eventTime((bid) => bid.dateTime)
   *     .keyBy((bid) => bid.channel)
   *     .window(tumbling("1h"))
   *     .aggregate(() => ({ bids: count() }))
   *     .id("bids-by-hour");
   * ```
   */
  id(id: string): this {
    nameStep(this.node, id);
    return this;
  }

  #join<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    method: "join" | "leftJoin",
    table: BroadcastTable<T>,
    on: (row: Columns<S>) => KeySelection,
    columns: (row: Columns<S>, match: never) => O,
    keepUnmatched: boolean,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    if (!(table instanceof BroadcastTable))
      throw new PlanError("it takes a stream that is .broadcast(...) first", method);
    const name = `${method}(${table.name})`;
    const step = joinOf<S, T>(name, this.node.fields, table, on, columns, keepUnmatched);
    return new Stream(this.graph, this.graph.add(name, [this.node, table.node], fieldsOf(step.output), step));
  }

  #lookupJoin<T extends Shape, O extends Readonly<Record<string, Typed<AnyType>>>>(
    method: "lookupJoin" | "leftLookupJoin",
    table: LookupTable<T>,
    on: (row: Columns<S>) => unknown,
    columns: (row: Columns<S>, match: never) => O,
    keepUnmatched: boolean,
  ): Stream<Simplify<ShapeOfExprs<O>>> {
    if (table?.lookup === undefined)
      throw new PlanError("it takes a table of a database, such as mongodb(...)", method);
    const name = `${method}(${table.name})`;
    const step = lookupJoinOf<S, T>(name, this.node.fields, table, on, columns, keepUnmatched);
    return new Stream(this.graph, this.graph.add(name, [this.node], fieldsOf(step.output), step));
  }

  #function<O extends Shape>(kind: UserFunction["kind"], output: Schema<O>, fn: (input: never) => unknown): Stream<O> {
    if (!(output instanceof Schema)) throw new PlanError("it takes the schema of its rows first", kind);
    if (typeof fn !== "function") throw new PlanError("it takes a function after the schema", kind);
    const input = new Schema(this.node.fields);
    const userFunction: UserFunction = { kind, fn, input, output, step: kind, place: placeOfCall(this[kind]) };
    const number = this.graph.functions.push(userFunction) - 1;
    const node = this.graph.add(kind, [this.node], output.fields, { kind: "function", number, function: userFunction });
    return new Stream(this.graph, node);
  }
}

/**
 * Where a stream ends.
 *
 * ```ts
 * import { generator, type JobBuilder, type SinkStep, table } from "millrace";
 * const shown = (j: JobBuilder): SinkStep => j.source(generator.bids()).to(table());
 * ```
 */
export class SinkStep {
  constructor(private readonly node: PlanNode) {}

  /**
   * Names the sink, so that what it keeps is found again when the job around it has changed.
   *
   * ```ts
   * import { files, generator, type JobBuilder, json } from "millrace";
   * const archive = (j: JobBuilder) =>
   *   j.source(generator.bids()).to(files({ directory: "archive", format: json() })).id("archive");
   * ```
   */
  id(id: string): this {
    nameStep(this.node, id);
    return this;
  }
}

/**
 * A stream as it comes from its source.
 *
 * ```ts
 * import type { Shape, SourceStream } from "millrace";
 * const byRecordTime = <S extends Shape>(stream: SourceStream<S>) => stream.eventTime({ outOfOrderness: "1s" });
 * ```
 */
export class SourceStream<S extends Shape> extends Stream<S> {
  /**
   * Says when each row happened: by a timestamp column (or an int64 in milliseconds), or by the record's own timestamp.
   * Windows need it.
   *
   * ```ts
   * import { generator, type JobBuilder } from "millrace";
   * const bids = (j: JobBuilder) => j.source(generator.bids()).eventTime((bid) => bid.dateTime, { outOfOrderness: "1s" });
   * ```
   */
  eventTime(options?: EventTimeOptions): Stream<S>;
  eventTime(time: (row: Columns<S>) => Typed<Timestamp | Int64>, options?: EventTimeOptions): Stream<S>;
  eventTime(
    first?: EventTimeOptions | ((row: Columns<S>) => Typed<Timestamp | Int64>),
    second?: EventTimeOptions,
  ): Stream<S> {
    const [time, options] = typeof first === "function" ? [first, second] : [undefined, first];
    const value = time && describe("eventTime", this.node.fields, (row: Columns<S>) => timeOf(time(row)));
    const { step } = this.node;
    if (step.kind === "source") step.eventTime = inStep("eventTime", () => eventTimeConfig(value, options ?? {}));
    return new Stream(this.graph, this.node);
  }
}

function text(result: unknown, what: string): Value {
  const value = expression(result, what);
  if (value.type.kind !== "string" && value.type.kind !== "bytes") {
    throw new PlanError(`the ${what} is ${typeName(value.type)}: cast it by .cast(t.string())`);
  }
  return value;
}

function holds(result: unknown): Value {
  const value = expression(result, "tombstone");
  if (value.type.kind !== "bool") throw new PlanError(`the tombstone is ${typeName(value.type)}, and no condition`);
  return value;
}

/** The stream of a source. */
export function sourceStream<S extends Shape>(graph: Graph, source: Source<S>): SourceStream<S> {
  if (source?.role !== "source") {
    throw new PlanError("j.source: it takes a source, such as kafka({ ..., format: json(Schema) })");
  }
  const { schema, onBadRecord, name, format } = source;
  const config = source.config(graph.job);
  const step = { kind: "source", config, declared: schema.fields, onBadRecord, format, eventTime: undefined } as const;
  return new SourceStream(graph, graph.add(name, [], schema.fields, { ...step }));
}

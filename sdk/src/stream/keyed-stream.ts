import { PlanError } from "../errors.js";
import type { Columns, Expr, Typed } from "../expr/expr.js";
import type { Graph, NamedValue, PlanNode } from "../plan/node.js";
import type { AnyType, Shape, Simplify, Timestamp } from "../schema/type.js";
import { aggregatedFields, aggregation, END, START } from "./aggregate.js";
import { describe } from "./step.js";
import { type ShapeOfExprs, Stream } from "./stream.js";
import type { Ttl } from "./ttl.js";
import type { Window } from "./window.js";

/**
 * A stream whose rows of one key come together.
 *
 * ```ts
 * import { type KeyedStream, type Shape, tumbling } from "millrace";
 * const hourly = <S extends Shape, K extends Shape>(stream: KeyedStream<S, K>) => stream.window(tumbling("1h"));
 * ```
 */
export class KeyedStream<S extends Shape, K extends Shape> {
  constructor(
    private readonly graph: Graph,
    private readonly node: PlanNode,
    private readonly keys: readonly NamedValue[],
  ) {}

  /**
   * Cuts the stream into windows of event time.
   *
   * ```ts
   * import { generator, hopping, type JobBuilder } from "millrace";
   * const windows = (j: JobBuilder) =>
   *   j
   *     .source(generator.bids())
   *     .eventTime((bid) => bid.dateTime)
   *     .keyBy((bid) => bid.channel)
   *     .window(hopping("1m", "10s"));
   * ```
   */
  window(window: Window): WindowedStream<S, K> {
    const timeless = sourcesOf(this.node).find(({ step }) => step.kind === "source" && step.eventTime === undefined);
    if (timeless !== undefined) {
      throw new PlanError(`"${timeless.name}" has no event time: call .eventTime(...) on it`, `window(${window.name})`);
    }
    return new WindowedStream(this.graph, this.node, this.keys, window);
  }

  /**
   * The first row of each key. Those that follow are dropped; with a `ttl`, until the key is forgotten. Without one, keys
   * are kept for ever. The first is the one that comes first, which between partitions is a matter of chance.
   *
   * ```ts
   * import { generator, type JobBuilder, ttl } from "millrace";
   * const once = (j: JobBuilder) =>
   *   j
   *     .source(generator.bids())
   *     .keyBy((bid) => [bid.auction, bid.bidder])
   *     .deduplicate({ ttl: ttl("1h", { update: "onReadWrite" }) });
   * ```
   */
  deduplicate(options: { readonly ttl?: Ttl } = {}): Stream<S> {
    const step = { kind: "deduplicate", keys: this.keys, ttl: options.ttl } as const;
    const name = `deduplicate(${this.keys.map((key) => key.name).join(", ")})`;
    return new Stream(this.graph, this.graph.add(name, [this.node], this.node.fields, step));
  }
}

/**
 * The windows of each key.
 *
 * ```ts
 * import { count, type Shape, type WindowedStream } from "millrace";
 * const counted = <S extends Shape, K extends Shape>(windows: WindowedStream<S, K>) =>
 *   windows.aggregate((_, w) => ({ start: w.start, n: count() }));
 * ```
 */
export class WindowedStream<S extends Shape, K extends Shape> {
  constructor(
    private readonly graph: Graph,
    private readonly node: PlanNode,
    private readonly keys: readonly NamedValue[],
    private readonly window: Window,
  ) {}

  /**
   * One row for each key and window: the key's columns, then those computed here.
   *
   * ```ts
   * import { count, generator, type JobBuilder, max, tumbling } from "millrace";
   * const totals = (j: JobBuilder) =>
   *   j
   *     .source(generator.bids())
   *     .eventTime((bid) => bid.dateTime)
   *     .keyBy((bid) => bid.channel)
   *     .window(tumbling("10s"))
   *     .aggregate((bid, w) => ({ start: w.start, n: count(), top: max(bid.price) }));
   * ```
   */
  aggregate<O extends Readonly<Record<string, Typed<AnyType>>>>(
    columns: (
      row: Columns<S>,
      window: { readonly start: Expr<Timestamp<"ms">>; readonly end: Expr<Timestamp<"ms">> },
    ) => O,
  ): Stream<Simplify<K & ShapeOfExprs<O>>> {
    const name = `window(${this.window.name})`;
    const times = { start: START, end: END } as unknown as Parameters<typeof columns>[1];
    const { aggregates, output } = describe(name, this.node.fields, (row: Columns<S>) =>
      aggregation(this.keys, columns(row, times)),
    );
    const step = { kind: "window", keys: this.keys, window: this.window.config, aggregates, output } as const;
    return new Stream(this.graph, this.graph.add(name, [this.node], aggregatedFields(output), step));
  }
}

/** The sources of a stream's rows, but for what is broadcast to them: it gives them no time. */
function sourcesOf(node: PlanNode): PlanNode[] {
  const inputs = node.step.kind === "join" ? node.inputs.slice(0, 1) : node.inputs;
  return node.step.kind === "source" ? [node] : inputs.flatMap(sourcesOf);
}

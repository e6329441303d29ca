import { Builder } from "flatbuffers";
import type { Secret } from "../connectors/secret.js";
import type { Value } from "../expr/value.js";
import {
  AggregateFunction,
  AggregateT,
  BadRecord,
  BroadcastJoinT,
  CheckpointsT,
  DeduplicateT,
  DriverSinkT,
  DriverSourceT,
  EventTimeT,
  FileSinkT,
  FileSourceT,
  FilterT,
  type FormatT,
  FunctionKind,
  GeneratorSourceT,
  Guarantee,
  HttpBody,
  HttpShardT,
  HttpSinkT,
  Job,
  JobT,
  JsFunctionT,
  KafkaSinkT,
  KafkaSourceT,
  LookupJoinT,
  OperatorKind,
  OperatorT,
  ProjectT,
  SinkConnector,
  SinkT,
  SourceConnector,
  SourceT,
  StateBackend,
  StdoutSinkT,
  TableSinkT,
  TtlT,
  TtlUpdate,
  UnionT,
  WindowAggregateT,
  WindowT,
} from "../generated/millrace/plan.js";
import type { Recovery } from "../recovery/recovery.js";
import type { Ttl } from "../stream/ttl.js";
import type {
  BadRecordPolicy,
  EventTimeConfig,
  NamedValue,
  NodeKind,
  PlanNode,
  SinkConfig,
  SourceConfig,
} from "./node.js";
import { withSecrets } from "./secrets.js";
import { expr, fields, named, optional } from "./write-expr.js";
import { format, properties } from "./write-format.js";

/** The version of plan.fbs that is written. */
const VERSION = 1;

export interface PlanOptions {
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Milliseconds. */
  readonly commitInterval: number;
  readonly recovery: Recovery;
  /** The numbers that the schemas of sinks have in their registries, by the step's id. */
  readonly schemaIds?: ReadonlyMap<string, number> | undefined;
  /** Gives the text of a step's secret; without it the plan has the names of secrets alone. */
  readonly readSecret?: ((secret: Secret, name: string, node: PlanNode) => string) | undefined;
}

/** The plan of a job as a FlatBuffer. */
export function writePlan(name: string, nodes: readonly PlanNode[], options: PlanOptions): Uint8Array {
  const indexes = new Map(nodes.map((node, index) => [node, index]));
  const operators = nodes.map((node) => {
    const inputs = node.inputs.map((input) => indexes.get(input) as number);
    const { readSecret: read } = options;
    const step = read === undefined ? node.step : withSecrets(node.step, (secret, name) => read(secret, name, node));
    const [kindType, kind] = kindOf(step, options.schemaIds?.get(node.id));
    return new OperatorT(node.id, node.name, inputs, fields(node.fields), kindType, kind);
  });
  const { parallelism, maxParallelism, commitInterval, recovery } = options;
  const job = new JobT(VERSION, name, parallelism, maxParallelism, BigInt(commitInterval), operators);
  job.guarantee = GUARANTEES[recovery.guarantee];
  job.checkpoints = recovery.checkpoints === undefined ? null : checkpoints(recovery.checkpoints);
  const builder = new Builder(4096);
  Job.finishJobBuffer(builder, job.pack(builder));
  return builder.asUint8Array();
}

const GUARANTEES = {
  "at-least-once": Guarantee.AtLeastOnce,
  "exactly-once": Guarantee.ExactlyOnce,
  "at-most-once": Guarantee.AtMostOnce,
} as const;

function checkpoints(config: NonNullable<Recovery["checkpoints"]>): CheckpointsT {
  const { storage, interval, minPause, timeout, tolerableFailures, retained, state } = config;
  return new CheckpointsT(
    storage,
    BigInt(interval),
    BigInt(minPause),
    BigInt(timeout),
    tolerableFailures,
    retained,
    state.backend === "rocksdb" ? StateBackend.RocksDb : StateBackend.Filesystem,
    BigInt(state.memoryBudget),
    state.directory,
  );
}

function kindOf(step: NodeKind, schemaId: number | undefined): [OperatorKind, OperatorT["kind"]] {
  switch (step.kind) {
    case "source":
      return [OperatorKind.Source, source(step)];
    case "filter":
      return [OperatorKind.Filter, new FilterT(expr(step.predicate))];
    case "select":
      return [OperatorKind.Project, new ProjectT(named(step.columns))];
    case "union":
      return [OperatorKind.Union, new UnionT()];
    case "window": {
      const { size, slide, offset } = step.window;
      const window = new WindowT(BigInt(size), BigInt(slide), BigInt(offset));
      const aggregates = step.aggregates.map(aggregate);
      return [
        OperatorKind.WindowAggregate,
        new WindowAggregateT(named(step.keys), window, aggregates, named(step.output)),
      ];
    }
    case "deduplicate":
      return [
        OperatorKind.Deduplicate,
        new DeduplicateT(named(step.keys), step.ttl === undefined ? null : ttl(step.ttl)),
      ];
    case "join":
      return [
        OperatorKind.BroadcastJoin,
        new BroadcastJoinT(named(step.on), named(step.keys), named(step.output), step.keepUnmatched),
      ];
    case "lookup": {
      const { lookup, on, columns, output, keepUnmatched } = step;
      const join = new LookupJoinT(lookup.driver, named(on), fields(columns), named(output), keepUnmatched);
      join.batchKeys = lookup.batchKeys;
      join.cacheRows = lookup.cacheRows;
      join.cacheTtl = BigInt(lookup.cacheTtl);
      return [OperatorKind.LookupJoin, join];
    }
    case "function":
      return [OperatorKind.JsFunction, new JsFunctionT(FUNCTION_KINDS[step.function.kind], step.number)];
    case "sink":
      return [
        OperatorKind.Sink,
        Object.assign(
          sink(step.config, step.key, step.headers, format(step.format, schemaId), step.onBadRecord, step.partitionBy),
          { tombstone: optional(step.tombstone) },
        ),
      ];
  }
}

function ttl({ milliseconds, update }: Ttl): TtlT {
  return new TtlT(BigInt(milliseconds), update === "onReadWrite" ? TtlUpdate.OnReadWrite : TtlUpdate.OnWrite);
}

const FUNCTION_KINDS = {
  map: FunctionKind.Map,
  flatMap: FunctionKind.FlatMap,
  mapBatch: FunctionKind.MapBatch,
} as const;

function source(step: Extract<NodeKind, { kind: "source" }>): SourceT {
  const [connectorType, connector] = sourceConnector(step.config);
  const { onBadRecord, eventTime: time } = step;
  const written = new SourceT(connectorType, connector, format(step.format), fields(step.declared));
  written.eventTime = time === undefined ? null : eventTime(time);
  return withPolicy(written, onBadRecord);
}

function withPolicy<T extends SourceT | SinkT>(written: T, onBadRecord: BadRecordPolicy): T {
  if (typeof onBadRecord === "object") {
    written.onBadRecord = BadRecord.DeadLetter;
    written.deadLetter = sink(onBadRecord.deadLetter, undefined, [], format(onBadRecord.format), "fail");
  } else {
    written.onBadRecord = onBadRecord === "skip" ? BadRecord.Skip : BadRecord.Fail;
  }
  return written;
}

function eventTime(time: EventTimeConfig): EventTimeT {
  const { value, outOfOrderness, idleTimeout, idleAdvance, maxDrift } = time;
  return new EventTimeT(optional(value), BigInt(outOfOrderness), BigInt(idleTimeout), idleAdvance, BigInt(maxDrift));
}

function sourceConnector(config: SourceConfig): [SourceConnector, SourceT["connector"]] {
  switch (config.kind) {
    case "kafka": {
      const { topics, pattern = null, start, startTimestamp, fallback, untilLatest } = config;
      const kafka = new KafkaSourceT([...topics], pattern, start, BigInt(startTimestamp), fallback, untilLatest);
      kafka.properties = properties(config);
      return [SourceConnector.KafkaSource, kafka];
    }
    case "files":
      return [SourceConnector.FileSource, new FileSourceT([...config.paths], config.follow)];
    case "generator":
      return [
        SourceConnector.GeneratorSource,
        new GeneratorSourceT(
          config.events,
          BigInt(config.seed),
          BigInt(config.rate),
          BigInt(config.count),
          BigInt(config.startTime),
          BigInt(config.eventsPerSecond),
          BigInt(config.outOfOrderness),
          BigInt(config.keys),
        ),
      ];
    case "driver":
      return [SourceConnector.DriverSource, new DriverSourceT(config.driver)];
  }
}

function sink(
  config: SinkConfig,
  key: Value | undefined,
  headers: readonly NamedValue[],
  format: FormatT,
  onBadRecord: BadRecordPolicy,
  partitionBy: readonly NamedValue[] = [],
): SinkT {
  const [connectorType, connector] = sinkConnector(config, partitionBy);
  return withPolicy(new SinkT(connectorType, connector, format, optional(key), named(headers)), onBadRecord);
}

function sinkConnector(config: SinkConfig, partitionBy: readonly NamedValue[]): [SinkConnector, SinkT["connector"]] {
  switch (config.kind) {
    case "kafka":
      return [SinkConnector.KafkaSink, new KafkaSinkT(config.topic, properties(config))];
    case "files": {
      const { directory, prefix, compression, rollBytes, rollInterval, openFiles } = config;
      const [size, age] = [BigInt(rollBytes), BigInt(rollInterval)];
      const file = new FileSinkT(directory, prefix, compression, size, age, named(partitionBy), openFiles);
      return [SinkConnector.FileSink, file];
    }
    case "http":
      return [SinkConnector.HttpSink, httpSink(config)];
    case "driver": {
      const { driver, batchRows, linger, concurrency, bufferRows } = config;
      return [SinkConnector.DriverSink, new DriverSinkT(driver, batchRows, BigInt(linger), concurrency, bufferRows)];
    }
    case "stdout":
      return [SinkConnector.StdoutSink, new StdoutSinkT()];
    case "table":
      return [SinkConnector.TableSink, new TableSinkT(config.title)];
  }
}

/** What the core has to know; secrets and addresses stay with the worker. */
function httpSink(config: Extract<SinkConfig, { kind: "http" }>): HttpSinkT {
  const { endpoints, body, compression, batchRows, batchBytes, linger, buffer, live } = config;
  return new HttpSinkT(
    endpoints.map(({ name, weight }) => new HttpShardT(name, weight)),
    HTTP_BODIES[body],
    compression,
    batchRows,
    BigInt(batchBytes),
    BigInt(linger),
    BigInt(buffer),
    live !== undefined,
  );
}

const HTTP_BODIES = {
  lines: HttpBody.Lines,
  array: HttpBody.Array,
  bulk: HttpBody.Bulk,
  joined: HttpBody.Joined,
  arrow: HttpBody.Arrow,
  parquet: HttpBody.Parquet,
} as const;

function aggregate(value: Value): AggregateT {
  if (value.node.op !== "aggregate") throw new Error("not an aggregate");
  const { function: name, value: argument, quantile = 0 } = value.node;
  return new AggregateT(AggregateFunction[name], optional(argument), quantile);
}

export type { Batch, BatchColumn, BatchResult, TextColumn } from "./batch.js";
export {
  type CassandraConnection,
  type CassandraConsistency,
  type CassandraSinkOptions,
  type CassandraSourceOptions,
  type CassandraTable,
  cassandra,
} from "./connectors/cassandra.js";
export { type ClickHouseOptions, clickhouse } from "./connectors/clickhouse.js";
export {
  type DeadLetter,
  deadLetter,
  type Json,
  json,
  type OnBadRecord,
  type Sink,
  type Source,
} from "./connectors/connector.js";
export type { DriverBatch, LookupCache, LookupTable } from "./connectors/driver.js";
export { type FileSinkOptions, type FileSourceOptions, files, type PartitionValue } from "./connectors/files.js";
export { type GeneratorOptions, generator } from "./connectors/generator.js";
export {
  type Hedge,
  type HttpConnection,
  type HttpEndpoint,
  type HttpFormat,
  type HttpSinkOptions,
  http,
} from "./connectors/http.js";
export { type InfluxDbOptions, type InfluxDbPlace, influxdb } from "./connectors/influxdb.js";
export { type KafkaConnection, type KafkaSinkOptions, type KafkaSourceOptions, kafka } from "./connectors/kafka.js";
export {
  type MongoConnection,
  type MongoOperation,
  type MongoSinkOptions,
  type MongoTableOptions,
  mongodb,
} from "./connectors/mongodb.js";
export { type OpenSearchOptions, opensearch } from "./connectors/opensearch.js";
export { type PrometheusOptions, prometheus, type SampleOptions } from "./connectors/prometheus.js";
export { type QuestDbOptions, questdb } from "./connectors/questdb.js";
export { stdout, table } from "./connectors/screen.js";
export type { Secret } from "./connectors/secret.js";
export { type SigV4, type SigV4Options, sigv4 } from "./connectors/sigv4.js";
export { type VictoriaMetricsOptions, victoriametrics } from "./connectors/victoriametrics.js";
export { type WebhookOptions, webhook } from "./connectors/webhook.js";
export type { Duration, Size } from "./duration.js";
export { env } from "./env.js";
export * from "./errors.js";
export { type ExplainOptions, explain } from "./explain/explain.js";
export {
  approxCountDistinct,
  approxQuantile,
  avg,
  count,
  countDistinct,
  first,
  last,
  max,
  min,
  stddev,
  sum,
} from "./expr/aggregates.js";
export type { Columns, Expr, Named } from "./expr/expr.js";
export { lit, type When, when } from "./expr/make.js";
export { type Arrow, arrow } from "./formats/arrow.js";
export { type Avro, type AvroOptions, avro } from "./formats/avro.js";
export { type Csv, type CsvOptions, csv } from "./formats/csv.js";
export { type Debezium, debezium } from "./formats/debezium.js";
export type { FileFormat, Format, SourceFormat } from "./formats/format.js";
export { type JsonSchema, type JsonSchemaOptions, jsonSchema } from "./formats/json-schema.js";
export { type LineProtocol, type LineProtocolOptions, lineProtocol } from "./formats/line-protocol.js";
export { type Parquet, type ParquetOptions, parquet } from "./formats/parquet.js";
export { type Protobuf, type ProtobufOptions, protobuf } from "./formats/protobuf.js";
export { type Raw, raw } from "./formats/raw.js";
export type { SchemaRegistryOptions } from "./formats/registry.js";
export { type Upsert, upsert } from "./formats/upsert.js";
export type { UserFunction } from "./plan/node.js";
export type { CheckpointOptions, CheckpointStorage } from "./recovery/checkpoints.js";
export type { Guarantee, Recovery, RecoveryOptions } from "./recovery/recovery.js";
export type { Restart, RestartOptions, RestartPolicy } from "./recovery/restart.js";
export type { StateBackend, StateOptions } from "./recovery/state.js";
export { type Column, type Row, Schema, schema, t } from "./schema/schema.js";
export type { DataType, Field, Shape } from "./schema/type.js";
export type { EventTimeOptions } from "./stream/event-time.js";
export { Job, type JobBuilder, type JobOptions, job } from "./stream/job.js";
export type { BroadcastTable } from "./stream/join.js";
export type { KeyedStream, WindowedStream } from "./stream/keyed-stream.js";
export type { SinkStep, SourceStream, Stream } from "./stream/stream.js";
export { type Ttl, ttl } from "./stream/ttl.js";
export { hopping, tumbling, type Window } from "./stream/window.js";

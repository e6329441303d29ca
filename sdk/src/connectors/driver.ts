import type { Duration } from "../duration.js";
import { milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Schema } from "../schema/schema.js";
import type { Shape } from "../schema/type.js";

/**
 * What a connector is told whose transport is a driver of TypeScript: the worker looks `driver` up in the list of
 * `@millrace/connectors` and hands it the options.
 */
export interface DriverConfig {
  readonly kind: "driver";
  readonly driver: string;
  readonly options: unknown;
}

/** Batches and buffers are those of each slot. */
export interface DriverSinkConfig extends DriverConfig {
  readonly batchRows: number;
  /** Milliseconds. */
  readonly linger: number;
  /** Batches that are written at once; with one, rows are written in their order. */
  readonly concurrency: number;
  readonly bufferRows: number;
}

/**
 * How rows are gathered.
 *
 * ```ts
 * import { type DriverBatch, mongodb } from "millrace";
 * const batch: DriverBatch = { rows: 5000, linger: "1s" };
 * const sink = mongodb({ url: "mongodb://localhost", database: "shop", collection: "orders", batch });
 * ```
 */
export interface DriverBatch {
  /** 1000 by default. */
  readonly rows?: number;
  /** How long a row waits for others (100ms). */
  readonly linger?: Duration;
}

/** @internal */
export function driverSink(
  driver: string,
  options: unknown,
  { rows = 1000, linger = "100ms" }: DriverBatch = {},
  concurrency = 1,
): DriverSinkConfig {
  const batchRows = atLeastOne(driver, rows, "batch.rows");
  return {
    kind: "driver",
    driver,
    options,
    batchRows,
    linger: milliseconds(linger, "batch.linger"),
    concurrency: atLeastOne(driver, concurrency, "concurrency"),
    bufferRows: batchRows * (concurrency + 4),
  };
}

/**
 * What a lookup join keeps of what it has found: so many rows over all slots (100,000; 0: none), for so long (for ever). That
 * there is nothing for a key is kept as well.
 *
 * ```ts
 * import type { LookupCache } from "millrace";
 * const cache: LookupCache = { rows: 1_000_000, ttl: "10m" };
 * ```
 */
export interface LookupCache {
  readonly rows?: number;
  readonly ttl?: Duration;
}

/**
 * A table of a database that rows are looked up in, with `.lookupJoin(...)`. Made by `mongodb` or `cassandra`.
 *
 * ```ts
 * import type { LookupTable, Shape } from "millrace";
 * const told = <S extends Shape>(table: LookupTable<S>) => `looked up in ${table.name}`;
 * ```
 */
export interface LookupTable<S extends Shape> {
  /** As `explain` and errors call it. */
  readonly name: string;
  readonly schema: Schema<S>;
  readonly lookup: LookupConfig;
}

/** Times in milliseconds; a ttl of 0 is none. */
export interface LookupConfig extends DriverConfig {
  /** Keys that are asked for at once. */
  readonly batchKeys: number;
  readonly cacheRows: number;
  readonly cacheTtl: number;
}

/** @internal */
export function lookupConfig(
  driver: string,
  options: unknown,
  { rows = 100_000, ttl }: LookupCache = {},
  batchKeys = 500,
): LookupConfig {
  if (!Number.isSafeInteger(rows) || rows < 0)
    throw new PlanError(`cache.rows is ${rows}: give a whole number from 0 on`, driver);
  return {
    kind: "driver",
    driver,
    options,
    batchKeys,
    cacheRows: rows,
    cacheTtl: ttl === undefined ? 0 : milliseconds(ttl, "cache.ttl"),
  };
}

function atLeastOne(driver: string, value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new PlanError(`${what} is ${value}: give a whole number from 1 on`, driver);
}

import type { Driver } from "../driver/driver.js";
import { mayPass } from "./errors.js";
import { CassandraLookup } from "./lookup.js";
import type { SinkSettings, SourceSettings } from "./settings.js";
import { CassandraSink } from "./sink.js";
import { CassandraSource } from "./source.js";

/** Cassandra and ScyllaDB, by DataStax's driver. */
export const cassandra: Driver<SinkSettings & SourceSettings> = {
  sink: CassandraSink.open,
  source: CassandraSource.open,
  lookup: CassandraLookup.open,
  mayPass,
};

import type { Driver } from "../driver/driver.js";
import { Connection } from "./connect.js";
import { mayPass } from "./errors.js";
import { MongoLookup } from "./lookup.js";
import type { SinkSettings, TableSettings } from "./settings.js";
import { MongoSink } from "./sink.js";
import { MongoSource } from "./source.js";

/** MongoDB, over its own driver. */
export const mongodb: Driver<SinkSettings & TableSettings> = {
  sink: async (settings: SinkSettings, step) => new MongoSink(await Connection.open(settings), settings, step),
  // Changes may come from a collection that is to be.
  source: async (settings: TableSettings, step) =>
    new MongoSource(await open(settings, settings.read === "snapshot"), settings, step.fields),
  lookup: async (settings: TableSettings, step) => new MongoLookup(await open(settings, true), step.fields),
  mayPass,
};

async function open(settings: TableSettings, isThere: boolean): Promise<Connection> {
  const connection = await Connection.open(settings);
  try {
    if (isThere) await connection.expectCollection();
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

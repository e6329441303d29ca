import type { Driver } from "./driver.js";

/** The connectors that have drivers; each is loaded where it is needed only. */
const DRIVERS: Readonly<Record<string, () => Promise<Driver<never>>>> = {
  cassandra: async () => (await import("../cassandra/index.js")).cassandra,
  mongodb: async () => (await import("../mongodb/index.js")).mongodb,
};

/** The driver of that name; `undefined` where there is none. */
export async function driver(name: string): Promise<Driver<unknown> | undefined> {
  // Who has written the options is the connector itself.
  return Object.hasOwn(DRIVERS, name) ? ((await DRIVERS[name]?.()) as Driver<unknown> | undefined) : undefined;
}

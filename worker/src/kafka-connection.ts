import type { Hidden } from "./secrets.js";

/** How to reach a cluster, by librdkafka's properties. */
export type Connection = Hidden;

/** What shares a cluster is looked at together; what differs in one of the properties `apart` is not. */
export function byConnection<T extends Connection>(
  all: readonly T[],
  apart: readonly string[] = [],
): (readonly [Connection, readonly [T, ...T[]]])[] {
  const connections = new Map<string, [Connection, [T, ...T[]]]>();
  for (const one of all) {
    const connection = connectionOf(one, apart);
    const key = JSON.stringify([connection.properties, connection.secrets].map((of) => Object.entries(of).sort()));
    const [, users] = connections.get(key) ?? [];
    if (users === undefined) connections.set(key, [connection, [one]]);
    else users.push(one);
  }
  return [...connections.values()];
}

/** The properties that say how to reach the cluster, and those that are named. */
export function connectionOf({ properties, secrets }: Connection, others: readonly string[] = []): Connection {
  const isWanted = (key: string) => /^(bootstrap|security|sasl|ssl)\./.test(key) || others.includes(key);
  const wanted = <T>(of: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(of).filter(([key]) => isWanted(key)));
  return { properties: wanted(properties), secrets: wanted(secrets) };
}

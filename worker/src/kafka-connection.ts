export type Properties = Readonly<Record<string, string>>;

/** Users of one connection, with the properties that it takes. */
export type Connected<T> = readonly [Properties, readonly T[]];

/** What shares a cluster is looked at together; what differs in one of the properties `apart` is not. */
export function byConnection<T extends { readonly properties: Properties }>(
  all: readonly T[],
  apart: readonly string[] = [],
): Connected<T>[] {
  const connections = new Map<string, [Properties, T[]]>();
  for (const one of all) {
    const connection = connectionOf(one.properties, apart);
    const key = JSON.stringify(Object.entries(connection).sort());
    const [, users] = connections.get(key) ?? [];
    if (users === undefined) connections.set(key, [connection, [one]]);
    else users.push(one);
  }
  return [...connections.values()];
}

/** The properties that say how to reach the cluster, and those that are named. */
export function connectionOf(properties: Properties, others: readonly string[] = []): Properties {
  const isWanted = (key: string) => /^(bootstrap|security|sasl|ssl)\./.test(key) || others.includes(key);
  return Object.fromEntries(Object.entries(properties).filter(([key]) => isWanted(key)));
}

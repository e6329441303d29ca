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
    const connection = Object.entries(one.properties).filter(
      ([key]) => /^(bootstrap|security|sasl|ssl)\./.test(key) || apart.includes(key),
    );
    const key = JSON.stringify(connection.sort());
    const [, users] = connections.get(key) ?? [];
    if (users === undefined) connections.set(key, [Object.fromEntries(connection), [one]]);
    else users.push(one);
  }
  return [...connections.values()];
}

/** What librdkafka says of a partition; an offset that is absent or negative is none. */
export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
}

/**
 * The records between the committed offsets and the ends; `undefined` where nothing is committed. A partition without
 * a committed offset adds nothing, as in Kafka's tools.
 *
 * @throws Error that stands in the place of a partition
 */
export function lagBetween(
  committed: readonly (PartitionOffset | Error)[],
  ends: readonly (PartitionOffset | Error)[],
): number | undefined {
  const endOf = new Map(ends.map(known).map(({ topic, partition, offset = 0 }) => [`${topic}/${partition}`, offset]));
  let lag: number | undefined;
  for (const { topic, partition, offset = -1 } of committed.map(known)) {
    const end = endOf.get(`${topic}/${partition}`);
    if (offset < 0 || end === undefined) continue;
    // A topic that was made anew ends before what was committed.
    lag = (lag ?? 0) + Math.max(end - offset, 0);
  }
  return lag;
}

function known(found: PartitionOffset | Error): PartitionOffset {
  if (found instanceof Error) throw found;
  return found;
}

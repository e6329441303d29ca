import { openTopicReader, openTopicWriter, type TopicReader, type TopicWriter } from "@millrace/connectors";
import { MillraceError, PlanError, SinkError } from "millrace";
import { type Connection, connectionOf } from "../../kafka-connection.js";
import { type Properties, revealed, secretOf } from "../../secrets.js";
import { type Place, placeName } from "./places.js";

const NO_RDKAFKA = "dead letters in Kafka are read by node-rdkafka, which is not installed: npm install node-rdkafka";

/** By the step's name as in the records: an id that nobody has given changes with the job. */
export function groupOf({ job, step }: Place): string {
  return `millrace-dlq-${job}-${step}`;
}

/** Uses the topic of a place, as the group that remembers what was replayed. */
export async function inTopic<T>(place: Place, use: (reader: TopicReader) => Promise<T>): Promise<T> {
  if (place.sink.kind !== "kafka") throw new PlanError(`${placeName(place)} is no topic`, place.step);
  const { topic, properties } = place.sink;
  const connection = connectionOf(place.sink);
  return using(
    () => openTopicReader(opened(connection, place), topic, groupOf(place)),
    use,
    `dead letters in ${placeName(place)} at ${properties["bootstrap.servers"]}`,
    place.step,
  );
}

/** Writes to the cluster that the records came from, or to that of the dead letters where they came from none. */
export async function toTopics<T>(place: Place, use: (writer: TopicWriter) => Promise<T>): Promise<T> {
  const own = place.sink.kind === "kafka" ? place.sink : { properties: {}, secrets: {} };
  const connection = place.source ?? connectionOf(own);
  const what = `replay to ${connection.properties["bootstrap.servers"]}`;
  return using(() => openTopicWriter(opened(connection, place)), use, what, place.step);
}

function opened(connection: Connection, { step: name }: Place): Properties {
  return revealed(connection, (secret, what) => secretOf(secret, what, { name, step: { kind: "sink" } }));
}

async function using<C extends { close(): Promise<void> }, T>(
  open: () => Promise<C | undefined>,
  use: (client: C) => Promise<T>,
  what: string,
  step: string,
): Promise<T> {
  let client: C | undefined;
  try {
    client = await open();
    if (client === undefined) throw new PlanError(NO_RDKAFKA, step);
    return await use(client);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw new SinkError(`${what}: ${(error as Error).message}`, step, { cause: error });
  } finally {
    await client?.close();
  }
}

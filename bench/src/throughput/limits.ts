import { example } from "../example.js";
import { type Figures, measured } from "../measure.js";

/** Reads the topic by librdkafka alone: what no consumer of it can do better. */
export async function readOnly(brokers: string, topic: string, events: number): Promise<Figures> {
  const figures = await measured({ command: example("kafka_read"), args: [brokers, topic] });
  if (Number(figures.stdout) !== events) throw new Error(`${figures.stdout} of ${events} records were read`);
  return figures;
}

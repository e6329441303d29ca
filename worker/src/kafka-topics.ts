import { availableParallelism } from "node:os";
import { openControlPlane } from "@millrace/connectors";
import { type Job, SinkError, SourceError } from "millrace";
import { byConnection, type Connection } from "./kafka-connection.js";
import { revealed, secretOf } from "./secrets.js";

type Topic = Connection & { readonly node: Job["steps"][number]; readonly topic: string };

/**
 * Looks at the job's Kafka topics before it starts: what is missing is an error, or made when asked for. Gives what is
 * worth a warning. Without node-rdkafka, or an answer, it does nothing, and the core finds out by itself.
 */
export async function prepareTopics(
  job: Job,
  options: { readonly parallelism?: number; readonly createTopics?: boolean },
): Promise<string[]> {
  const topics = topicsOf(job);
  const warnings: string[] = [];
  const slots = options.parallelism ?? job.options.parallelism ?? availableParallelism();
  for (const [connection, group] of byConnection(topics)) {
    const [{ node: first }] = group;
    const plane = await openControlPlane(revealed(connection, (secret, what) => secretOf(secret, what, first)));
    if (plane === undefined) {
      return options.createTopics
        ? ["--create-topics has made none: the cluster does not answer, or node-rdkafka is not installed"]
        : [];
    }
    try {
      const partitions = await plane.partitions();
      for (const { node, topic } of group) {
        const isSource = node.step.kind === "source";
        const count = partitions.get(topic);
        if (count === undefined && !isSource && options.createTopics) {
          await plane.createTopic(topic, slots);
          warnings.push(`created topic ${topic} with ${slots} partitions`);
        } else if (count === undefined) {
          const hint = isSource ? "create it, or check its name" : "create it, or run with --create-topics";
          throw isSource
            ? new SourceError(`topic "${topic}" does not exist: ${hint}`, node.name)
            : new SinkError(`topic "${topic}" does not exist: ${hint}`, node.name);
        } else if (isSource && count < slots) {
          warnings.push(
            `topic ${topic} has ${count} ${count === 1 ? "partition" : "partitions"} for ${slots} slots: some read nothing`,
          );
        }
      }
    } finally {
      await plane.close();
    }
  }
  return warnings;
}

function topicsOf(job: Job): Topic[] {
  return job.steps.flatMap((node): Topic[] => {
    const { step } = node;
    if (step.kind === "source" && step.config.kind === "kafka") {
      const { topics, properties, secrets } = step.config;
      return topics.map((topic) => ({ node, topic, properties, secrets }));
    }
    if (step.kind === "sink" && step.config.kind === "kafka") {
      const { topic, properties, secrets } = step.config;
      return [{ node, topic, properties, secrets }];
    }
    return [];
  });
}

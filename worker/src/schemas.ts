import { type RegistryAddress, RegistryError, SchemaRegistry } from "@millrace/connectors";
import { type Job, SinkError } from "millrace";

/** The numbers of the schemas that sinks write by, by the step's id. */
export type SchemaIds = ReadonlyMap<string, number>;

/**
 * Registers the schemas of the job's sinks, or looks them up where they are not to be registered. What sources read by is
 * asked for as records name it.
 *
 * ```ts
 * import { loadJob, prepareSchemas, Run } from "@millrace/worker";
 * const job = await loadJob("revenue.ts");
 * const run = new Run(job, "revenue.ts", { schemaIds: await prepareSchemas(job) });
 * ```
 *
 * @throws SinkError that names the step, the subject and the registry
 */
export async function prepareSchemas(job: Job): Promise<SchemaIds> {
  const registries = new Map<string, SchemaRegistry>();
  const registryAt = (address: RegistryAddress): SchemaRegistry => {
    const key = JSON.stringify([address.url, address.properties]);
    const known = registries.get(key) ?? new SchemaRegistry(address);
    registries.set(key, known);
    return known;
  };
  const ids = new Map<string, number>();
  for (const { id, name, step } of job.steps) {
    if (step.kind !== "sink" || step.format?.kind !== "avro") continue;
    const { schema = "", registry } = step.format;
    if (registry?.subject === undefined) continue;
    const { subject, register } = registry;
    const client = registryAt(registry);
    try {
      ids.set(id, await (register ? client.register(subject, schema) : client.lookUp(subject, schema)));
    } catch (error) {
      throw new SinkError(problem(error as Error, subject, register), name, { cause: error });
    }
  }
  return ids;
}

function problem(error: Error, subject: string, register: boolean): string {
  const hint =
    error instanceof RegistryError && error.isMissing && !register
      ? ". Register the schema, or leave out register: false."
      : "";
  return `subject "${subject}": ${error.message}${hint}`;
}

import {
  type RegistryAddress,
  RegistryError,
  type SchemaDefinition,
  type SchemaReference,
  SchemaRegistry,
} from "@millrace/connectors";
import { type Job, SinkError } from "millrace";
import { revealed, secretOf } from "./secrets.js";

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
  for (const node of job.steps) {
    const { id, name, step } = node;
    if (step.kind !== "sink" || step.format === undefined || !("registry" in step.format)) continue;
    const { format } = step;
    if (format.registry?.subject === undefined) continue;
    const { subject, register } = format.registry;
    const { url } = format.registry;
    const client = registryAt({
      url,
      properties: revealed(format.registry, (secret, what) => secretOf(secret, what, node)),
    });
    try {
      const schema = await definitionOf(format, (name, imported) => numbered(client, name, imported, register));
      const number = register ? await client.register(subject, schema) : (await client.lookUp(subject, schema)).id;
      ids.set(id, number);
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

type Registered = Extract<
  NonNullable<Extract<Job["steps"][number]["step"], { kind: "sink" }>["format"]>,
  { registry: unknown }
>;

/** What is registered for a format; `refer` gives the reference to a file that another one imports. */
async function definitionOf(
  format: Registered,
  refer: (name: string, imported: SchemaDefinition) => Promise<SchemaReference>,
): Promise<SchemaDefinition> {
  switch (format.kind) {
    case "avro":
      return { schema: format.schema ?? "" };
    case "jsonSchema":
      return { schema: format.schema ?? "", schemaType: "JSON" };
    case "protobuf": {
      const { imports } = format;
      const known = new Map<string, Promise<SchemaReference>>();
      const referencesOf = (text: string): Promise<SchemaReference[]> =>
        Promise.all(importsOf(text, imports).map((name) => referenceTo(name)));
      const referenceTo = (name: string): Promise<SchemaReference> => {
        const made = known.get(name) ?? define(imports[name] ?? "").then((imported) => refer(name, imported));
        known.set(name, made);
        return made;
      };
      const define = async (text: string): Promise<SchemaDefinition> => ({
        schema: text,
        schemaType: "PROTOBUF",
        references: await referencesOf(text),
      });
      return define(format.proto ?? "");
    }
  }
}

/** The files that a .proto imports, of those that are given: the others are known to every registry. */
function importsOf(text: string, given: Readonly<Record<string, string>>): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, " ");
  const names = [...code.matchAll(/\bimport\s+(?:public\s+|weak\s+)?["']([^"']+)["']\s*;/g)].map(
    ([, name]) => name ?? "",
  );
  return [...new Set(names)].filter((name) => Object.hasOwn(given, name));
}

/** An imported file has its name for its subject, as with Confluent's serializers. */
async function numbered(
  client: SchemaRegistry,
  name: string,
  imported: SchemaDefinition,
  register: boolean,
): Promise<SchemaReference> {
  if (register) await client.register(name, imported);
  const { version } = await client.lookUp(name, imported);
  return { name, subject: name, version };
}

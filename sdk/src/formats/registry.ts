import type { Secret } from "../connectors/secret.js";
import { PlanError } from "../errors.js";
import type { RegistryConfig, SubjectStrategy } from "./config.js";

export type Properties = Readonly<Record<string, string>>;

/**
 * Where schemas are registered: a Schema Registry with Confluent's interface (Confluent, Apicurio, Karapace, Redpanda).
 *
 * ```ts
 * import { avro, env, type SchemaRegistryOptions } from "millrace";
 * const registry: SchemaRegistryOptions = {
 *   url: "https://registry.example.com",
 *   username: "millrace",
 *   password: { file: env("REGISTRY_PASSWORD_FILE", "/run/secrets/registry") },
 *   register: false,
 * };
 * const format = avro({ registry });
 * ```
 */
export interface SchemaRegistryOptions {
  readonly url: string;
  /** Of basic authentication. */
  readonly username?: string;
  readonly password?: Secret;
  /** Of bearer authentication; it goes before a user name. */
  readonly token?: Secret;
  /** What the schema is registered under; by `subjectStrategy` where it is not given. */
  readonly subject?: string;
  /** `TOPIC-value` by "topic" (the default), the record's full name by "record", `TOPIC-NAME` by "topic-record". */
  readonly subjectStrategy?: SubjectStrategy;
  /** Whether a sink registers its schema when the job starts (the default), or ends the job where it is not there. */
  readonly register?: boolean;
}

export function registryConfig(options: SchemaRegistryOptions): RegistryConfig {
  const { url, username, password, token, subject, subjectStrategy = "topic", register = true } = options;
  return {
    url,
    subject,
    strategy: subjectStrategy,
    register,
    properties: username === undefined ? {} : { username },
    secrets: { ...(password === undefined ? {} : { password }), ...(token === undefined ? {} : { token }) },
  };
}

/** A sink's registry with the subject of its schema; `record` is the full name of what it describes. */
export function withSubject(
  format: string,
  registry: RegistryConfig | undefined,
  record: string | undefined,
  topic: string | undefined,
): RegistryConfig | undefined {
  if (registry === undefined || registry.subject !== undefined) return registry;
  const { strategy } = registry;
  const named = strategy === "topic" ? "value" : record;
  if (named === undefined) {
    throw new PlanError(`${format}: the schema is no record, so it gives no subject: name one`);
  }
  if (strategy === "record") return { ...registry, subject: named };
  if (topic === undefined) {
    throw new PlanError(`${format}: there is no topic to name the subject after: give a subject`);
  }
  return { ...registry, subject: `${topic}-${named}` };
}

/** What a schema that is made from columns is called where nobody says. */
export function nameAfter(topic: string | undefined): string {
  return (topic ?? "row").replace(/[^A-Za-z0-9_]/g, "_").replace(/^(?=\d)/, "_");
}

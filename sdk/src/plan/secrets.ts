import type { Secret, Secrets } from "../connectors/secret.js";
import type { FormatConfig } from "../formats/config.js";
import type { NodeKind, SinkConfig, SourceConfig } from "./node.js";

/** Gives the text of a secret, by the name that it has in its connector. */
type Read = (secret: Secret, name: string) => string;

/** A step whose secrets are properties like others: all that the core needs in order to connect. */
export function withSecrets(step: NodeKind, read: Read): NodeKind {
  if (step.kind !== "source" && step.kind !== "sink") return step;
  const { onBadRecord } = step;
  const policy =
    typeof onBadRecord === "string"
      ? onBadRecord
      : { deadLetter: connector(onBadRecord.deadLetter, read), format: format(onBadRecord.format, read) };
  const rest = { format: format(step.format, read), onBadRecord: policy };
  return step.kind === "source"
    ? { ...step, ...rest, config: connector(step.config, read) }
    : { ...step, ...rest, config: connector(step.config, read) };
}

function connector<C extends SourceConfig | SinkConfig>(config: C, read: Read): C {
  return "secrets" in config ? (revealed(config, read) as C) : config;
}

function format(config: FormatConfig | undefined, read: Read): FormatConfig | undefined {
  if (config === undefined || !("registry" in config) || config.registry === undefined) return config;
  return { ...config, registry: revealed(config.registry, read) };
}

function revealed<T extends { readonly properties: Readonly<Record<string, string>>; readonly secrets: Secrets }>(
  of: T,
  read: Read,
): T {
  const texts = Object.entries(of.secrets).map(([name, secret]) => [name, read(secret, name)]);
  return { ...of, properties: { ...of.properties, ...Object.fromEntries(texts) }, secrets: {} };
}

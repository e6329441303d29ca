import { readSecret, type Secret } from "@millrace/connectors";
import { SinkError, SourceError } from "millrace";

export type Properties = Readonly<Record<string, string>>;

/** Properties of a client; some have secrets for their values. */
export interface Hidden {
  readonly properties: Properties;
  readonly secrets: Readonly<Record<string, Secret>>;
}

/** All properties, with the texts of secrets, which `read` gives. */
export function revealed({ properties, secrets }: Hidden, read: (secret: Secret, name: string) => string): Properties {
  const texts = Object.entries(secrets).map(([name, secret]) => [name, read(secret, name)]);
  return { ...properties, ...Object.fromEntries(texts) };
}

/** Whose secret it is. */
interface Owner {
  readonly name: string;
  readonly step: { readonly kind: string };
}

/**
 * The text of a step's secret, by the name that its connector has for it; a file is read anew each time.
 *
 * @throws SourceError, SinkError that name the step, the secret and its file
 */
export function secretOf(secret: Secret, what: string, { name, step }: Owner): string {
  try {
    return readSecret(secret);
  } catch (error) {
    const Failed = step.kind === "source" ? SourceError : SinkError;
    throw new Failed(`${what}: ${(error as Error).message}`, name, { cause: error });
  }
}

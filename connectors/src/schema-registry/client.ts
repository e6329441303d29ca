/** How to reach a registry; `properties` hold "username" and "password", or "token". */
export interface RegistryAddress {
  readonly url: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** A schema that another one uses by its name. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** What a schema is written in, as a registry names it. */
export type SchemaType = "AVRO" | "JSON" | "PROTOBUF";

/** A schema and what it uses. */
export interface SchemaDefinition {
  readonly schema: string;
  /** Avro by default. */
  readonly schemaType?: SchemaType;
  readonly references?: readonly SchemaReference[];
}

/** A schema as a registry has it. */
export interface RegisteredSchema extends Required<SchemaDefinition> {
  readonly id: number;
  readonly version: number;
}

/** A schema that another one refers to, by the name that it has for it. */
export interface ReferencedSchema {
  readonly name: string;
  readonly schema: string;
}

const TIMEOUT_MS = 10_000;
const JSON_TYPE = "application/vnd.schemaregistry.v1+json";
/** Codes of the interface. */
const SUBJECT_NOT_FOUND = 40401;
const VERSION_NOT_FOUND = 40402;
const SCHEMA_NOT_FOUND = 40403;

/** What went wrong with a registry; `code` is that of its interface, where it gave one. */
export class RegistryError extends Error {
  constructor(
    message: string,
    readonly code?: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** There is no such subject, version or schema. */
  get isMissing(): boolean {
    return [SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND].includes(this.code ?? 0);
  }
}

/** A Schema Registry with Confluent's interface. What is asked for by number never changes and is asked for once. */
export class SchemaRegistry {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #cache = new Map<string, Promise<unknown>>();

  constructor({ url, properties }: RegistryAddress) {
    this.url = url.replace(/\/+$/, "");
    this.#headers = { accept: `${JSON_TYPE}, application/json`, ...authorization(properties) };
  }

  /** The schema of a number. @throws RegistryError */
  async byId(id: number): Promise<{ readonly schema: string; readonly references: readonly SchemaReference[] }> {
    const found = await this.#once<Partial<RegisteredSchema>>(`schemas/ids/${id}`);
    return { schema: found.schema ?? "", references: found.references ?? [] };
  }

  /** The newest schema of a subject. @throws RegistryError */
  latest(subject: string): Promise<RegisteredSchema> {
    return this.#get<Partial<RegisteredSchema>>(`subjects/${encodeURIComponent(subject)}/versions/latest`).then(
      registered,
    );
  }

  /** One version of a subject. @throws RegistryError */
  version(subject: string, version: number): Promise<RegisteredSchema> {
    return this.#once<Partial<RegisteredSchema>>(`subjects/${encodeURIComponent(subject)}/versions/${version}`).then(
      registered,
    );
  }

  /** The schemas that one refers to, each after the ones that it refers to itself. @throws RegistryError */
  async referencesOf({ references }: Pick<RegisteredSchema, "references">): Promise<ReferencedSchema[]> {
    const found = new Map<string, ReferencedSchema>();
    const visit = async (references: readonly SchemaReference[]): Promise<void> => {
      for (const { name, subject, version } of references) {
        const key = `${subject}/${version}`;
        if (found.has(key)) continue;
        const { schema, references } = await this.version(subject, version);
        await visit(references);
        found.set(key, { name, schema });
      }
    };
    await visit(references);
    return [...found.values()];
  }

  /** The number of a schema under a subject, which gets it if it has not. @throws RegistryError */
  async register(subject: string, schema: SchemaDefinition): Promise<number> {
    return idOf(await this.#post(`subjects/${encodeURIComponent(subject)}/versions`, bodyOf(schema)));
  }

  /** The number and version of a schema under a subject. @throws RegistryError, which `isMissing` where it is not there */
  async lookUp(subject: string, schema: SchemaDefinition): Promise<Pick<RegisteredSchema, "id" | "version">> {
    const found = await this.#post<{ version?: number }>(`subjects/${encodeURIComponent(subject)}`, bodyOf(schema));
    return { id: idOf(found), version: found.version ?? 0 };
  }

  #once<T>(path: string): Promise<T> {
    const known = this.#cache.get(path) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const asked = this.#get<T>(path);
    this.#cache.set(path, asked);
    asked.catch(() => this.#cache.delete(path));
    return asked;
  }

  #get<T>(path: string): Promise<T> {
    return this.#ask(path, {});
  }

  #post<T>(path: string, body: object): Promise<T> {
    return this.#ask(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": JSON_TYPE } });
  }

  async #ask<T>(path: string, init: RequestInit & { headers?: Record<string, string> }): Promise<T> {
    const headers = { ...this.#headers, ...init.headers };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${this.url}/${path}`, { ...init, headers, signal }).catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      throw new RegistryError(`schema registry ${this.url} does not answer: ${cause}`, undefined, { cause: error });
    });
    const text = await response.text();
    const answer = parsed(text);
    if (response.ok && answer !== undefined) return answer as T;
    if (response.ok)
      throw new RegistryError(`${this.url} is no schema registry: its answer is no JSON. Check its URL.`);
    const { error_code: code, message } = (answer ?? {}) as { error_code?: number; message?: string };
    const reason = message ?? `${response.status} ${response.statusText}`;
    throw new RegistryError(`schema registry ${this.url}: ${reason}${adviceFor(response.status, code)}`, code);
  }
}

function authorization({ username, password, token }: RegistryAddress["properties"]): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` };
}

function adviceFor(status: number, code: number | undefined): string {
  if (status === 401 || status === 403) return ". Check the user name and password, or the token.";
  return status === 404 && code === undefined ? ". Check its URL." : "";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function registered(found: Partial<RegisteredSchema>): RegisteredSchema {
  return {
    id: found.id ?? 0,
    version: found.version ?? 0,
    schema: found.schema ?? "",
    schemaType: found.schemaType ?? "AVRO",
    references: found.references ?? [],
  };
}

/** Older registries know no types of schemas, and Avro alone. */
function bodyOf({ schema, schemaType, references = [] }: SchemaDefinition): object {
  return { schema, ...(schemaType === undefined || schemaType === "AVRO" ? {} : { schemaType }), references };
}

function idOf(answer: unknown): number {
  const id = (answer as { id?: unknown }).id;
  if (typeof id !== "number") throw new RegistryError("the registry gave the schema no number. Check its URL.");
  return id;
}

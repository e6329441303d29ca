import { writeFile } from "node:fs/promises";
import { type ReferencedSchema, type RegisteredSchema, SchemaRegistry } from "@millrace/connectors";
import { type Field, PlanError, SourceError } from "millrace";
import { protobufColumns } from "../../native.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { codeOf, NoColumns } from "./code.js";
import { schemaCode } from "./columns.js";
import { jsonSchemaCode } from "./json-schema.js";

export interface PullOptions {
  readonly registry: string;
  readonly subject: string;
  readonly out?: string;
  readonly username?: string;
  readonly password?: string;
  readonly token?: string;
}

/** `millrace schema pull`: the exit code. */
export async function pullSchema(options: PullOptions): Promise<number> {
  try {
    const code = await pulled(options);
    if (options.out === undefined) process.stdout.write(code);
    else await writeFile(options.out, code);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

async function pulled({ registry: url, subject, username, password, token }: PullOptions): Promise<string> {
  const login = Object.entries({ username, password, token }).filter(([, value]) => value !== undefined);
  const registry = new SchemaRegistry({ url, properties: Object.fromEntries(login) as Record<string, string> });
  try {
    const latest = await registry.latest(subject);
    return codeFor(latest, await registry.referencesOf(latest));
  } catch (error) {
    const message = `subject "${subject}": ${(error as Error).message}`;
    if (error instanceof NoColumns) throw new PlanError(message);
    throw new SourceError(message, undefined, { cause: error });
  }
}

function codeFor({ schema, schemaType }: RegisteredSchema, references: readonly ReferencedSchema[]): string {
  switch (schemaType) {
    case "AVRO":
      return schemaCode(
        schema,
        references.map((reference) => reference.schema),
      );
    case "JSON":
      return jsonSchemaCode(schema, new Map(references.map((reference) => [reference.name, reference.schema])));
    case "PROTOBUF": {
      const { name, fields } = columnsOf(schema, references);
      return codeOf(name, fields);
    }
  }
}

function columnsOf(proto: string, imports: readonly ReferencedSchema[]): { name: string; fields: Field[] } {
  try {
    return JSON.parse(protobufColumns(proto, [...imports])) as { name: string; fields: Field[] };
  } catch (error) {
    throw new NoColumns((error as Error).message);
  }
}

import { writeFile } from "node:fs/promises";
import { SchemaRegistry } from "@millrace/connectors";
import { PlanError, SourceError } from "millrace";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { NoColumns, schemaCode } from "./columns.js";

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
    return schemaCode(latest.schema, await registry.referencesOf(latest));
  } catch (error) {
    const message = `subject "${subject}": ${(error as Error).message}`;
    if (error instanceof NoColumns) throw new PlanError(message);
    throw new SourceError(message, undefined, { cause: error });
  }
}

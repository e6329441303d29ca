import { type Command, Option } from "commander";
import { type PullOptions, pullSchema } from "./pull.js";

/** Adds `millrace schema` and what it can do. */
export function addSchemaCommands(program: Command): void {
  program
    .command("schema")
    .description("look at schemas of a registry")
    .command("pull")
    .description("write the newest schema of a subject as the columns of a source")
    .requiredOption("--registry <url>", "the schema registry")
    .requiredOption("--subject <name>", 'such as "bids-value"')
    .option("--out <file>", "a TypeScript file; standard output without it")
    .addOption(new Option("--username <name>", "of basic authentication").env("MILLRACE_REGISTRY_USERNAME"))
    .addOption(new Option("--password <text>", "of basic authentication").env("MILLRACE_REGISTRY_PASSWORD"))
    .addOption(new Option("--token <text>", "of bearer authentication").env("MILLRACE_REGISTRY_TOKEN"))
    .action(async (options: PullOptions) => {
      process.exitCode = await pullSchema(options);
    });
}

import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { savepointName } from "../start.js";
import { addDlqCommands } from "./dlq/index.js";
import { explainJob } from "./explain.js";
import { init } from "./init.js";
import { type RunFlags, runCommand } from "./run.js";
import { addSavepointCommands } from "./savepoint/index.js";
import { addSchemaCommands } from "./schema/index.js";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** The command line of `millrace`; ends with the exit codes that docs/operating.md lists. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("millrace").description("Stream processing for TypeScript").version(version);
  // Commands take this over when they are added.
  program.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));
  runOptions(program.command("run"))
    .description("run a job until it ends or is told to stop")
    .argument("<file>", "the job file, TypeScript or JavaScript")
    .addOption(
      new Option("--fresh", "begin without the state and positions that are stored").conflicts("fromSavepoint"),
    )
    .option("--from-savepoint <name>", "begin with the state and positions of a savepoint", savepoint)
    .action(async (file: string, options: RunFlags) => {
      process.exitCode = await runCommand(file, options);
    });
  program
    .command("explain")
    .description("draw a job: its steps, what runs native, keys, windows, columns read")
    .argument("<file>", "the job file")
    .option("-p, --parallelism <slots>", "as it would be run", slots)
    .action(async (file: string, options: { parallelism?: number }) => {
      process.exitCode = await explainJob(file, options);
    });
  runOptions(addSavepointCommands(program).command("restore"))
    .description("run a job from a savepoint, as run --from-savepoint does")
    .argument("<file>", "the job file")
    .argument("<name>", "the savepoint", savepoint)
    .action(async (file: string, fromSavepoint: string, options: RunFlags) => {
      process.exitCode = await runCommand(file, { ...options, fromSavepoint });
    });
  addDlqCommands(program);
  addSchemaCommands(program);
  program
    .command("init")
    .description("make a project that runs")
    .argument("[folder]", "where", "millrace-project")
    .action(async (folder: string) => {
      process.exitCode = await init(folder);
    });
  await program.parseAsync([...argv]);
}

/** The options of every command that runs a job. */
function runOptions(command: Command): Command {
  return command
    .option("-p, --parallelism <slots>", "slots, a thread each", slots)
    .option("--profile", "tell at the end where the time went, and what would make the job faster")
    .option("--create-topics", "create the topics of Kafka sinks that do not exist")
    .option(
      "--status-every <seconds>",
      "how often the log tells of the job where standard output is no terminal",
      seconds,
    )
    .option(
      "--allow-dropped <id>",
      "leave out what is stored of a step that the job does not have any more",
      anotherId,
    );
}

function slots(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("it is a whole number from 1 on.");
  return number;
}

function seconds(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError("it is a number above 0.");
  return number;
}

function anotherId(id: string, ids: readonly string[] = []): readonly string[] {
  return [...ids, id];
}

function savepoint(text: string): string {
  try {
    return savepointName(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

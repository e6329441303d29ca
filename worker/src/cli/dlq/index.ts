import { type Command, InvalidArgumentError, Option } from "commander";
import { listDeadLetters } from "./list.js";
import { type ReplayOptions, replayDeadLetters } from "./replay.js";
import { type ShowOptions, showDeadLetters } from "./show.js";

/** Adds `millrace dlq` and what it can do. */
export function addDlqCommands(program: Command): void {
  const dlq = program.command("dlq").description("look at a job's dead letters, and send them again");
  dlq
    .command("list")
    .description("tell where dead letters are, how many, since when and for which reasons")
    .argument("<file>", "the job file")
    .action(async (file: string) => {
      process.exitCode = await listDeadLetters(file);
    });
  chosen(dlq.command("show"))
    .description("show the newest dead letters: where they were, what is wrong with them, what they hold")
    .option("--limit <records>", "how many", records, 10)
    .action(async (file: string, options: ShowOptions) => {
      process.exitCode = await showDeadLetters(file, options);
    });
  chosen(dlq.command("replay"))
    .description("send dead letters to the topic that they came from, each once")
    .option("--to <topic>", "to this topic instead")
    .addOption(
      new Option("--to-file <path>", "write their values to this new file instead, a line each").conflicts("to"),
    )
    .option("--dry-run", "tell what would be sent, and send nothing")
    .option("--again", "begin with the first record, also with what was sent or passed over before")
    .action(async (file: string, options: ReplayOptions) => {
      process.exitCode = await replayDeadLetters(file, options);
    });
}

function chosen(command: Command): Command {
  return command
    .argument("<file>", "the job file")
    .option("--step <id>", "only those of this step")
    .option("--reason <text>", "only those with this text in their reason");
}

function records(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError("it is a whole number from 1 on.");
  return number;
}

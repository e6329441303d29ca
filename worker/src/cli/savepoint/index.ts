import type { Command } from "commander";
import { createSavepoint } from "./create.js";
import { inspectSavepoint } from "./inspect.js";
import { listSavepoints } from "./list.js";

/** Adds `millrace savepoint` and what it can do, but for what runs a job; gives it. */
export function addSavepointCommands(program: Command): Command {
  const savepoint = program.command("savepoint").description("write savepoints, and look at what is stored");
  savepoint
    .command("create")
    .description("ask the running worker of a job for a savepoint, and wait until it is written")
    .argument("<file>", "the job file")
    .argument("<name>", "its name: letters, digits, '.', '_' and '-'")
    .option("--stop", "end the job with it: nothing is processed behind it")
    .action(async (file: string, name: string, options: { stop?: boolean }) => {
      process.exitCode = await createSavepoint(file, name, options);
    });
  savepoint
    .command("list")
    .description("list the savepoints and checkpoints of a job")
    .argument("<file>", "the job file")
    .action(async (file: string) => {
      process.exitCode = await listSavepoints(file);
    });
  savepoint
    .command("inspect")
    .description("show what a savepoint or checkpoint holds: steps, state, positions, size")
    .argument("<file>", "the job file")
    .argument("<which>", "a savepoint's name or a checkpoint's number")
    .action(async (file: string, which: string) => {
      process.exitCode = await inspectSavepoint(file, which);
    });
  return savepoint;
}

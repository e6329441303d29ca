import type { Job, MillraceError } from "millrace";
import { loadJob } from "../job-file.js";
import { prepareTopics } from "../kafka-topics.js";
import { Run } from "../run.js";
import { type Display, display } from "./display.js";
import { asLoadError, exitCode } from "./exit-code.js";
import { Rates } from "./rates.js";

export interface RunFlags {
  readonly parallelism?: number;
  readonly createTopics?: boolean;
}

/** Forced by a second Ctrl-C. */
const FORCED = 130;

/** `millrace run`: the exit code. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  let screen = display(file);
  try {
    const job = await loadJob(file);
    screen = display(job.name);
    for (const warning of await prepareTopics(job, flags)) screen.say(warning);
    const run = new Run(job, file, { parallelism: flags.parallelism, show: screen.show });
    screen.say(`running with ${run.parallelism} ${run.parallelism === 1 ? "slot" : "slots"}`);
    return await follow(job, run, screen);
  } catch (error) {
    return fail(asLoadError(error), screen);
  }
}

/** Shows how a run is doing until it ends. */
async function follow(job: Job, run: Run, screen: Display): Promise<number> {
  const rates = new Rates(
    job.steps.map(({ step }) => kindOf(step.kind)),
    performance.now(),
  );
  const look = () => rates.look(run.metrics(), performance.now(), Date.now());
  const timer = setInterval(() => screen.status(look()), screen.intervalMs);
  const unsubscribe = stopOnSignals(run, screen);
  const error = await run.ended;
  clearInterval(timer);
  unsubscribe();
  const last = look();
  screen.status(last);
  if (error !== undefined) return fail(error, screen);
  screen.say("done", { ...last });
  screen.end();
  return 0;
}

function stopOnSignals(run: Run, screen: Display): () => void {
  let asked = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked) process.exit(FORCED);
    asked = true;
    screen.say(`${signal}: stopping in order; once more ends the job at once`);
    run.stop();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return () => process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
}

function kindOf(kind: string): "source" | "sink" | "step" {
  return kind === "source" || kind === "sink" ? kind : "step";
}

function fail(error: MillraceError, screen: Display): number {
  screen.end();
  screen.fail(error);
  return exitCode(error);
}

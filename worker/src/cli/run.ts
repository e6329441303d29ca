import { type Job, type MillraceError, PlanError, StateError } from "millrace";
import { asMillraceError } from "../errors.js";
import { loadJob } from "../job-file.js";
import { KafkaLag } from "../kafka-lag.js";
import { prepareTopics } from "../kafka-topics.js";
import { keepRunning } from "../keep-running.js";
import { LagWatch } from "../lag-watch.js";
import { profileText } from "../profile/text.js";
import { Run } from "../run.js";
import { SavepointService } from "../savepoints/serve.js";
import { socketPath } from "../savepoints/socket-path.js";
import { prepareSchemas, type SchemaIds } from "../schemas.js";
import { fromSavepoint, type Start } from "../start.js";
import { type Display, display } from "./display.js";
import { asLoadError, exitCode } from "./exit-code.js";
import { type Look, Rates } from "./rates.js";
import { exhausted, restarting } from "./restart-messages.js";

export interface RunFlags {
  readonly parallelism?: number;
  readonly profile?: boolean;
  readonly createTopics?: boolean;
  readonly statusEvery?: number;
  readonly fresh?: boolean;
  readonly fromSavepoint?: string;
  readonly allowDropped?: readonly string[];
}

type Followed = Omit<RunFlags, "fresh" | "fromSavepoint"> & { readonly start: Start; readonly schemaIds: SchemaIds };

/** Forced by a second Ctrl-C. */
const FORCED = 130;

/** `millrace run`: the exit code. */
export async function runCommand(file: string, flags: RunFlags): Promise<number> {
  let screen = display(file, flags);
  try {
    const job = await loadJob(file);
    screen = display(job.name, flags);
    const start = startOf(flags, job);
    for (const warning of [...job.warnings, ...(await prepareTopics(job, flags))]) screen.say(warning);
    const schemaIds = await prepareSchemas(job);
    return await follow(job, file, { ...flags, start, schemaIds }, screen);
  } catch (error) {
    return fail(asLoadError(error), screen);
  }
}

function startOf({ fresh = false, fromSavepoint: name }: RunFlags, job: Job): Start {
  if (name === undefined) return fresh ? "fresh" : "latest";
  if (job.recovery.checkpoints === undefined) {
    throw new PlanError(`--from-savepoint ${name}: job "${job.name}" has no storage; give it checkpoints`);
  }
  return fromSavepoint(name);
}

/** Shows how a job is doing until it ends, restarts among it. */
async function follow(
  job: Job,
  file: string,
  { start, parallelism, allowDropped, profile, schemaIds }: Followed,
  screen: Display,
): Promise<number> {
  const kinds = job.steps.map(({ step }) => kindOf(step.kind));
  const kafka = new KafkaLag(job);
  const lag = new LagWatch(kafka);
  let restarts = 0;
  let look: (() => Look) | undefined;
  let current: Run | undefined;
  const begin = (start: Start): Run => {
    const run = new Run(job, file, {
      parallelism,
      show: screen.show,
      warn: (text) => screen.say(text),
      start,
      allowDropped,
      schemaIds,
    });
    current = run;
    const rates = new Rates(kinds, performance.now(), restarts);
    look = () => {
      const [endpoints, drivers] = [run.endpoints(), run.drivers()];
      const known = rates.look(run.metrics(), performance.now(), Date.now());
      const { brokers } = kafka;
      return {
        ...known,
        lag: lag.known,
        ...(brokers.length > 0 ? { brokers } : {}),
        ...(endpoints.length > 0 ? { endpoints } : {}),
        ...(drivers.length > 0 ? { drivers } : {}),
      };
    };
    screen.say(`running with ${run.parallelism} ${run.parallelism === 1 ? "slot" : "slots"}`);
    return run;
  };
  const status = () => {
    const now = look?.();
    if (now !== undefined) screen.status(now);
    tellChanges(now?.checkpoints?.restoredChanges ?? []);
    return now;
  };
  const told = new Set<string>();
  const tellChanges = (changes: readonly string[]) => {
    for (const change of changes) if (!told.has(change)) screen.say(change);
    for (const change of changes) told.add(change);
  };
  const timer = setInterval(status, screen.intervalMs);
  const savepoints = await serveSavepoints(job, () => current, screen);
  const stopping = new AbortController();
  const unsubscribe = stopOnSignals(stopping, screen);
  const error = await keepRunning({
    begin,
    start,
    policy: job.recovery.restart,
    stop: stopping.signal,
    onRestart: (attempt, error) => {
      restarts += 1;
      screen.say(...restarting(attempt, error));
    },
    onExhausted: (attempts) => screen.say(exhausted(attempts)),
  });
  clearInterval(timer);
  await savepoints?.close();
  // After an error it may be the brokers that do not answer.
  if (error === undefined) await lag.lookOnceMore();
  const last = status();
  if (error === undefined) {
    screen.say("done", { ...last });
    screen.end();
    if (profile && current !== undefined)
      process.stderr.write(`\n${profileText(job, current.metrics(), current.endpoints())}\n`);
  }
  const code = error === undefined ? 0 : fail(error, screen);
  await lag.close();
  unsubscribe();
  return code;
}

/** Answers `millrace savepoint create`. The job runs all the same where that cannot be. */
async function serveSavepoints(
  job: Job,
  current: () => Run | undefined,
  screen: Display,
): Promise<SavepointService | undefined> {
  const { checkpoints } = job.recovery;
  if (checkpoints === undefined) return undefined;
  const path = socketPath(checkpoints.state.directory);
  try {
    return await SavepointService.listen(path, async ({ savepoint, stop }, onPhase) => {
      const run = current();
      if (run === undefined) throw new StateError(`savepoint "${savepoint}": the job has not begun yet; ask again`);
      return await run.savepoint(savepoint, { stop, onPhase });
    });
  } catch (error) {
    screen.say(`millrace savepoint create will not reach this worker: ${asMillraceError(error).message}`);
    return undefined;
  }
}

function stopOnSignals(stopping: AbortController, screen: Display): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping.signal.aborted) process.exit(FORCED);
    screen.say(`${signal}: stopping in order; once more ends the job at once`);
    stopping.abort();
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

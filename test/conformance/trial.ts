import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { ROOT } from "../harness/paths.js";
import type { Exit } from "../harness/process.js";
import type { Connector, Env, Server, SinkPlace, SourcePlace } from "./connector.js";
import { differences, type Row, rowOf, rowsOf } from "./rows.js";

const JOB = join(ROOT, "test/conformance/copy.ts");
/** Long, as machines of tests may have other things to do. */
const WITHIN_MS = 90_000;

/** A connector and its server. */
export interface Started {
  readonly connector: Connector;
  readonly server: Server;
}

/** A source and a sink, and which of them is under test. */
export interface Ends {
  readonly from: Started;
  readonly to: Started;
  readonly side: "source" | "sink";
}

/** The one that is under test. */
export const endOf = ({ from, to, side }: Ends): Started => (side === "source" ? from : to);

/** A line of the status log. */
export interface Status {
  readonly msg: string;
  readonly events: number;
  /** The share of the time since the last look in which slots were held back. */
  readonly backpressured: number;
  readonly rowsOut: number;
  readonly bad: number;
  readonly lag?: number;
  readonly drivers?: readonly {
    readonly rows: number;
    readonly bytes: number;
    readonly calls: number;
    readonly splitsLeft?: number;
  }[];
  readonly endpoints?: readonly { readonly rows: number; readonly errors: number }[];
  readonly steps: readonly Step[];
}

interface Step {
  readonly id: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly bad: number;
  readonly bytes: number;
  readonly latency?: { readonly rows: number };
}

interface Rules {
  readonly make: (id: number) => Row;
  /** Whether a row may be there again. */
  readonly again: boolean;
  /** Whether the job ends by itself. */
  readonly isBounded: boolean;
}

/** A job from one place to another, which may be started again and again: its state stays. */
export class Trial {
  readonly #env: Env;
  #sent = 0;

  private constructor(
    private readonly t: Test,
    readonly source: SourcePlace,
    readonly sink: SinkPlace,
    /** What the job keeps, and goes on from. */
    readonly folder: string,
    env: Env,
    private readonly rules: Rules,
  ) {
    this.#env = env;
  }

  get isBounded(): boolean {
    return this.rules.isBounded;
  }

  static async open(t: Test, { from, to }: Ends, { make = rowOf, guarantee = guaranteeOf(to) } = {}): Promise<Trial> {
    const [source, sink] = await Promise.all([from.server.openSource?.(), to.server.openSink?.()]);
    if (source === undefined || sink === undefined) throw new Error("not both a source and a sink");
    const folder = await mkdtemp(join(tmpdir(), "millrace-conformance-"));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const env = {
      SOURCE: from.connector.name,
      SINK: to.connector.name,
      JOB: `conformance-${randomUUID().slice(0, 8)}`,
      STATE: folder,
      DEAD: join(folder, "dead"),
      INTERVAL: "200ms",
      GUARANTEE: guarantee,
    };
    const again = to.connector.sink?.guarantee === "at-least-once" || guarantee !== guaranteeOf(to);
    const { isBounded = false } = from.connector.source ?? {};
    return new Trial(t, source, sink, folder, env, { make, again, isBounded });
  }

  start(env: Env = {}): Job {
    const job = Job.run(JOB, {
      env: { ...this.source.env, ...this.sink.env, ...this.#env, ...env },
      args: ["--status-every", "0.25"],
    });
    this.t.teardown(() => job.signal("SIGKILL"));
    return job;
  }

  /** Ends the job in order, or sees it end by itself where the source does. */
  end(job: Job): Promise<Exit> {
    return this.isBounded ? job.exited() : job.stop();
  }

  /** Adds the next rows to the source. */
  async send(count: number): Promise<void> {
    await this.source.fill(rowsOf(this.#sent, this.#sent + count, this.rules.make));
    this.#sent += count;
  }

  /** Waits until the job has told of itself so often: it runs, and has had the time to do something. */
  async looks(job: Job, count: number): Promise<void> {
    await eventually(() => statuses(job).length >= count || !job.running, {
      what: `${count} looks at the job`,
      withinMs: WITHIN_MS,
      detail: () => job.log,
    });
  }

  /** Waits until the job has read so many rows since its start. */
  async read(job: Job, count: number): Promise<void> {
    await eventually(() => (this.last(job)?.events ?? 0) >= count || !job.running, {
      what: `${count} rows read`,
      withinMs: WITHIN_MS,
      detail: () => job.log,
    });
  }

  /** Waits until something more has come to the sink, seen by readers or not. */
  async progress(job: Job): Promise<void> {
    let least = Number.POSITIVE_INFINITY;
    const isMore = async () => {
      const arrived = await this.sink.arrived();
      // What an earlier start has left uncommitted may be removed before more comes.
      least = Math.min(least, arrived);
      return arrived > least || !job.running;
    };
    await eventually(isMore, {
      what: "something more in the sink",
      withinMs: WITHIN_MS,
      detail: () => job.log,
    });
  }

  /** Waits until readers see all that was sent, or so many of them. */
  async seen(job: Job, { count = this.#sent } = {}): Promise<void> {
    let before = -1;
    const all = async () => {
      // To read all of it is slow: not while there is more to come.
      const arrived = await this.sink.arrived();
      const isComing = arrived !== before && job.running;
      before = arrived;
      if (isComing) return false;
      return new Set((await this.sink.rows()).map(({ id }) => id)).size >= count || !job.running;
    };
    await eventually(all, { what: `${count} rows`, withinMs: WITHIN_MS, detail: () => job.log });
  }

  /**
   * What is wrong with what readers see; with `once` also where the guarantee allows a row to be there again, with `some`
   * not that rows are missing.
   */
  async differences({ once = false, some = false } = {}): Promise<string[]> {
    return differences(await this.sink.rows(), this.#sent, {
      again: this.rules.again && !once,
      some,
      make: this.rules.make,
    });
  }

  /** The last of all looks at the job that its log has. */
  last(job: Job): Status | undefined {
    return statuses(job).at(-1);
  }

  async deadLetters(): Promise<Record<string, unknown>[]> {
    const dead = join(this.folder, "dead");
    const texts = (await readdir(dead)).map((name) => readFile(join(dead, name), "utf8"));
    const lines = (await Promise.all(texts)).flatMap((text) => text.trimEnd().split("\n"));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** What the job asks for where it goes to this sink. */
const guaranteeOf = ({ connector: { sink } }: Started) =>
  sink?.guarantee === "exactly-once" ? "exactly-once" : "at-least-once";

function statuses(job: Job): Status[] {
  const lines = job.stderr.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  return lines.map((line) => JSON.parse(line) as Status).filter(({ msg }) => msg === "status" || msg === "done");
}

/** The error that has ended the job, as its log has it. */
export function failure(job: Job): { readonly msg: string; readonly step?: string } {
  const lines = job.stderr.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  const errors = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 50);
  return errors.at(-1) ?? { msg: "" };
}

/** Waits until the job takes no more from its source; gives how many rows it has taken. */
export async function standstill(job: Job, trial: Trial): Promise<number> {
  const STOOD = 8;
  const HELD_BACK = 0.4;
  // Before, not all of what it may take was there.
  const past = statuses(job).length;
  return await eventually(
    () => {
      const looks = statuses(job).slice(past).slice(-STOOD);
      const [first] = looks;
      if (first === undefined || looks.length < STOOD || first.events === 0) return undefined;
      // Where no slot is held back it is just slow.
      const stands = looks.every(({ events, backpressured }) => events === first.events && backpressured > HELD_BACK);
      return stands ? first.events : undefined;
    },
    { what: "a standstill", withinMs: WITHIN_MS, detail: () => `${JSON.stringify(trial.last(job))}\n${job.log}` },
  );
}

/** The most resident memory over the next looks at the job. */
export async function highestRss(job: Job, looks: number): Promise<number> {
  const end = statuses(job).length + looks;
  let highest = 0;
  await eventually(
    () => {
      highest = Math.max(highest, job.rssBytes);
      return statuses(job).length >= end;
    },
    { what: "looks at the job", withinMs: WITHIN_MS, detail: () => job.log },
  );
  return highest;
}

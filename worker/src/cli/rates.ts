import type { BrokerHealth } from "@millrace/connectors";
import type { EndpointFigures } from "@millrace/connectors/http";
import type { DriverFigures } from "../drivers/drivers.js";
import type { JobMetrics } from "../native.js";

/** One look at a running job, in figures for people. They begin anew with a restart. */
export interface Look {
  readonly events: number;
  readonly rowsOut: number;
  readonly late: number;
  readonly bad: number;
  readonly commits: number;
  /** Since the last look. */
  readonly eventsPerSecond: number;
  readonly backpressured: number;
  readonly busy: number;
  /** How far event time is behind the clock. */
  readonly watermarkLagMs: number | undefined;
  /** Records of Kafka sources that are not committed, as last looked at. */
  readonly lag?: number | undefined;
  /** The brokers of Kafka sources, as last looked at. */
  readonly brokers?: readonly BrokerHealth[] | undefined;
  /** The endpoints of HTTP sinks, since the start. */
  readonly endpoints?: readonly EndpointFigures[] | undefined;
  /** The drivers of databases, since the start. */
  readonly drivers?: readonly DriverFigures[] | undefined;
  /** What each step has done since the start, in the order of the job. */
  readonly steps: readonly StepFigures[];
  /** How each slot has spent its time since the start, and on how many rows. */
  readonly slots: JobMetrics["slots"];
  readonly checkpoints: JobMetrics["checkpoints"];
  /** The state backends, and the state of each step that keeps some. */
  readonly state?: State | undefined;
  /** Since the last checkpoint was completed. */
  readonly checkpointAgeMs: number | undefined;
  readonly restarts: number;
}

type StepFigures = Readonly<Omit<JobMetrics["operators"][number], "name" | "state">>;

type State = Partial<NonNullable<JobMetrics["backend"]>> & {
  readonly steps: readonly (Readonly<{ id: string }> & NonNullable<JobMetrics["operators"][number]["state"]>)[];
};

/** Turns a job's figures into looks at it. `isSource` and `isSink` go by the operator's place in the plan. */
export class Rates {
  #events = 0;
  #atMs: number;

  constructor(
    private readonly kinds: readonly ("source" | "sink" | "step")[],
    nowMs: number,
    private readonly restarts: number,
  ) {
    this.#atMs = nowMs;
  }

  look(metrics: JobMetrics, nowMs: number, wallMs: number): Look {
    const total = (kind: string, figure: "rowsIn" | "rowsOut" | "bad") =>
      metrics.operators.reduce((sum, operator, index) => sum + (this.kinds[index] === kind ? operator[figure] : 0), 0);
    const sum = (figure: "late" | "bad") => metrics.operators.reduce((all, operator) => all + operator[figure], 0);
    // Of sources they are events, too.
    const events = total("source", "rowsOut") + total("source", "bad");
    const seconds = Math.max(nowMs - this.#atMs, 1) / 1000;
    const eventsPerSecond = (events - this.#events) / seconds;
    this.#events = events;
    this.#atMs = nowMs;
    const { checkpoints } = metrics;
    const since = (timeMs: number | undefined) => (timeMs === undefined ? undefined : wallMs - timeMs);
    return {
      events,
      rowsOut: total("sink", "rowsIn"),
      late: sum("late"),
      bad: sum("bad"),
      commits: metrics.commits,
      eventsPerSecond,
      backpressured: metrics.backpressured,
      busy: metrics.busy,
      watermarkLagMs: since(metrics.watermarkMs),
      steps: metrics.operators.map(({ name, state, ...figures }) => figures),
      slots: metrics.slots,
      checkpoints,
      state: stateOf(metrics),
      checkpointAgeMs: since(checkpoints?.lastCompletedAtMs),
      restarts: this.restarts,
    };
  }
}

function stateOf({ backend, operators }: JobMetrics): State | undefined {
  const steps = operators.flatMap(({ id, state }) => (state === undefined ? [] : [{ id, ...state }]));
  return steps.length === 0 ? undefined : { ...backend, steps };
}

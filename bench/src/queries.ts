// What `--query` can be, and which of the arguments it goes by.
import { bytes, type Duration, milliseconds, type Size } from "../../sdk/src/duration.js";
import { KafkaBroker } from "../../test/harness/kafka.js";
import { firstResult } from "./first-result.js";
import { functions } from "./functions.js";
import { lake } from "./lake.js";
import { latency } from "./latency.js";
import { lookup } from "./lookup.js";
import { micro } from "./micro.js";
import type { Report } from "./report.js";
import { soak } from "./soak.js";
import { incremental } from "./state/incremental.js";
import { largeState } from "./state/large-state.js";
import { recovery } from "./state/recovery.js";
import { THROUGHPUT } from "./throughput/queries.js";
import { scaling } from "./throughput/scaling.js";
import { type ThroughputOptions, throughput } from "./throughput/throughput.js";

/** The command line's, as they were given. */
export interface Arguments {
  readonly events?: string;
  readonly keys: string;
  readonly rounds: string;
  readonly state: Size;
  readonly times: string;
  readonly rate: string;
  readonly seconds: string;
  readonly minutes: string;
  readonly share: string;
  readonly interval?: Duration;
  readonly checkpoints: string;
  readonly parallelism: string;
  readonly runs: string;
  readonly guarantee: string;
  readonly peers: boolean;
}

type Query = (args: Arguments, say: (text: string) => void) => Promise<Report>;

export const QUERIES: Readonly<Record<string, Query>> = {
  ...Object.fromEntries(
    Object.keys(THROUGHPUT).map((name): [string, Query] => [
      name,
      (args, say) => onBroker((brokers) => throughput(brokers, name, throughputOptions(args), say)),
    ]),
  ),
  "large-state": (args, say) =>
    largeState(
      { ...common(args), stateBytes: stateBytes(args), times: Number(args.times), rounds: Number(args.rounds) },
      say,
    ),
  incremental: (args, say) =>
    incremental(
      {
        ...common(args),
        keys: Number(args.keys),
        changedShare: 0.01,
        intervalMs: intervalMs(args, "1s"),
        checkpoints: Number(args.checkpoints),
      },
      say,
    ),
  functions: (args, say) => functions({ events: events(args) ?? 4_000_000, runs: Number(args.runs) }, say),
  lake: (args, say) => lake({ ...common(args), events: events(args) ?? 4_000_000 }, say),
  lookup: (args, say) => lookup({ ...common(args), events: events(args) ?? 4_000_000 }, say),
  micro: (_, say) => micro(say),
  recovery: (args, say) => recovery({ ...common(args), stateBytes: stateBytes(args) }, say),
  scaling: (args, say) => withBroker((broker) => scaling(broker, { ...common(args), events: events(args) }, say)),
  start: (args, say) => onBroker((brokers) => firstResult(brokers, common(args), say)),
  soak: (args, say) =>
    onBroker((brokers) =>
      soak(brokers, { ...common(args), minutes: Number(args.minutes), share: Number(args.share) }, say),
    ),
  latency: (args, say) =>
    onBroker((brokers) =>
      latency(
        brokers,
        {
          ...common(args),
          rate: Number(args.rate),
          seconds: Number(args.seconds),
          intervalMs: intervalMs(args, "50ms"),
        },
        say,
      ),
    ),
};

const common = ({ parallelism, runs }: Arguments) => ({ parallelism: Number(parallelism), runs: Number(runs) });

const events = ({ events }: Arguments) => (events === undefined ? undefined : Number(events));

const stateBytes = ({ state }: Arguments) => bytes(state, "--state");

const intervalMs = ({ interval }: Arguments, usual: Duration) => milliseconds(interval ?? usual, "--interval");

function throughputOptions(args: Arguments): ThroughputOptions {
  const { guarantee, peers } = args;
  if (guarantee !== "at-least-once" && guarantee !== "exactly-once")
    throw new Error(`there is no guarantee "${guarantee}"; there are at-least-once, exactly-once`);
  return { ...common(args), guarantee, events: events(args), peers };
}

function onBroker<T>(use: (brokers: string) => Promise<T>): Promise<T> {
  return withBroker(({ brokers }) => use(brokers));
}

async function withBroker<T>(use: (broker: KafkaBroker) => Promise<T>): Promise<T> {
  const broker = await KafkaBroker.start();
  try {
    return await use(broker);
  } finally {
    await broker.stop();
  }
}

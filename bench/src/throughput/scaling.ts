import { readFileSync } from "node:fs";
import type { KafkaBroker } from "../../../test/harness/kafka.js";
import { interleave } from "../interleave.js";
import { cpuSeconds } from "../measure.js";
import { grid, median, type Report, type Run, whole } from "../report.js";
import { type Contender, commandOf, millrace } from "./contender.js";
import { type Query, THROUGHPUT } from "./queries.js";
import { filled, run } from "./throughput.js";

const SLOTS = [1, 2] as const;

interface BesideBroker extends Run {
  /** Of the broker, meanwhile. */
  readonly brokerCpuSeconds: number;
}

/**
 * What a second slot is worth that comes with a core: a slot alone, with its threads that fetch, is bound to one core and
 * leaves the other to the broker. Two slots share both cores with it, so the time that it takes of them is subtracted.
 */
export async function scaling(
  broker: KafkaBroker,
  { events = 6_000_000, runs }: { readonly events: number | undefined; readonly runs: number },
  say: (text: string) => void,
): Promise<Report> {
  const query = THROUGHPUT.w as Query;
  const topic = await filled(broker.brokers, query, events, say);
  const job = millrace(query.job, "at-least-once", "Millrace");
  const onCores = (cores: number): Contender => ({
    name: job.name,
    command(task) {
      const { command, args, ...rest } = commandOf(job, task);
      return { command: "taskset", args: ["-c", `0-${cores - 1}`, command, ...args], ...rest };
    },
  });
  const withSlots =
    (slots: number) =>
    async (turn: number): Promise<BesideBroker> => {
      const output = `${topic.input}-${slots}-${turn}`;
      const used = () => cpuSeconds(readFileSync(`/proc/${broker.pid}/stat`, "utf8"));
      let brokerCpuSeconds = 0;
      // What it does while results are verified is not the job's doing.
      const figures = await run(onCores(slots), query.asked, topic, output, slots, {
        onStart: () => {
          brokerCpuSeconds = -used();
        },
        onEnd: () => {
          brokerCpuSeconds += used();
        },
      });
      return { ...figures, brokerCpuSeconds };
    };
  const contenders = Object.fromEntries(SLOTS.map((slots) => [`${slots}`, withSlots(slots)]));
  const done = await interleave(contenders, runs, say);
  const of = (slots: number, figure: (run: BesideBroker) => number) => median((done.get(`${slots}`) ?? []).map(figure));
  const [ones, twos] = SLOTS.map((slots) => done.get(`${slots}`) ?? []) as [BesideBroker[], BesideBroker[]];
  const speedUps = (time: (run: BesideBroker) => number) =>
    median(ones.map((one, turn) => one.seconds / time(twos[turn] as BesideBroker)));
  const asMeasured = speedUps(({ seconds }) => seconds);
  const withoutBroker = speedUps(({ seconds, brokerCpuSeconds }) => seconds - brokerCpuSeconds / 2);
  const rows = SLOTS.map((slots) => [
    `${slots}`,
    whole(of(slots, ({ seconds }) => events / seconds)),
    whole(of(slots, ({ cpuSeconds }) => events / cpuSeconds)),
    of(slots, ({ brokerCpuSeconds }) => (brokerCpuSeconds * 1e6) / events).toFixed(2),
  ]);
  const table = grid(["slots and cores", "events/s", "events per CPU s", "broker's CPU s per million"], rows);
  return {
    figures: { events, runs, asMeasured, withoutBroker, done: Object.fromEntries(done) },
    table: `${table}\n\nTwo slots are ${asMeasured.toFixed(2)} times as fast; ${withoutBroker.toFixed(2)} times with the broker's CPU subtracted.`,
  };
}

import type { KafkaBroker } from "../../../test/harness/kafka.js";
import { interleave } from "../interleave.js";
import { grid, median, type Report, whole } from "../report.js";
import { type Contender, commandOf, millrace } from "./contender.js";
import { type Query, THROUGHPUT } from "./queries.js";
import { filled, type QueryRun, run } from "./throughput.js";

const SLOTS = [1, 2] as const;

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
  const withSlots = (slots: number) => (turn: number) =>
    run(onCores(slots), query.asked, topic, `${topic.input}-${slots}-${turn}`, slots, broker.pid);
  const contenders = Object.fromEntries(SLOTS.map((slots) => [`${slots}`, withSlots(slots)]));
  const done = await interleave(contenders, runs, say);
  const of = (slots: number, figure: (run: QueryRun) => number) => median((done.get(`${slots}`) ?? []).map(figure));
  const [ones, twos] = SLOTS.map((slots) => done.get(`${slots}`) ?? []) as [QueryRun[], QueryRun[]];
  const speedUps = (time: (run: QueryRun) => number) =>
    median(ones.map((one, turn) => one.seconds / time(twos[turn] as QueryRun)));
  const asMeasured = speedUps(({ seconds }) => seconds);
  const withoutBroker = speedUps(({ seconds, besideCpuSeconds }) => seconds - besideCpuSeconds / 2);
  const rows = SLOTS.map((slots) => [
    `${slots}`,
    whole(of(slots, ({ seconds }) => events / seconds)),
    whole(of(slots, ({ cpuSeconds }) => events / cpuSeconds)),
    of(slots, ({ besideCpuSeconds }) => (besideCpuSeconds * 1e6) / events).toFixed(2),
  ]);
  const table = grid(["slots and cores", "events/s", "events per CPU s", "broker's CPU s per million"], rows);
  return {
    figures: { events, runs, asMeasured, withoutBroker, done: Object.fromEntries(done) },
    table: `${table}\n\nTwo slots are ${asMeasured.toFixed(2)} times as fast; ${withoutBroker.toFixed(2)} times with the broker's CPU subtracted.`,
  };
}

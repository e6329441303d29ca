import { duration, number, size } from "./figures.js";
import type { Look } from "./rates.js";

/** The line that shows how a job is doing, in at most `width` characters. */
export function statusLine(job: string, look: Look, width: number): string {
  const watermark =
    look.watermarkLagMs === undefined ? "no watermark yet" : `watermark ${duration(look.watermarkLagMs)} behind`;
  const parts = [
    job,
    `${number(look.eventsPerSecond)} events/s`,
    `${number(look.events)} in`,
    `${number(look.rowsOut)} out`,
    ...(look.lag === undefined ? [] : [`lag ${number(look.lag)}`]),
    ...brokersDown(look.brokers ?? []),
    watermark,
    `backpressure ${Math.round(look.backpressured * 100)} %`,
    `${number(look.late)} late`,
    `${number(look.bad)} bad`,
    look.checkpoints === undefined ? `${number(look.commits)} commits` : checkpoint(look, look.checkpoints),
    ...(look.restarts === 0 ? [] : [`${number(look.restarts)} ${look.restarts === 1 ? "restart" : "restarts"}`]),
  ];
  return parts.join(" · ").slice(0, width);
}

/** "1 of 3 brokers down", or nothing. */
function brokersDown(brokers: NonNullable<Look["brokers"]>): string[] {
  const down = brokers.filter(({ state }) => state === "down").length;
  return down === 0 ? [] : [`${number(down)} of ${number(brokers.length)} brokers down`];
}

/** "checkpoint 12, 3.1 s ago, 4.2 MB". */
function checkpoint({ checkpointAgeMs }: Look, checkpoints: NonNullable<Look["checkpoints"]>): string {
  const { lastId, lastBytes, failed } = checkpoints;
  const parts = [
    lastId === undefined ? "no checkpoint yet" : `checkpoint ${lastId}`,
    ...(checkpointAgeMs === undefined ? [] : [`${duration(checkpointAgeMs)} ago`]),
    ...(lastBytes === undefined ? [] : [size(lastBytes)]),
    ...(failed === 0 ? [] : [`${number(failed)} failed`]),
  ];
  return parts.join(", ");
}

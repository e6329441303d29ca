import { availableParallelism } from "node:os";
import type { EndpointFigures } from "@millrace/connectors/http";
import { explain, type Job } from "millrace";
import { duration, number, size } from "../cli/figures.js";
import { table } from "../cli/table.js";
import type { JobMetrics } from "../native.js";
import { bottleneckOf, percent } from "./bottleneck.js";
import { type Profile, profileOf, type SlotProfile, type Step, type StepProfile } from "./profile.js";

/** What `millrace run --profile` tells at the end: the steps, the slots, and the bottleneck. */
export function profileText(
  job: Job,
  metrics: JobMetrics,
  endpoints: readonly EndpointFigures[] = [],
  cores = availableParallelism(),
): string {
  const profile = profileOf(job, metrics, cores);
  const below = ({ id }: Step) => [
    ...profile.steps.filter((step) => step.id === id).flatMap(lines),
    ...endpoints.filter(({ sink }) => sink === id || sink === `${id}/dead-letter`).map(endpointLine),
  ];
  return [
    explain(job, { parallelism: profile.slots.length, below }),
    "",
    ...slotTable(profile),
    "",
    `${duration(profile.seconds * 1000)} · ${bottleneckOf(profile).text}`,
  ].join("\n");
}

function lines(step: StepProfile): string[] {
  const { kind } = step.step.step;
  const rows = kind === "source" ? step.rowsOut : step.rowsIn;
  const passed = kind === "source" || kind === "sink" ? "" : ` → ${number(step.rowsOut)}`;
  const work = [
    `${number(rows)}${passed} rows`,
    `${number(step.rowsPerSecond)} rows/s`,
    ...(step.bytes === 0 ? [] : [size(step.bytes)]),
    `${percent(step.share)} of CPU`,
    ...(step.nsPerRow === undefined ? [] : [`${number(step.nsPerRow)} ns a row`]),
  ];
  return [work.join(" · "), ...waits(step), ...latencies(step)];
}

function endpointLine({ endpoint, rows, bytes, requests, retries, errors, hedges, latency }: EndpointFigures): string {
  const { p50Ms, p99Ms, maxMs } = latency;
  return [
    `${endpoint}: ${number(rows)} rows`,
    `${size(bytes)} in ${number(requests)} requests`,
    ...(retries === 0 ? [] : [`${number(retries)} retries`]),
    ...(errors === 0 ? [] : [`${number(errors)} errors`]),
    ...(hedges === 0 ? [] : [`${number(hedges)} hedged`]),
    `p50 ${duration(p50Ms)}, p99 ${duration(p99Ms)}, at most ${duration(maxMs)}`,
  ].join(" · ");
}

function waits({ source, exchange, queue, full }: StepProfile): string[] {
  const parts = [
    ...(source === undefined ? [] : [`${number(source.partitions)} partitions`]),
    ...(source?.driftMs === undefined ? [] : [`drift ${duration(source.driftMs)}`]),
    ...(exchange === undefined ? [] : [`exchange ${number(exchange.rows)} rows, ${size(exchange.bytes)}`]),
    ...(queue === undefined ? [] : [`queue ${percent(queue.now)}, at most ${percent(queue.peak)}`]),
    ...(full < 0.005 ? [] : [`full ${percent(full)} of the time`]),
  ];
  return parts.length === 0 ? [] : [parts.join(" · ")];
}

function latencies({ latency, eventLatency }: StepProfile): string[] {
  const told = (what: string, figures: typeof latency) => {
    if (figures === undefined) return [];
    const { p50Ms, p90Ms, p99Ms, maxMs } = figures;
    const quantiles = [`p50 ${duration(p50Ms)}`, `p90 ${duration(p90Ms)}`, `p99 ${duration(p99Ms)}`];
    return [`${what} ${quantiles.join(", ")}, at most ${duration(maxMs)}`];
  };
  return [...told("latency", latency), ...told("behind event time", eventLatency)];
}

function slotTable({ slots }: Profile): string[] {
  const share = (title: "busy" | "backpressured" | "idle") => ({
    title,
    isNumber: true,
    of: ([slot]: readonly [SlotProfile, number]) => percent(slot[title]),
  });
  return table(
    [
      { title: "slot", isNumber: true, of: ([, index]) => String(index) },
      share("busy"),
      share("backpressured"),
      share("idle"),
      { title: "on CPU", isNumber: true, of: ([{ cpu }]) => (cpu === undefined ? "" : percent(cpu)) },
      { title: "rows", isNumber: true, of: ([slot]) => number(slot.rows) },
      { title: "of the work", isNumber: true, of: ([slot]) => percent(slot.work) },
    ],
    slots.map((slot, index) => [slot, index] as const),
  );
}

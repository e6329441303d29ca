import type { Job } from "millrace";
import type { JobMetrics } from "../native.js";

export type Step = Job["steps"][number];
type Figures = JobMetrics["operators"][number];

/** Where the time of a run went. Shares are from 0 to 1. */
export interface Profile {
  readonly seconds: number;
  /** That the machine has for the slots. */
  readonly cores: number;
  readonly steps: readonly StepProfile[];
  readonly slots: readonly SlotProfile[];
}

export interface StepProfile extends Readonly<Figures> {
  readonly step: Step;
  /** Of the time that all steps took. */
  readonly share: number;
  /** Of a row that it read or was given; `undefined` where there was none. */
  readonly nsPerRow: number | undefined;
  readonly rowsPerSecond: number;
  /** Of the slots' time, in which its full queue held them back. */
  readonly full: number;
}

export interface SlotProfile {
  readonly busy: number;
  readonly backpressured: number;
  readonly idle: number;
  /** On a CPU; `undefined` where the system does not tell. */
  readonly cpu: number | undefined;
  readonly rows: number;
  /** Of the CPU time of all slots; where the system does not tell that, of the time that they were busy. */
  readonly work: number;
}

/** Puts a run's figures beside the steps that they are of. */
export function profileOf(job: Job, metrics: JobMetrics, cores: number): Profile {
  const ofSlots = metrics.slots.map((slot) => slot.busyMs + slot.backpressuredMs + slot.idleMs);
  const seconds = Math.max(0, ...ofSlots) / 1000;
  const inSteps = sum(metrics.operators.map(({ busyMs }) => busyMs));
  const workOf = ({ cpuMs, busyMs }: JobMetrics["slots"][number]) => cpuMs ?? busyMs;
  const work = sum(metrics.slots.map(workOf));
  const steps = metrics.operators.flatMap((figures, index) => {
    const step = job.steps[index];
    if (step === undefined) return [];
    const rows = step.step.kind === "source" ? figures.rowsOut : figures.rowsIn;
    const nsPerRow = rows === 0 ? undefined : (figures.busyMs * 1e6) / rows;
    const [share, full] = [ratio(figures.busyMs, inSteps), ratio(figures.fullMs, sum(ofSlots))];
    return [{ ...figures, step, share, nsPerRow, rowsPerSecond: ratio(rows, seconds), full }];
  });
  const slots = metrics.slots.map((figures, slot) => {
    const { busyMs, backpressuredMs, idleMs, cpuMs, rows } = figures;
    const of = (ms: number) => ratio(ms, ofSlots[slot] ?? 0);
    const shares = { busy: of(busyMs), backpressured: of(backpressuredMs), idle: of(idleMs) };
    const cpu = cpuMs === undefined ? undefined : of(cpuMs);
    return { ...shares, cpu, rows, work: ratio(workOf(figures), work) };
  });
  return { seconds, cores, steps, slots };
}

/** The mean of a share over the slots. */
export function meanOf(slots: readonly SlotProfile[], share: "busy" | "backpressured" | "idle" | "cpu"): number {
  return ratio(sum(slots.map((slot) => slot[share] ?? 0)), slots.length);
}

/** As people know the step: its id where they have given it one. */
export function nameOf({ name, id, hasOwnId }: Step): string {
  return hasOwnId ? id : name;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

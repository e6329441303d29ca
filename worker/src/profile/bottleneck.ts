import { number } from "../cli/figures.js";
import { meanOf, nameOf, type Profile, ratio, type Step, type StepProfile, sum } from "./profile.js";

/** What keeps a job from being faster, and what would relieve it. */
export interface Bottleneck {
  readonly kind: "unknown" | "skew" | "sink" | "exchange" | "idle" | "function" | "source" | "encode" | "step";
  readonly text: string;
}

/** A job whose steps took less says nothing. */
const LEAST_MS = 20;

/** A share of the slots' time from which on it is what they mostly do. */
const MOSTLY = 0.5;

/** A slot that is on a CPU for less of its busy time has to wait for something. */
const MOSTLY_ON_CPU = 0.7;

/** One of two slots that does so much of the work has more than its part; of more slots, so many parts. */
const UNEVEN_OF_TWO = 0.65;

/**
 * Names the bottleneck of a run. What holds slots up from outside goes before what they do themselves: as long as they
 * wait for one of them, for a sink or for data, no step that is made cheaper makes the job faster.
 */
export function bottleneckOf(profile: Profile): Bottleneck {
  const { steps, slots } = profile;
  const most = steps.reduce<StepProfile | undefined>(
    (a, b) => (a === undefined || b.share > a.share ? b : a),
    undefined,
  );
  if (most === undefined || sum(steps.map(({ busyMs }) => busyMs)) < LEAST_MS) {
    return { kind: "unknown", text: "bottleneck: unknown, the job had too little to do" };
  }
  const held = steps.reduce((a, b) => (b.full > a.full ? b : a));
  const uneven = slots.findIndex(({ work, busy }) => work >= unevenOf(slots.length) && busy >= MOSTLY);
  if (uneven >= 0) return skew(profile, uneven);
  if (meanOf(slots, "backpressured") >= MOSTLY && held.full > 0) return full(profile, held);
  if (meanOf(slots, "idle") >= MOSTLY) return idle(profile);
  return busiest(profile, most);
}

/** 65 % of the work of two slots, 49 % of three, 39 % of four. */
function unevenOf(slots: number): number {
  return slots < 2 ? Number.POSITIVE_INFINITY : (UNEVEN_OF_TWO * 3) / (slots + 1);
}

function skew({ steps, slots }: Profile, slot: number): Bottleneck {
  const work = `slot ${slot} does ${percent(slots[slot]?.work ?? 0)} of the work`;
  const shareOf = ({ rowsBySlot }: StepProfile) => ratio(rowsBySlot[slot] ?? 0, sum(rowsBySlot));
  const behind = (found: readonly StepProfile[]) => found.filter((step) => shareOf(step) >= unevenOf(slots.length));
  const keyed = behind(steps.filter(({ exchange, step }) => exchange !== undefined && keysOf(step).length > 0))[0];
  if (keyed !== undefined) {
    const keys = keysOf(keyed.step).join(", ");
    const told = `${work}: ${percent(shareOf(keyed))} of the rows of ${called(keyed)} have keys that it owns`;
    return {
      kind: "skew",
      text: `bottleneck: ${told}, the keys are skewed (\`${keys}\`) → key by something more even, or add up in parts first`,
    };
  }
  const read = behind(steps.filter(({ step }) => step.step.kind === "source"))[0];
  const relief = "spread the data over as many partitions as there are slots or more, or run fewer slots";
  const why =
    read === undefined
      ? ""
      : `: it reads ${percent(shareOf(read))} of the rows of ${called(read)}, whose ${partitions(read)} are uneven`;
  return { kind: "skew", text: `bottleneck: ${work}${why} → ${relief}` };
}

function full({ slots }: Profile, held: StepProfile): Bottleneck {
  const waiting = `queue full ${percent(held.full)} of the time, slots backpressured ${percent(meanOf(slots, "backpressured"))}`;
  if (held.step.step.kind !== "sink") {
    const text = `bottleneck: exchange of ${called(held)}: ${waiting} → the slots behind it are slower than those that read: see which are busy`;
    return { kind: "exchange", text };
  }
  const { kind } = held.step.step.config;
  const where = kind === "kafka" ? "the broker or its partitions: more of them, or compression" : "what it writes to";
  return { kind: "sink", text: `bottleneck: ${called(held)}: ${waiting} → ${where}` };
}

function idle({ steps, slots }: Profile): Bottleneck {
  const sources = steps.filter(({ step }) => step.step.kind === "source").map(called);
  const told = `slots idle ${percent(meanOf(slots, "idle"))} of the time: ${sources.join(", ")} had no more data (fetch-bound)`;
  const relief = slots.length > 1 ? "; fewer slots would do as much" : "";
  return {
    kind: "idle",
    text: `bottleneck: none in the job, ${told} → faster producers, or a faster way to the data${relief}`,
  };
}

function busiest(profile: Profile, most: StepProfile): Bottleneck {
  const { kind } = most.step.step;
  const cost = `${percent(most.share)} of CPU, ${number(most.nsPerRow ?? 0)} ns a row`;
  const busy = `slots busy ${percent(meanOf(profile.slots, "busy"))}${waiting(profile)}`;
  switch (most.step.step.kind) {
    case "function": {
      const { place, kind: method } = most.step.step.function;
      const relief = method === "mapBatch" ? "use expressions" : "use mapBatch or expressions";
      const at = `JavaScript function at ${called(most)}${place === undefined ? "" : ` ${place}`}`;
      return { kind: "function", text: `bottleneck: ${at}: ${cost}, ${busy} → ${relief}, or ${moreSlots(profile)}` };
    }
    case "source": {
      const made = most.step.step.config.kind === "generator" ? "makes its rows" : "decodes JSON";
      const text = `bottleneck: ${called(most)} (${made}): ${cost}, ${busy} → ${moreSlots(profile)}, or read fewer columns`;
      return { kind: "source", text };
    }
    case "sink":
      return {
        kind: "encode",
        text: `bottleneck: ${called(most)} (encodes and writes): ${cost}, ${busy} → ${moreSlots(profile)}, or write fewer rows and columns`,
      };
    default:
      return {
        kind: "step",
        text: `bottleneck: ${kind} ${called(most)}: ${cost}, ${busy} → ${moreSlots(profile)}, or filter before it`,
      };
  }
}

/** Whether the slots, while they are busy, wait for a core or for something else. */
function waiting({ slots }: Profile): string {
  const [busy, cpu] = [meanOf(slots, "busy"), meanOf(slots, "cpu")];
  const isTold = slots.every(({ cpu }) => cpu !== undefined);
  if (!isTold || cpu >= busy * MOSTLY_ON_CPU) return "";
  return ` but on a CPU only ${percent(cpu)} (others have the cores, or a step waits for something)`;
}

/** How many more slots could have something to do. */
function moreSlots({ steps, slots, cores }: Profile): string {
  const shares = steps.filter(({ step }) => step.step.kind === "source" && !isDealtOut(step));
  const parts = sum(shares.map(({ source }) => source?.partitions ?? 0));
  const [now, most] = [slots.length, shares.length === 0 ? cores : Math.min(cores, parts)];
  if (most > now) return `raise parallelism (${now} → up to ${most})`;
  const why = now >= cores ? `all ${number(cores)} cores have a slot` : `all ${number(parts)} partitions have a slot`;
  return now >= cores ? `a machine with more cores (${why})` : `more partitions, then more slots (${why})`;
}

/** A generator has as many shares as there are slots. */
function isDealtOut({ step }: Step): boolean {
  return step.kind === "source" && step.config.kind === "generator";
}

function keysOf({ step }: Step): readonly string[] {
  return step.kind === "window" || step.kind === "deduplicate" ? step.keys.map(({ name }) => name) : [];
}

function called({ step }: StepProfile): string {
  const { kind } = step.step;
  return kind === "source" || kind === "sink" ? `${kind} \`${nameOf(step)}\`` : `\`${nameOf(step)}\``;
}

function partitions({ source }: StepProfile): string {
  return `${number(source?.partitions ?? 0)} partitions`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

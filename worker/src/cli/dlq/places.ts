import { type Job, PlanError } from "millrace";
import { type Connection, connectionOf } from "../../kafka-connection.js";

type Step = Job["steps"][number];
type Sink = Extract<Step["step"], { kind: "sink" }>;

/** Where the dead letters of a step are. */
export interface Place {
  readonly job: string;
  readonly id: string;
  /** The step's name, by which its dead letters are told from others in the same place. */
  readonly step: string;
  readonly sink: Sink["config"];
  readonly format: Sink["format"];
  /** The cluster that the records came from; other records come from no topic. */
  readonly source?: Connection | undefined;
}

/** The places of a job's dead letters; of one step, where it is named. */
export function placesOf(job: Job, id?: string): [Place, ...Place[]] {
  const all = new Map<string, Place>();
  for (const node of job.steps) {
    const place = placeOf(job, node);
    // Steps of one name in one place have their dead letters together.
    if (place !== undefined && !all.has(keyOf(place))) all.set(keyOf(place), place);
  }
  const places = [...all.values()];
  const [first, ...others] = places.filter((place) => id === undefined || place.id === id);
  if (first !== undefined) return [first, ...others];
  const known = places.map((place) => place.id).join(", ");
  if (id !== undefined && known !== "") {
    throw new PlanError(`job "${job.name}" has no step "${id}" with dead letters; those that have: ${known}`);
  }
  throw new PlanError(`job "${job.name}" keeps no dead letters; give a source or sink onBadRecord: deadLetter(...)`);
}

function placeOf(job: Job, { id, name, step }: Step): Place | undefined {
  if (step.kind !== "source" && step.kind !== "sink") return undefined;
  if (typeof step.onBadRecord === "string") return undefined;
  const { deadLetter: sink, format } = step.onBadRecord;
  const isTopic = step.kind === "source" && step.config.kind === "kafka";
  const source = isTopic ? connectionOf(step.config as Connection) : undefined;
  return { job: job.name, id, step: name, sink, format, source };
}

function keyOf(place: Place): string {
  return JSON.stringify([place.step, place.sink]);
}

/** As a sink there is called. */
export function placeName({ sink }: Place): string {
  if (sink.kind === "kafka") return `kafka(${sink.topic})`;
  return sink.kind === "files" ? `files(${sink.directory})` : sink.kind;
}

/** Why dead letters cannot be read where they are, and what to do; `undefined`: they can. */
export function unreadable({ sink, format }: Place): string | undefined {
  if (sink.kind === "kafka") return undefined;
  if (sink.kind !== "files") return `${sink.kind} keeps nothing that could be read: look where it is written to`;
  if (/^\w+:\/\//.test(sink.directory))
    return "files in a storage are not read: copy them to a local folder and look there";
  if (format !== undefined) return `files of ${format.kind} are not read: write them with json()`;
  return undefined;
}

import type { Command } from "../../test/harness/process.js";

/** What is asked of the events of the input. */
export type Query =
  /** Count, sum and greatest price of each auction in windows of event time; tumbling where slide and size are the same. */
  | { readonly kind: "windowed"; readonly name: string; readonly sizeMs: number; readonly slideMs: number }
  | { readonly kind: "stateless" }
  | { readonly kind: "q0" }
  | { readonly kind: "q1" }
  | { readonly kind: "q2" }
  | { readonly kind: "latency" };

/** One run. The topics are there; their values are JSON, without keys. */
export interface Task {
  readonly query: Query;
  readonly brokers: string;
  readonly input: string;
  readonly output: string;
  readonly events: number;
  readonly parallelism: number;
  /** Whether it ends by itself at what is the end of the topic at its start; otherwise on SIGTERM. */
  readonly bounded: boolean;
  /** For state and checkpoints; the caller removes it. */
  readonly folder: string;
}

/** A system that Millrace is compared with, in one of its variants. */
export interface Peer {
  readonly name: string;
  /** Fetches and compiles what is not in the cache yet. */
  setUp(say: (text: string) => void): Promise<void>;
  /** Undefined when the peer cannot say this query. To be asked for only after the set-up. */
  command(task: Task): Command | undefined;
}

/** The task as the programs of all peers read it. */
export function taskEnv({ query, ...task }: Task): Record<string, string> {
  const window = query.kind === "windowed" ? query : { sizeMs: 0, slideMs: 0 };
  return {
    QUERY: query.kind,
    SIZE_MS: String(window.sizeMs),
    SLIDE_MS: String(window.slideMs),
    BROKERS: task.brokers,
    INPUT: task.input,
    OUTPUT: task.output,
    EVENTS: String(task.events),
    PARALLELISM: String(task.parallelism),
    BOUNDED: String(task.bounded),
    FOLDER: task.folder,
  };
}

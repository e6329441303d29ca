import type { TopicRecord } from "@millrace/connectors";

/** A record that a step could not take, and why. */
export interface DeadLetter {
  readonly job: string;
  /** The step's name. */
  readonly step: string;
  /** The topic, path or sink that it was in, and where there. */
  readonly resource: string;
  readonly partition: number;
  readonly offset: number;
  /** The record's own; milliseconds since the epoch. */
  readonly timestamp?: number | undefined;
  readonly column?: string | undefined;
  readonly reason: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** When it was set aside; of one in a file, when the file was written. */
  readonly atMs: number;
}

/** A record with the headers of a dead letter; others are none. */
export function fromHeaders({ headers, key, value, timestamp }: TopicRecord): DeadLetter | undefined {
  const header = (name: string) => {
    const text = headers.get(`millrace.${name}`);
    // A header without a value is read as an empty one.
    return text === "" ? undefined : text;
  };
  const [job, step, resource, reason] = [header("job"), header("step"), header("resource"), header("reason")];
  if (job === undefined || step === undefined || resource === undefined || reason === undefined) return undefined;
  const own = header("timestamp");
  return {
    ...{ job, step, resource, reason, key, value, atMs: timestamp },
    partition: Number(header("partition") ?? 0),
    offset: Number(header("offset") ?? 0),
    timestamp: own === undefined ? undefined : Number(own),
    column: header("column"),
  };
}

/** @throws Error when the line is no dead letter */
export function fromLine(line: string, atMs: number): DeadLetter {
  const found = JSON.parse(line) as Partial<Record<string, unknown>>;
  const text = (name: string) => {
    const value = found[name];
    if (typeof value !== "string") throw new Error(`it has no ${name}`);
    return value;
  };
  const bytes = (value: unknown) => (typeof value === "string" ? Buffer.from(value, "base64") : null);
  return {
    ...{ job: text("job"), step: text("step"), resource: text("resource"), reason: text("reason"), atMs },
    partition: Number(found.partition ?? 0),
    offset: Number(found.offset ?? 0),
    timestamp: typeof found.timestamp === "number" ? found.timestamp : undefined,
    column: typeof found.column === "string" ? found.column : undefined,
    key: bytes(found.key),
    value: bytes(found.value),
  };
}

/** What a reason is without what differs from record to record: quoted values and numbers. */
export function kindOf({ column, reason }: Pick<DeadLetter, "column" | "reason">): string {
  const own = column === undefined ? "" : `column "${column}": `;
  const without = reason.startsWith(own) ? reason.slice(own.length) : reason;
  return without.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"').replaceAll(/(?<![\w.])-?\d+(\.\d+)?\b/g, "N");
}

/** So much of a key or value is shown. */
const SHOWN_CHARS = 500;

/** Bytes as text where they are UTF-8, otherwise in base64; cut where they are long. */
export function shown(bytes: Buffer | null): string {
  if (bytes === null) return "none";
  const text = asText(bytes);
  const whole = text ?? bytes.toString("base64");
  const cut = Array.from(whole.slice(0, 2 * SHOWN_CHARS))
    .slice(0, SHOWN_CHARS)
    .join("");
  const more = cut.length < whole.length ? `… (${bytes.length.toLocaleString("en-US")} bytes)` : "";
  return `${text === undefined ? "base64 " : ""}${cut}${more}`;
}

/** Without what a terminal would obey. */
function asText(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.replaceAll(/\p{Cc}/gu, (control) =>
      JSON.stringify(control)
        .slice(1, -1)
        .replace(/^[\x7f-\x9f]$/, "�"),
    );
  } catch {
    return undefined;
  }
}

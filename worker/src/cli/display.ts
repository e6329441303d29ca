import type { MillraceError } from "millrace";
import { pino } from "pino";
import type { ShownRows } from "../slot-thread.js";
import { detailOf, report } from "./exit-code.js";
import { jsonLine, LiveTable } from "./live-table.js";
import type { Look } from "./rates.js";
import { statusLine } from "./status-line.js";

/** How a run tells of itself. */
export interface Display {
  /** How often it wants to look at the job. */
  readonly intervalMs: number;
  say(message: string, details?: Readonly<Record<string, unknown>>): void;
  status(look: Look): void;
  show(rows: ShownRows): void;
  fail(error: MillraceError): void;
  /** Leaves what is shown last on the screen. */
  end(): void;
}

/** For whoever stands at the other end of standard output. `statusEvery` is in seconds, and for logs. */
export function display(job: string, { statusEvery = 10 }: { readonly statusEvery?: number } = {}): Display {
  return process.stdout.isTTY ? terminal(job) : logs(job, statusEvery);
}

/** For people: a line, and tables above it, redrawn in place. */
function terminal(job: string): Display {
  const tables = new Map<string, LiveTable>();
  let drawn = 0;
  let line = job;
  const draw = () => {
    const width = process.stdout.columns ?? 100;
    const lines = [...[...tables.values()].flatMap((table) => [...table.lines(), ""]), line];
    const up = drawn > 1 ? `\x1b[${drawn - 1}A` : "";
    process.stdout.write(`${up}\r\x1b[0J${lines.map((text) => text.slice(0, width)).join("\n")}`);
    drawn = lines.length;
  };
  return {
    intervalMs: 500,
    say(message) {
      process.stdout.write(`\r\x1b[0K${message}\n`);
      drawn = 0;
      draw();
    },
    status(look) {
      line = statusLine(job, look, process.stdout.columns ?? 100);
      draw();
    },
    show({ title, rows }) {
      const table = tables.get(title) ?? new LiveTable(title, Math.max(4, (process.stdout.rows ?? 24) - 6));
      tables.set(title, table);
      table.add(rows);
      draw();
    },
    fail: (error) => {
      process.stderr.write(`${report(error)}\n`);
    },
    end() {
      process.stdout.write("\n");
    },
  };
}

/** For machines: JSON logs on standard error; rows of table sinks as JSON lines on standard output. */
function logs(job: string, statusEvery: number): Display {
  const log = pino({ base: { job } }, pino.destination({ dest: 2, sync: true }));
  return {
    intervalMs: statusEvery * 1000,
    say: (message, details) => log.info(details ?? {}, message),
    status: (look) => log.info(look, "status"),
    show: ({ rows }) => {
      process.stdout.write(rows.map((row) => `${jsonLine(row)}\n`).join(""));
    },
    fail: (error) => log.error({ code: error.code, step: error.step, detail: detailOf(error) }, error.message),
    end: () => {},
  };
}

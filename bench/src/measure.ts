import { readFileSync } from "node:fs";
import { Child, type Command } from "../../test/harness/process.js";

/** What a process has used from its start to its end. */
export interface Figures {
  readonly seconds: number;
  /** User and system time of all its threads, to within one sample. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** Of the process that it was measured beside, meanwhile. */
  readonly besideCpuSeconds: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SAMPLE_MS = 10;
const TICKS_PER_SECOND = 100;

/** Runs a command to its end and watches it, and the process that goes by the id `beside`. */
export async function measured(command: Command, beside?: number): Promise<Figures> {
  const besideBefore = besideCpuSeconds(beside);
  const start = performance.now();
  const child = new Child(command);
  let used = { cpuSeconds: 0, peakRssBytes: 0 };
  const timer = setInterval(() => {
    used = sample(child.pid) ?? used;
  }, SAMPLE_MS);
  const { code } = await child.exit;
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command.command} ${command.args.join(" ")}: exit code ${code}\n${child.log}`);
  return {
    seconds: (performance.now() - start) / 1000,
    ...used,
    besideCpuSeconds: besideCpuSeconds(beside) - besideBefore,
    stdout: child.stdout,
    stderr: child.stderr,
  };
}

function besideCpuSeconds(pid: number | undefined): number {
  return pid === undefined ? 0 : cpuSeconds(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

function sample(pid: number): { cpuSeconds: number; peakRssBytes: number } | undefined {
  try {
    const peak = peakRssBytes(readFileSync(`/proc/${pid}/status`, "utf8"));
    // A process that has ended, but not yet been taken note of, has no memory any more.
    return peak === undefined
      ? undefined
      : { cpuSeconds: cpuSeconds(readFileSync(`/proc/${pid}/stat`, "utf8")), peakRssBytes: peak };
  } catch {
    return undefined;
  }
}

/** User and system time out of /proc/PID/stat. */
export function cpuSeconds(stat: string): number {
  // The name, in parentheses, may hold blanks: fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most resident memory out of /proc/PID/status. */
export function peakRssBytes(status: string): number | undefined {
  return bytesOf("VmHWM", status);
}

/** The resident memory at the moment. */
export function rssBytes(status: string): number | undefined {
  return bytesOf("VmRSS", status);
}

function bytesOf(name: string, status: string): number | undefined {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

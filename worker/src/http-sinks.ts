import type { EndpointFigures, HttpSender, HttpSettings } from "@millrace/connectors/http";
import { type Job, SinkError } from "millrace";
import { type EndpointFile, LiveEndpoints } from "./live-endpoints.js";
import type { NativeJob } from "./native.js";

/** Sends what the HTTP sinks of a running job have to send. */
export class HttpSinks {
  private constructor(
    private readonly sender: HttpSender,
    private readonly live: readonly LiveEndpoints[],
  ) {}

  /**
   * Begins to send; `undefined` where the job has no such sinks.
   *
   * @throws SinkError when a file of secrets, certificates or endpoints cannot be read
   */
  static async open(job: Job, native: NativeJob, warn: (text: string) => void): Promise<HttpSinks | undefined> {
    const sinks = settingsOf(job);
    if (sinks.size === 0) return undefined;
    // Loaded where it is needed only.
    const { HttpSender } = await import("@millrace/connectors/http");
    try {
      const sender = new HttpSender(job.name, sinks, native);
      const live = [...sinks].flatMap(([sink, { live }]) =>
        live === undefined
          ? []
          : [
              new LiveEndpoints(
                live,
                (endpoints) => sender.reshard(sink, endpoints),
                (text) => warn(`${sink}: ${text}`),
              ),
            ],
      );
      native.onRequests(() => sender.take());
      return new HttpSinks(sender, live);
    } catch (error) {
      throw new SinkError(`HTTP sink: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  figures(): EndpointFigures[] {
    return this.sender.figures();
  }

  close(): Promise<void> {
    for (const endpoints of this.live) endpoints.close();
    return this.sender.close();
  }
}

type Settings = HttpSettings & { readonly live?: EndpointFile | undefined };

/** By the ids that the core has for them. */
function settingsOf(job: Job): Map<string, Settings> {
  const settings = new Map<string, Settings>();
  for (const { id, step } of job.steps) {
    if (step.kind !== "source" && step.kind !== "sink") continue;
    const { config, onBadRecord } = step;
    if (step.kind === "sink" && config.kind === "http") {
      settings.set(id, { ...config, failsOnRefused: onBadRecord === "fail" });
    }
    if (typeof onBadRecord === "object" && onBadRecord.deadLetter.kind === "http") {
      settings.set(`${id}/dead-letter`, { ...onBadRecord.deadLetter, failsOnRefused: true });
    }
  }
  return settings;
}

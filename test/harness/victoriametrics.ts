import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { freePorts } from "./ports.js";
import { debianProgram } from "./programs.js";

/** A VictoriaMetrics server on its own port and a fresh directory. */
export class VictoriaMetrics extends LocalServer {
  static async start(): Promise<VictoriaMetrics> {
    const program = await debianProgram("victoria-metrics", "victoria-metrics");
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-victoriametrics-"));
    const address = `127.0.0.1:${port}`;
    const data = join(directory, "data");
    const args = [`-storageDataPath=${data}`, `-httpListenAddr=${address}`, "-retentionPeriod=100y"];
    const server = new VictoriaMetrics("VictoriaMetrics", `http://${address}`, directory, { command: program, args });
    await server.ready();
    return server;
  }

  /** All samples of the series that a selector names. */
  async samples(selector: string): Promise<{ labels: Record<string, string>; values: [number, number][] }[]> {
    await this.ask("/internal/force_flush");
    const text = await this.ask(`/api/v1/export?${new URLSearchParams({ "match[]": selector })}`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const { metric, values, timestamps } = JSON.parse(line);
        return { labels: metric, values: values.map((value: number, n: number) => [timestamps[n], value]) };
      });
  }

  async count(metric: string): Promise<number> {
    return (await this.samples(metric)).reduce((sum, { values }) => sum + values.length, 0);
  }

  protected answers(): Promise<unknown> {
    return this.ask("/health");
  }
}

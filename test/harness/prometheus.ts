import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { freePorts } from "./ports.js";
import { debianProgram } from "./programs.js";

/** A Prometheus server that takes remote writes, samples of the last hour in any order. */
export class Prometheus extends LocalServer {
  static async start(): Promise<Prometheus> {
    const program = await debianProgram("prometheus", "prometheus");
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-prometheus-"));
    const config = join(directory, "prometheus.yml");
    await writeFile(config, "storage:\n  tsdb:\n    out_of_order_time_window: 1h\n");
    const address = `127.0.0.1:${port}`;
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=${address}`,
      "--web.enable-remote-write-receiver",
    ];
    const server = new Prometheus("Prometheus", `http://${address}`, directory, { command: program, args });
    await server.ready();
    return server;
  }

  /** The samples that a range of series has, over all of them. */
  async samples(
    selector: string,
    atMs: number,
  ): Promise<{ labels: Record<string, string>; values: [number, number][] }[]> {
    const parameters = new URLSearchParams({ query: selector, time: String(atMs / 1000) });
    const { data } = JSON.parse(await this.ask(`/api/v1/query?${parameters}`));
    return data.result.map(({ metric, values }: { metric: Record<string, string>; values: [number, string][] }) => ({
      labels: metric,
      values: values.map(([seconds, value]) => [Math.round(seconds * 1000), Number(value)]),
    }));
  }

  /** How many samples there are in the first hour of all times. */
  async count(metric: string): Promise<number> {
    const parameters = new URLSearchParams({ query: `sum(count_over_time(${metric}[1h]))`, time: "3600" });
    const { data } = JSON.parse(await this.ask(`/api/v1/query?${parameters}`));
    return Number(data.result[0]?.value[1] ?? 0);
  }

  protected answers(): Promise<unknown> {
    return this.ask("/-/ready");
  }
}

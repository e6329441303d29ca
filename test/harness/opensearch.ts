import { execFile } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { LocalServer } from "./local-server.js";
import { cached, classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const POM = join(ROOT, "test/servers/opensearch/pom.xml");
const MAIN = join(ROOT, "test/servers/opensearch/Single.java");

interface Page<T> {
  readonly _scroll_id: string;
  readonly hits: { readonly hits: readonly { readonly _id: string; readonly _source: T }[] };
}

/** One node of OpenSearch on its own ports and a fresh directory. */
export class OpenSearch extends LocalServer {
  static async start(): Promise<OpenSearch> {
    const jars = await classPath("opensearch", POM);
    const main = await cached("servers", "opensearch-main", [POM, MAIN], async (folder) => {
      await promisify(execFile)("javac", ["-cp", jars, "-d", folder, MAIN]);
    });
    const [http, transport] = await freePorts(2);
    const directory = await mkdtemp(join(tmpdir(), "millrace-opensearch-"));
    const settings = {
      "path.home": directory,
      "path.data": join(directory, "data"),
      "http.port": http,
      "transport.port": transport,
      "network.host": "127.0.0.1",
      "discovery.type": "single-node",
      "cluster.routing.allocation.disk.threshold_enabled": false,
    };
    const java = ["-Xmx1g", "-XX:+UseSerialGC", "-Djava.security.manager=allow", "-cp", [jars, main].join(delimiter)];
    const args = [...java, "Single", ...Object.entries(settings).map(([name, to]) => `${name}=${to}`)];
    const server = new OpenSearch("OpenSearch", `http://127.0.0.1:${http}`, directory, { command: "java", args });
    await server.ready();
    return server;
  }

  /** Asks for JSON and gives it. */
  async call<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    return JSON.parse(await this.ask(path, { method, ...json })) as T;
  }

  async count(index: string): Promise<number> {
    await this.call("POST", `/${index}/_refresh`);
    return (await this.call<{ count: number }>("GET", `/${index}/_count`)).count;
  }

  /** What is found in an index, by id. */
  async documents<T>(index: string): Promise<Map<string, T>> {
    await this.call("POST", `/${index}/_refresh`);
    const all = new Map<string, T>();
    let page = await this.call<Page<T>>("POST", `/${index}/_search?scroll=1m`, { size: 10_000 });
    while (page.hits.hits.length > 0) {
      for (const { _id, _source } of page.hits.hits) all.set(_id, _source);
      page = await this.call<Page<T>>("POST", "/_search/scroll", { scroll: "1m", scroll_id: page._scroll_id });
    }
    return all;
  }

  protected answers(): Promise<unknown> {
    return this.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s");
  }
}

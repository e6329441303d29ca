import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const SERVER = join(ROOT, "test/servers/opensearch");

/** One node of OpenSearch on its own ports and a fresh directory. */
export class OpenSearch extends LocalServer {
  static async start(): Promise<OpenSearch> {
    const jars = await classPath("opensearch", join(SERVER, "pom.xml"));
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
    const java = ["-Xmx512m", "-XX:+UseSerialGC", "-Djava.security.manager=allow", "-cp", jars];
    const args = [
      ...java,
      join(SERVER, "Single.java"),
      ...Object.entries(settings).map(([name, to]) => `${name}=${to}`),
    ];
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

  /** What is found in an index, by id. */
  async documents<T>(index: string): Promise<Map<string, T>> {
    await this.call("POST", `/${index}/_refresh`);
    const query = { size: 10_000, query: { match_all: {} } };
    const { hits } = await this.call<{ hits: { hits: { _id: string; _source: T }[] } }>(
      "POST",
      `/${index}/_search`,
      query,
    );
    return new Map(hits.hits.map(({ _id, _source }) => [_id, _source]));
  }

  protected answers(): Promise<unknown> {
    return this.call("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s");
  }
}

// A name node and a data node, by WebHDFS.
import { request } from "node:http";
import { eventually } from "../harness/eventually.js";
import { fetchAnew } from "../harness/fetch-anew.js";
import { HdfsCluster } from "../harness/hdfs.js";
import { freePorts } from "../harness/ports.js";
import { objects, type Storage } from "./objects.js";

async function start(): Promise<Storage> {
  const cluster = await HdfsCluster.start();
  const [nobody] = await freePorts(1);
  const web = (path: string, operation: string) =>
    `http://${cluster.address}/webhdfs/v1/${path}?op=${operation}&user.name=root`;
  return {
    server: {
      stop: () => cluster.stop(),
      kill: () => cluster.kill(),
      restart: () => cluster.restart(),
    },
    access: {},
    location: (folder) => `hdfs://${cluster.address}/${folder}`,
    nowhere: { location: `hdfs://127.0.0.1:${nobody}/rows`, says: new RegExp(`${nobody}.*Check the address`) },
    async names(folder) {
      const answer = await fetchAnew(web(folder, "LISTSTATUS"));
      if (answer.status === 404) return [];
      const { FileStatuses } = (await answer.json()) as {
        FileStatuses: { FileStatus: { pathSuffix: string; type: string }[] };
      };
      return FileStatuses.FileStatus.filter(({ type }) => type === "FILE").map(({ pathSuffix }) => pathSuffix);
    },
    read: async (folder, name) => Buffer.from(await (await fetchAnew(web(`${folder}/${name}`, "OPEN"))).arrayBuffer()),
    async write(folder, name, content) {
      // It is seen by readers as it grows.
      const hidden = `${folder}/_${name}`;
      // The name node says which data node takes the bytes, and there may be none yet after a start.
      const create = async () => {
        const answer = await fetchAnew(web(hidden, "CREATE&noredirect=true"), { method: "PUT" });
        return answer.ok && answer;
      };
      const named = await eventually(create, { what: "a data node", withinMs: 60_000, detail: () => cluster.log });
      const { Location } = (await named.json()) as { Location: string };
      const status = await put(Location, content);
      if (status !== 201) throw new Error(`HDFS answers ${status} to a file of the test`);
      await fetchAnew(web(hidden, `RENAME&destination=/${folder}/${name}`), { method: "PUT" });
    },
  };
}

/** Gives the status. A data node says unasked that it will go on (100), which is an error to the `fetch` of some releases of Node. */
function put(url: string, content: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "PUT", agent: false }, (answer) => {
      answer.resume().once("end", () => resolve(answer.statusCode));
    });
    sent.once("error", reject).end(content);
  });
}

export default objects("hdfs", start);

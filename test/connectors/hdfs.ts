// A name node and a data node, by WebHDFS.
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
      const { ok, status } = await fetchAnew(web(hidden, "CREATE"), { method: "PUT", body: new Uint8Array(content) });
      if (!ok) throw new Error(`HDFS answers ${status} to a file of the test`);
      await fetchAnew(web(hidden, `RENAME&destination=/${folder}/${name}`), { method: "PUT" });
    },
  };
}

export default objects("hdfs", start);

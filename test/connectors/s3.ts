// s3mock, which takes any credentials.
import { fetchAnew } from "../harness/fetch-anew.js";
import { S3Server } from "../harness/s3.js";
import { objects, type Storage } from "./objects.js";

async function start(): Promise<Storage> {
  const server = await S3Server.start();
  const bucket = `${server.url}/${server.bucket}`;
  const location = (name: string, folder: string) => `s3://${name}/${folder}?endpoint=${server.url}`;
  return {
    server: {
      // The mock is not killed: in the middle of a write that leaves it unable to read what it has.
      stop: () => server.stop(),
    },
    access: S3Server.credentials,
    location: (folder) => location(server.bucket, folder),
    nowhere: {
      location: location("nowhere", "rows"),
      says: /nowhere.*NoSuchBucket: The specified bucket does not exist\./,
    },
    async names(folder) {
      const listed = await (await fetchAnew(`${bucket}?list-type=2&prefix=${folder}/&delimiter=/`)).text();
      return [...listed.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => String(key).slice(folder.length + 1));
    },
    read: async (folder, name) => Buffer.from(await (await fetchAnew(`${bucket}/${folder}/${name}`)).arrayBuffer()),
    async write(folder, name, content) {
      const { ok, status } = await fetchAnew(`${bucket}/${folder}/${name}`, {
        method: "PUT",
        body: new Uint8Array(content),
      });
      if (!ok) throw new Error(`S3 answers ${status} to a file of the test`);
    },
  };
}

export default objects("s3", start);

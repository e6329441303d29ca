// An emulator of Google's Cloud Storage.
import { FakeGcs } from "../harness/fake-gcs.js";
import { foldersOf, objects, type Storage } from "./objects.js";

async function start(): Promise<Storage> {
  const server = await FakeGcs.start();
  const location = (bucket: string, folder: string) => `gs://${bucket}/${folder}?endpoint=${server.url}&anonymous=true`;
  return {
    server: {
      stop: () => server.stop(),
      kill: () => server.kill(),
      restart: () => server.restart(),
    },
    access: {},
    location: (folder) => location(server.bucket, folder),
    nowhere: { location: location("nowhere", "rows"), says: /nowhere/ },
    ...foldersOf(server),
  };
}

export default objects("gs", start);

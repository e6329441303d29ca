// Azurite, Microsoft's own emulator of Azure's blobs.
import { Azurite } from "../harness/azurite.js";
import { foldersOf, objects, type Storage } from "./objects.js";

async function start(): Promise<Storage> {
  const server = await Azurite.start();
  const location = (container: string, folder: string) => `azblob://${container}/${folder}?endpoint=${server.url}`;
  return {
    server: {
      stop: () => server.stop(),
      // In order: it notes down every five seconds which blobs there are, and a kill loses those that came since.
      kill: () => server.end(),
      restart: () => server.restart(),
    },
    access: Azurite.credentials,
    location: (folder) => location(server.container, folder),
    nowhere: { location: location("nowhere", "rows"), says: /nowhere.*ContainerNotFound/ },
    ...foldersOf(server),
  };
}

export default objects("azblob", start);

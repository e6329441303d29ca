import type { LocalServer } from "../harness/local-server.js";
import type { Server } from "./connector.js";

type Life = Required<Pick<Server, "stop" | "pause" | "resume" | "kill" | "restart">>;

/** What a server on this machine goes through, as the suite asks for it. */
export function life(server: LocalServer): Life {
  return {
    stop: () => server.stop(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    kill: () => server.kill(),
    restart: () => server.restart(),
  };
}

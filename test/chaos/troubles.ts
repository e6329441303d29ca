import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../harness/random.js";
import type { Mood } from "../harness/storage-proxy.js";
import type { Service } from "./service.js";
import type { World } from "./world.js";

const TAKE_OVER_WITHIN_MS = 60_000;
const LONGEST_JUMP_HOURS = 12;

export interface Scene {
  world: World;
  service: Service;
  random: Random;
  /** Every trouble is over, and the job has gone on. */
  calm(): Promise<void>;
}

/** What may happen to a job. */
export interface Trouble {
  name: string;
  /** Why it cannot be made here. */
  missing?(world: World): string | undefined;
  /** Makes it, and gives what has happened and, if it lasts, when it is over. */
  make(scene: Scene): Promise<{ story: string; over?: Promise<void> }>;
}

const reason = (part: unknown): string | undefined => (typeof part === "string" ? part : undefined);

/** Some seconds, which requests to the storage are sent again for; one in ten for longer than they are. */
const lasting = (random: Random): number => (random.below(10) === 0 ? 20_000 : 500) + random.below(3000);

function storage(name: string, mood: (random: Random) => Mood): Trouble {
  return {
    name,
    async make({ world, random }) {
      const [lastsMs, chosen] = [lasting(random), mood(random)];
      await world.storage.become(chosen);
      return {
        story: `${lastsMs} ms${typeof chosen === "number" ? `, ${chosen} ms an answer` : ""}`,
        over: delay(lastsMs).then(() => world.storage.become("well")),
      };
    },
  };
}

const broker = (signal: "SIGTERM" | "SIGKILL"): Trouble => ({
  name: `broker ${signal}`,
  async make({ world }) {
    const begun = performance.now();
    await world.broker.restart(signal);
    return { story: `back after ${Math.round(performance.now() - begun)} ms` };
  },
});

export const kill: Trouble = {
  name: "kill",
  async make({ service }) {
    await service.kill();
    return { story: "SIGKILL" };
  },
};

const fullDisk: Trouble = {
  name: "disk full",
  missing: ({ disk }) => reason(disk),
  async make({ world: { disk }, random }) {
    if (typeof disk === "string") throw new Error(disk);
    const lastsMs = lasting(random);
    return { story: `${lastsMs} ms`, over: disk.stayFull(lastsMs) };
  },
};

/** Brokers take no records from an hour ahead on: the job may fail until its clock is right again. */
const clockJump: Trouble = {
  name: "clock jump",
  missing: ({ clock }) => reason(clock),
  async make({ world: { clock }, random }) {
    if (typeof clock === "string") throw new Error(clock);
    const [lastsMs, drawn] = [lasting(random), random.below(2 * LONGEST_JUMP_HOURS) - LONGEST_JUMP_HOURS];
    const hours = drawn < 0 ? drawn : drawn + 1;
    await clock.set(hours);
    return { story: `${hours} h, ${lastsMs} ms`, over: delay(lastsMs).then(() => clock.set(0)) };
  },
};

const secondWorker: Trouble = {
  name: "second worker",
  async make({ service, calm }) {
    // A worker that has ended for another reason cannot show that it ends for this one.
    await calm();
    return { story: await service.startTwice(TAKE_OVER_WITHIN_MS) };
  },
};

/** All but the kill, which is the most frequent. */
export const TROUBLES: readonly Trouble[] = [
  broker("SIGTERM"),
  broker("SIGKILL"),
  storage("storage errors", () => "errors"),
  storage("storage cut", () => "cut"),
  storage("storage unreachable", () => "unreachable"),
  storage("storage slow", (random) => 200 + random.below(2000)),
  fullDisk,
  clockJump,
  secondWorker,
];

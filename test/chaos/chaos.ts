import { setTimeout as delay } from "node:timers/promises";
import { Feed } from "../e2e/feed.js";
import { uniqueName } from "../e2e/results.js";
import { KafkaClient } from "../harness/client.js";
import { Random } from "../harness/random.js";
import { trades } from "../harness/trades.js";
import { Service } from "./service.js";
import { kill, TROUBLES, type Trouble } from "./troubles.js";
import { makeWorld, type World } from "./world.js";

const EVENTS_A_TROUBLE = 8000;
const PROGRESS_WITHIN_MS = 120_000;
const LONGEST_MOMENT_MS = 3000;

export interface ChaosOptions {
  seed: number;
  kills: number;
  /** How often each of the other troubles comes. */
  others: number;
  /** Names of troubles that are left out. */
  without?: readonly string[];
  /** Hears what happens when. */
  say: (line: string) => void;
}

export interface Figures {
  kills: number;
  /** Starts after the job has ended by a trouble other than a kill. */
  restarts: number;
  /** Starts within the process, after errors. */
  retries: number;
  /** How often each trouble was made. */
  troubles: Record<string, number>;
  events: number;
  windows: number;
  seconds: number;
  /** Windows that are missing, or wrong in what they hold. */
  lost: number;
  doubled: number;
  differences: string[];
}

/** Runs an exactly-once job through troubles in a random order at random moments, and compares its results with a model. */
export async function chaos({ seed, kills, others, without = [], say }: ChaosOptions): Promise<Figures> {
  const begun = performance.now();
  const tell = (line: string) => say(`${((performance.now() - begun) / 1000).toFixed(1)} s: ${line}`);
  const random = new Random(seed);
  const world = await makeWorld();
  try {
    const schedule = shuffled(
      [
        ...Array<Trouble>(kills).fill(kill),
        ...possible(world, without, tell).flatMap((trouble) => Array<Trouble>(others).fill(trouble)),
      ],
      random,
    );
    const events = trades({ seed, count: EVENTS_A_TROUBLE * schedule.length });
    const kafka = new KafkaClient(world.broker.brokers);
    const feed = new Feed(kafka, uniqueName("chaos"), events);
    await feed.create();
    const env = { ...feed.env, ...world.env, IDLE_TIMEOUT: "1h", RESTARTS: "2" };
    const service = new Service(env, new Random(seed + 1), tell);
    try {
      await run(schedule, { world, service, random, feed, tell });
      await feed.finish();
      await feed.complete(service, PROGRESS_WITHIN_MS);
      await service.stop();
    } finally {
      service.end();
    }
    const differences = await feed.differences();
    const doubled = differences.filter((line) => /: written \d+ times$/.test(line)).length;
    return {
      kills,
      restarts: service.restarts,
      retries: service.retries,
      troubles: Object.fromEntries(
        TROUBLES.map(({ name }) => [name, schedule.filter((made) => made.name === name).length]),
      ),
      events: events.length,
      windows: feed.windows,
      seconds: Math.round((performance.now() - begun) / 1000),
      lost: differences.length - doubled,
      doubled,
      differences,
    };
  } finally {
    await world.end();
  }
}

interface Play {
  world: World;
  service: Service;
  random: Random;
  feed: Feed;
  tell: (line: string) => void;
}

/** One trouble after the other; those that last go on while the next ones come. */
async function run(schedule: Trouble[], { world, service, random, feed, tell }: Play): Promise<void> {
  const lasting: Promise<void>[] = [];
  // Enough for so many windows and more.
  const [share, mostRows] = [0.5 / schedule.length, 80];
  const progress = (rows: number) => feed.progress(service, rows, { withinMs: PROGRESS_WITHIN_MS, share });
  const calm = async () => {
    await Promise.all(lasting);
    await progress(1);
  };
  for (const trouble of schedule) {
    // Every second one comes wherever the job is, be it in its start; the others once it has written something.
    const atOnce = random.below(2) === 0;
    if (atOnce) await Promise.all([delay(random.below(LONGEST_MOMENT_MS)), feed.send(share)]);
    else await progress(1 + random.below(mostRows));
    service.check();
    tell(trouble.name);
    const { story, over } = await trouble.make({ world, service, random, calm });
    tell(`${trouble.name}: ${story}`);
    if (over) lasting.push(over.then(() => tell(`${trouble.name} is over`)));
  }
  await Promise.all(lasting);
}

function possible(world: World, without: readonly string[], tell: (line: string) => void): Trouble[] {
  return TROUBLES.filter((trouble) => {
    const missing = without.includes(trouble.name) ? "left out" : trouble.missing?.(world);
    if (missing !== undefined) tell(`without "${trouble.name}": ${missing}`);
    return missing === undefined;
  });
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    [items[last], items[other]] = [items[other] as T, items[last] as T];
  }
  return items;
}

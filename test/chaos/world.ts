import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JumpingClock } from "../harness/jumping-clock.js";
import { KafkaBroker } from "../harness/kafka.js";
import { S3Server } from "../harness/s3.js";
import { SmallDisk } from "../harness/small-disk.js";
import { StorageProxy } from "../harness/storage-proxy.js";

const DISK_MB = 64;

/** What the job runs on; some of it is a reason why it cannot be had. */
export interface World {
  broker: KafkaBroker;
  storage: StorageProxy;
  disk: SmallDisk | string;
  clock: JumpingClock | string;
  /** Where the job has its place in this world. */
  env: Record<string, string>;
  end(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const ends: (() => Promise<unknown>)[] = [];
  const end = async () => {
    for (const part of ends.splice(0).reverse()) await part();
  };
  const opened = <T extends { stop(): Promise<unknown> }>(part: T): T => {
    ends.push(() => part.stop());
    return part;
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "millrace-chaos-"));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const broker = opened(await KafkaBroker.start());
    const s3 = opened(await S3Server.start());
    const storage = opened(await StorageProxy.start(s3.url));
    const clock = await JumpingClock.start();
    if (typeof clock !== "string") opened(clock);
    const disk = await SmallDisk.mount(DISK_MB);
    if (typeof disk !== "string") ends.push(() => disk.unmount());
    const env = {
      ...S3Server.credentials,
      ...(typeof clock === "string" ? {} : clock.env),
      CHECKPOINTS: `s3://${s3.bucket}/millrace?endpoint=${storage.endpoint}`,
      STATE: join(typeof disk === "string" ? folder : disk.path, "state"),
    };
    return { broker, storage, disk, clock, env, end };
  } catch (error) {
    await end();
    throw error;
  }
}

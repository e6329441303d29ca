import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { SmallDisk } from "./small-disk.js";

t.test("a disk that is filled takes nothing more until it is freed", async (t) => {
  const disk = await SmallDisk.mount(1);
  if (typeof disk === "string") return t.plan(0, disk);
  t.teardown(() => disk.unmount());
  const write = () => writeFile(join(disk.path, "file"), "content");

  await disk.fill();
  await t.rejects(write(), { code: "ENOSPC" });
  await disk.free();
  await t.resolves(write());
});

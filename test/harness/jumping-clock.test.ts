import t from "tap";
import { eventually } from "./eventually.js";
import { JumpingClock } from "./jumping-clock.js";
import { Child } from "./process.js";

const HOUR_MS = 3_600_000;
const TELL = "setInterval(() => console.log(Date.now()), 10)";

t.test("the clock of a process jumps while it runs, forward and back", async (t) => {
  const clock = await JumpingClock.start();
  if (typeof clock === "string") return t.plan(0, clock);
  t.teardown(() => clock.stop());
  const child = new Child({ command: process.execPath, args: ["-e", TELL], env: clock.env });
  t.teardown(() => child.signal("SIGKILL"));
  const tells = (hours: number) => () =>
    Math.abs(Number(child.stdout.trimEnd().split("\n").at(-1)) - Date.now() - hours * HOUR_MS) < HOUR_MS / 2;

  for (const hours of [0, 5, -7]) {
    await clock.set(hours);
    await eventually(tells(hours), { what: `${hours} hours`, detail: () => child.log });
    t.ok(child.running);
  }
});

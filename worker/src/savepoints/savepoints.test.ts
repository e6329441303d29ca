import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { StateError } from "millrace";
import t, { type Test } from "tap";
import { askForSavepoint } from "./ask.js";
import type { Request } from "./messages.js";
import { type Savepoint, untilWritten } from "./savepoint.js";
import { SavepointService, type Write } from "./serve.js";
import { socketPath } from "./socket-path.js";

const WRITTEN: Savepoint = { name: "s", checkpoint: 12, bytes: 4096 };

/** A path that is short enough wherever the clone is. */
function place(t: Test): string {
  const path = join(tmpdir(), `millrace-test-${process.pid}-${Math.random().toString(36).slice(2, 8)}.sock`);
  t.teardown(() => existsSync(path) && t.fail(`${path} is left behind`));
  return path;
}

async function ask(path: string, request: Request): Promise<string[]> {
  const told: string[] = [];
  await askForSavepoint(request, {
    job: "j",
    path,
    onPhase: (phase) => told.push(phase),
    onWritten: ({ checkpoint, bytes }) => told.push(`written ${checkpoint} ${bytes}`),
  });
  return told;
}

t.test("whoever asks hears of the phases and of the end", async (t) => {
  const path = place(t);
  const asked: Request[] = [];
  const service = await SavepointService.listen(path, async (request, onPhase) => {
    asked.push(request);
    onPhase("waiting");
    onPhase("writing");
    return WRITTEN;
  });
  t.strictSame(await ask(path, { savepoint: "s", stop: false }), ["waiting", "writing", "written 12 4096"]);
  t.strictSame(asked, [{ savepoint: "s", stop: false }]);
  await service.close();
});

t.test("with stop, the end of the job is waited for", async (t) => {
  const path = place(t);
  const service = await SavepointService.listen(path, async () => WRITTEN);
  let ended = false;
  const asking = ask(path, { savepoint: "s", stop: true }).then((told) => {
    t.ok(ended);
    return told;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  ended = true;
  await service.close();
  t.strictSame(await asking, ["written 12 4096"]);
});

t.test("an error crosses as what it was", async (t) => {
  const path = place(t);
  const service = await SavepointService.listen(path, async () => {
    throw new StateError("the name is taken");
  });
  await t.rejects(ask(path, { savepoint: "s", stop: true }), new StateError("the name is taken"));
  await service.close();
});

t.test("a savepoint that is being written when the job ends is told of before the worker hangs up", async (t) => {
  const path = place(t);
  let written: (savepoint: Savepoint) => void = () => undefined;
  const write: Write = () => new Promise((resolve) => (written = resolve));
  const service = await SavepointService.listen(path, write);
  const asking = ask(path, { savepoint: "s", stop: true });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closing = service.close();
  written(WRITTEN);
  t.strictSame(await asking, ["written 12 4096"]);
  await closing;
});

t.test("a worker that goes before it has written is told of", async (t) => {
  const path = place(t);
  const killed = createServer((socket) => {
    socket.destroy();
    killed.close();
  });
  await new Promise<void>((resolve) => killed.listen(path, resolve));
  await t.rejects(ask(path, { savepoint: "s", stop: false }), /the worker of job "j" is gone, and has not written it/);
});

t.test("nobody answers where no worker runs", async (t) => {
  await t.rejects(ask(place(t), { savepoint: "s", stop: false }), /job "j" is not running here: no worker answers at/);
});

t.test("a socket that is left of a dead worker is replaced, one of a living worker is not", async (t) => {
  const folder = t.testdir({});
  const path = socketPath(folder);
  await SavepointService.listen(path, async () => WRITTEN).then(async (living) => {
    await t.rejects(
      SavepointService.listen(path, async () => WRITTEN),
      /another worker of this job is running/,
    );
    await living.close();
  });
  dead(path);
  t.ok(existsSync(path));
  const next = await SavepointService.listen(path, async () => WRITTEN);
  t.strictSame(await ask(path, { savepoint: "s", stop: false }), ["written 12 4096"]);
  await next.close();
  t.notOk(existsSync(path));

  const file = join(folder, "no-socket");
  await writeFile(file, "");
  await t.rejects(
    SavepointService.listen(file, async () => WRITTEN),
    /is no socket/,
  );
});

/** Leaves a socket behind as a worker does that is killed. */
function dead(path: string): void {
  const script =
    "require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  try {
    execFileSync(process.execPath, ["-e", script, path]);
  } catch {
    // It was killed.
  }
}

t.test("where the folder's path is too long for a socket, it lies among the temporary files", async (t) => {
  t.equal(socketPath("/state/j"), "/state/j/worker.sock");
  const long = socketPath(`/${"x".repeat(120)}`);
  t.equal(dirname(long), tmpdir());
  t.equal(long, socketPath(`/${"x".repeat(120)}`));
  t.not(long, socketPath(`/${"y".repeat(120)}`));
});

t.test("a savepoint is waited for until it is written, has failed, or the job has ended", async (t) => {
  const states = (...progress: { state: "waiting" | "writing" | "written" | "failed"; error?: string }[]) => {
    const left = [...progress];
    return { savepointProgress: () => ({ checkpoint: 3, bytes: 5, ...(left.length > 1 ? left.shift() : left[0]) }) };
  };
  const phases: string[] = [];
  const wait = (job: object, hasEnded = false) =>
    untilWritten(
      job as Parameters<typeof untilWritten>[0],
      { number: 1, name: "s" },
      () => hasEnded,
      (phase) => phases.push(phase),
    );
  const written = states({ state: "waiting" }, { state: "waiting" }, { state: "writing" }, { state: "written" });
  t.strictSame(await wait(written), { name: "s", checkpoint: 3, bytes: 5 });
  t.strictSame(phases, ["waiting", "writing"]);
  await t.rejects(wait(states({ state: "failed", error: "no room" })), new StateError("no room"));
  await t.rejects(wait(states({ state: "waiting" }), true), /the job has ended before it was written/);
});

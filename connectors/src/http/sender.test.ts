import t from "tap";
import type { Clock } from "../calling/clock.js";
import type { Reply } from "./reply.js";
import { HttpSender } from "./sender.js";
import type { HttpAnswer, HttpQueue, HttpRequest, HttpSettings } from "./settings.js";
import type { Message } from "./transport.js";

const OK: Reply = { status: 200, text: "", retryAfter: undefined };
const status = (code: number, retryAfter?: string): Reply => ({ status: code, text: "", retryAfter });

/** Time that goes on when it is told to; chance that is always the longest pause. */
class FakeClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly then: () => void }[] = [];

  nowMs = () => this.#nowMs;
  wallMs = () => this.#nowMs;
  random = () => 1;

  after(ms: number, then: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Goes on by so long, and lets happen what is due. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.then();
    }
    this.#nowMs = endMs;
  }
}

/** What has been answered has been dealt with. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Sent {
  readonly atMs: number;
  readonly origin: string;
  readonly path: string;
  readonly rows: string;
  readonly key: string;
}

/** Endpoints that answer as they are told, and a core whose bodies are a letter a row. */
class World implements HttpQueue {
  readonly clock = new FakeClock();
  readonly sent: Sent[] = [];
  readonly answers = new Map<number, HttpAnswer>();
  shards: { number: number; name: string; weight: number }[] = [];
  readonly #requests: HttpRequest[] = [];
  readonly #bodies = new Map<number, string>();
  readonly sender: HttpSender;

  constructor(
    settings: Partial<HttpSettings>,
    private readonly reply: (sent: Sent, signal?: AbortSignal) => Reply | Error | Promise<Reply>,
    shards = 1,
  ) {
    const endpoints = Array.from({ length: shards }, (_, n) => ({ name: `shard-${n}`, url: `http://shard-${n}/rows` }));
    const all: HttpSettings = {
      endpoints,
      method: "POST",
      headers: {},
      contentType: "application/x-ndjson",
      compression: "",
      dialect: "plain",
      concurrency: 2,
      ordered: false,
      requestsPerSecond: 0,
      connectTimeout: 1000,
      responseTimeout: 1000,
      retry: { delay: 100, maxDelay: 1000, giveUpAfter: 60_000 },
      breaker: { failures: 0, pause: 5000 },
      failsOnRefused: false,
      ...settings,
    };
    const send = async (origin: string, { headers, body, path }: Message, signal?: AbortSignal) => {
      const [rows, key] = [Buffer.from(body).toString(), String(headers["idempotency-key"])];
      const sent = { atMs: this.clock.nowMs(), origin, path, rows, key };
      this.sent.push(sent);
      const reply = await this.reply(sent, signal);
      if (reply instanceof Error) throw reply;
      return reply;
    };
    this.sender = new HttpSender("a job", new Map([["sink-1", all]]), this, {
      clock: this.clock,
      transport: (origin) => ({ send: (message, signal) => send(origin, message, signal), close: async () => {} }),
    });
  }

  post(rows: string, shard = 0): void {
    const id = this.#bodies.size + 1;
    this.#bodies.set(id, rows);
    const place = { id, sink: "sink-1", run: "run", slot: 0, shard, epoch: 7, sequence: id };
    this.#requests.push({ ...place, rows: rows.length, size: rows.length, body: Buffer.from(rows) });
    this.sender.take();
  }

  takeRequests = () => this.#requests.splice(0);

  partOfRequest(id: number, rows: Uint32Array): Uint8Array {
    if (this.answers.has(id)) throw new Error(`${id} is answered`);
    return Buffer.from([...rows].map((row) => this.#bodies.get(id)?.[row]).join(""));
  }

  answer = (id: number, answer: HttpAnswer) => {
    this.answers.set(id, answer);
  };

  reshard = (_sink: string, shards: { number: number; name: string; weight: number }[]) => {
    this.shards = shards;
  };
}

const TAKEN: HttpAnswer = { refused: [], reasons: [], by: "shard-0" };

t.test("a request that fails is sent again with the same key until it is taken", async (t) => {
  let failures = 2;
  const world = new World({}, () => (failures-- > 0 ? status(503) : OK));
  world.post("ab");
  await world.clock.pass(1000);
  t.strictSame(
    world.sent.map(({ atMs, rows, key }) => [atMs, rows, key]),
    [0, 100, 300].map((atMs) => [atMs, "ab", "a%20job/sink-1/run/0/7/1"]),
  );
  t.strictSame(world.answers.get(1), TAKEN);
  t.match(world.sender.figures(), [
    { sink: "sink-1", endpoint: "shard-0", rows: 2, retries: 2, errors: 2, lastError: /503/, requests: 3 },
  ]);
});

t.test("an endpoint that asks for a pause gets it, for all requests", async (t) => {
  const world = new World({}, ({ atMs }) => (atMs === 0 ? status(429, "5") : OK));
  world.post("a");
  await world.clock.pass(1);
  world.post("b");
  await world.clock.pass(10_000);
  t.strictSame(
    world.sent.map(({ atMs, rows }) => [atMs, rows]),
    [
      [0, "a"],
      [5000, "a"],
      [5000, "b"],
    ],
  );
});

t.test("a dead endpoint is probed by one request, while others go on", async (t) => {
  const isDead = ({ atMs, origin }: Sent) => origin === "http://shard-0" && atMs < 12_000;
  const dead = new Error("connect ECONNREFUSED");
  const world = new World({ breaker: { failures: 2, pause: 5000 } }, (sent) => (isDead(sent) ? dead : OK), 2);
  for (const rows of "abcd") world.post(rows);
  await world.clock.pass(1);
  t.equal(world.sent.length, 3, "those that went before it was known");
  world.post("x", 1);
  await world.clock.pass(4000);
  t.strictSame(world.answers.get(5), { ...TAKEN, by: "shard-1" });
  t.match(world.sender.figures(), [{ circuit: "open", waiting: 4 }, { circuit: "closed" }]);
  await world.clock.pass(20_000);
  const times = world.sent.filter(({ origin }) => origin === "http://shard-0").map(({ atMs }) => atMs);
  t.strictSame(times, [0, 0, 0, 5000, 10_000, 15_000, 15_000, 15_000, 15_000], "a probe at a time, then the rest");
  t.equal(world.answers.size, 5);
});

t.test("so many requests are on their way at a time, and with an order only one", async (t) => {
  for (const [settings, atOnce] of [
    [{ concurrency: 3 }, 3],
    [{ concurrency: 3, ordered: true }, 1],
  ] as const) {
    const world = new World(settings, () => new Promise(() => {}));
    for (const rows of "abcde") world.post(rows);
    await world.clock.pass(10);
    t.equal(world.sent.length, atOnce);
    t.match(world.sender.figures(), [{ inFlight: atOnce, waiting: 5 - atOnce }]);
  }
});

t.test("with an order nothing overtakes a request that is to be sent again", async (t) => {
  let failures = 1;
  const world = new World({ ordered: true }, ({ rows }) => (rows === "a" && failures-- > 0 ? status(503) : OK));
  for (const rows of "abc") world.post(rows);
  await world.clock.pass(1000);
  t.strictSame(world.sent.map(({ rows }) => rows).join(""), "aabc");
});

t.test("requests are spaced out to so many a second", async (t) => {
  const world = new World({ requestsPerSecond: 4, concurrency: 10 }, () => OK);
  for (const rows of "abcdefghij") world.post(rows);
  await world.clock.pass(999);
  const inFirst = world.sent.length;
  await world.clock.pass(1000);
  t.strictSame([inFirst <= 8, world.sent.length - inFirst <= 4], [true, true], `${inFirst}, then ${world.sent.length}`);
  await world.clock.pass(10_000);
  t.equal(world.answers.size, 10);
});

t.test("the rows that an endpoint does not like are found by halves, and the others are taken", async (t) => {
  const world = new World({}, ({ rows }) => (/[xy]/.test(rows) ? status(422) : OK));
  world.post("abxdefgyij");
  await world.clock.pass(1000);
  const { refused = [], reasons } = world.answers.get(1) ?? {};
  t.strictSame(
    [[...refused].sort(), reasons],
    [
      [2, 7],
      ["status 422", "status 422"],
    ],
  );
  const taken = world.sent.filter(({ rows }) => !/[xy]/.test(rows)).map(({ rows }) => rows);
  t.strictSame([...taken.join("")].sort().join(""), "abdefgij");
  t.equal(new Set(world.sent.map(({ key }) => key)).size, world.sent.length, "each part has a key of its own");
});

t.test("where a refused row ends the job, the first that is found does", async (t) => {
  const world = new World({ failsOnRefused: true, concurrency: 1 }, ({ rows }) =>
    /[xy]/.test(rows) ? status(422) : OK,
  );
  world.post("axby");
  await world.clock.pass(1000);
  t.strictSame(world.answers.get(1), { ...TAKEN, refused: [1], reasons: ["status 422"] });
});

t.test("of a bulk only the rows that may be taken later are sent again", async (t) => {
  const item = (row: string, atMs: number) =>
    row === "x" ? { status: 400, error: "never" } : { status: row === "b" && atMs < 100 ? 429 : 201 };
  const world = new World({ dialect: "bulk" }, ({ rows, atMs }) => {
    const items = [...rows].map((row) => ({ index: item(row, atMs) }));
    return { ...OK, text: JSON.stringify({ errors: items.some(({ index }) => index.status >= 300), items }) };
  });
  world.post("abxb");
  await world.clock.pass(1000);
  t.strictSame(
    world.sent.map(({ rows }) => rows),
    ["abxb", "bb"],
  );
  t.strictSame(world.answers.get(1), { ...TAKEN, refused: [2], reasons: ["never"] });
});

t.test("an endpoint that does not answer for too long ends the job", async (t) => {
  const timeout = Object.assign(new Error("Headers Timeout Error"), { code: "UND_ERR_HEADERS_TIMEOUT" });
  const world = new World({ retry: { delay: 100, maxDelay: 1000, giveUpAfter: 2000 } }, () => timeout);
  world.post("a");
  await world.clock.pass(60_000);
  t.equal(
    world.answers.get(1)?.error,
    "shard-0 has not taken a request in 3 s and 6 attempts; the last one: Headers Timeout Error " +
      "(UND_ERR_HEADERS_TIMEOUT). Check the endpoint, or raise retry.giveUpAfter.",
  );
});

t.test("secrets go with each request, and a file of one is read again when it is not accepted any more", async (t) => {
  const token = `${t.testdir({ token: "old\n" })}/token`;
  const { writeFileSync } = await import("node:fs");
  const { Credentials } = await import("./secrets.js");
  const credentials = new Credentials({ auth: { bearer: { file: token } }, headers: { "X-Api-Key": "k" } });
  t.strictSame(credentials.headers, { authorization: "Bearer old", "x-api-key": "k" });
  writeFileSync(token, "new");
  credentials.renew();
  t.strictSame([credentials.headers.authorization, credentials.mayChange], ["Bearer new", true]);
  const basic = new Credentials({ auth: { username: "u", password: "p" }, headers: {} });
  t.strictSame([basic.headers, basic.mayChange], [{ authorization: "Basic dTpw" }, false]);
});

t.test("a key goes into the query where an endpoint takes it there", async (t) => {
  const world = new World({ keyParameter: "token" }, () => OK);
  world.post("a");
  await world.clock.pass(1);
  t.equal(world.sent[0]?.path, "/rows?token=a%2520job%2Fsink-1%2Frun%2F0%2F7%2F1");
});

/** A request that never comes back, unless it is broken off. */
const hanging = (signal?: AbortSignal) =>
  new Promise<Reply>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("broken off"))));

t.test(
  "a second request goes where the first is not answered, with the same key, and the first is broken off",
  async (t) => {
    let brokenOff = 0;
    const hedge = { after: { ms: 200 }, share: 1 };
    const world = new World({ hedge }, ({ atMs }, signal) => {
      signal?.addEventListener("abort", () => brokenOff++);
      return atMs === 0 ? hanging(signal) : OK;
    });
    world.post("a");
    await world.clock.pass(199);
    t.equal(world.sent.length, 1);
    await world.clock.pass(1);
    t.strictSame(world.answers.get(1), TAKEN);
    t.strictSame(
      world.sent.map(({ atMs, key }) => [atMs, key]),
      [0, 200].map((atMs) => [atMs, "a%20job/sink-1/run/0/7/1"]),
    );
    t.match(world.sender.figures(), [{ hedges: 1, hedgesWon: 1, requests: 1, rows: 1, inFlight: 0 }]);
    t.equal(brokenOff, 2, "both are over");
  },
);

t.test("a second request goes to the replica, and one that fails leaves it to the other", async (t) => {
  const endpoints = [{ name: "shard-0", url: "http://shard-0/rows", replica: "http://replica/rows" }];
  const hedge = { after: { ms: 200 }, share: 1 };
  const world = new World({ endpoints, hedge }, async ({ origin }) => {
    if (origin === "http://replica") throw new Error("connect ECONNREFUSED");
    await new Promise<void>((resolve) => world.clock.after(500, resolve));
    return OK;
  });
  world.post("a");
  await world.clock.pass(1000);
  t.strictSame(
    world.sent.map(({ atMs, origin }) => [atMs, origin]),
    [
      [0, "http://shard-0"],
      [200, "http://replica"],
    ],
  );
  t.strictSame(world.answers.get(1), TAKEN);
  t.match(world.sender.figures(), [{ hedges: 1, hedgesWon: 0, retries: 0 }]);
});

t.test("second requests are a bounded share of all, and go after what most answers have kept to", async (t) => {
  const slow = (rows: string) => rows === "s";
  const world = new World({ hedge: { after: { share: 0.9 }, share: 0.05 }, concurrency: 100 }, async ({ rows }) => {
    await new Promise<void>((resolve) => world.clock.after(slow(rows) ? 1000 : 10, resolve));
    return OK;
  });
  for (let n = 0; n < 60; n++) world.post("f");
  await world.clock.pass(100);
  for (let n = 0; n < 40; n++) world.post("s");
  await world.clock.pass(5000);
  t.match(world.sender.figures(), [{ requests: 100, hedges: 5, hedgesWon: 0 }]);
  const second = world.sent.filter(({ rows, atMs }) => rows === "s" && atMs > 100);
  t.ok(second.length === 5 && second.every(({ atMs }) => atMs >= 110 && atMs <= 112), JSON.stringify(second));
});

t.test("an endpoint that hangs does not make others slower", async (t) => {
  const healthy = async (hangs: boolean) => {
    const world = new World(
      { concurrency: 2 },
      async ({ origin }) => {
        if (hangs && origin === "http://shard-0") return hanging();
        await new Promise<void>((resolve) => world.clock.after(10, resolve));
        return OK;
      },
      4,
    );
    for (let n = 0; n < 400; n++) {
      world.post("row", n % 4);
      await world.clock.pass(5);
    }
    await world.clock.pass(1000);
    return world.sender.figures().slice(1);
  };
  const figures = await healthy(true);
  t.strictSame(figures, await healthy(false));
  t.match(
    figures,
    [1, 2, 3].map(() => ({ delayed: 0, latency: { count: 100, maxMs: 10 } })),
  );
});

t.test("the latency of a request counts its attempts and what it has waited for", async (t) => {
  const world = new World({ concurrency: 1 }, ({ atMs }) => (atMs < 300 ? status(503) : OK));
  world.post("a");
  world.post("b");
  await world.clock.pass(1000);
  const [{ latency, delayed, retries } = { latency: undefined, delayed: 0, retries: 0 }] = world.sender.figures();
  t.match(latency, { count: 2, maxMs: 300 });
  t.ok(delayed > 0 && retries > 0);
});

t.test("endpoints come, move and go while requests are on their way", async (t) => {
  const at = (name: string, host = name) => ({ name, url: `http://${host}/rows` });
  let isDown = true;
  const world = new World(
    { concurrency: 1 },
    ({ origin }) => (isDown && origin === "http://shard-0" ? status(503) : OK),
    2,
  );
  world.post("a", 0);
  await world.clock.pass(1);
  world.sender.reshard("sink-1", [at("shard-1"), { ...at("shard-2"), weight: 3 }]);
  t.strictSame(world.shards, [
    { number: 1, name: "shard-1", weight: 1 },
    { number: 2, name: "shard-2", weight: 3 },
  ]);
  world.post("b", 2);
  await world.clock.pass(10);
  t.strictSame(world.answers.get(2), { ...TAKEN, by: "shard-2" });
  t.match(world.sender.figures(), [
    { endpoint: "shard-0", isLeaving: true },
    { isLeaving: false },
    { isLeaving: false },
  ]);
  isDown = false;
  await world.clock.pass(1000);
  t.strictSame(world.answers.get(1), TAKEN, "what it had is sent to it");
  t.equal(world.sender.figures().length, 2, "and then it is gone");
  world.sender.reshard("sink-1", [at("shard-0", "elsewhere"), at("shard-1"), at("shard-2")]);
  t.strictSame(
    world.shards.map(({ number }) => number),
    [0, 1, 2],
    "it has its number again",
  );
  world.post("c", 0);
  await world.clock.pass(1);
  t.equal(world.sent.at(-1)?.origin, "http://elsewhere");
});

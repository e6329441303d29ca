import { backoff } from "../calling/backoff.js";
import type { Clock } from "../calling/clock.js";
import { Latencies, type LatencyFigures } from "../calling/latencies.js";
import { Breaker } from "./breaker.js";
import type { Part } from "./delivery.js";
import { Rate } from "./rate.js";
import { type Reply, type Verdict, verdict } from "./reply.js";
import type { Credentials } from "./secrets.js";
import type { HttpSettings } from "./settings.js";
import type { Message, Transport } from "./transport.js";

/** Figures of one endpoint since the start. */
export interface ShardFigures {
  /** Those that were taken. */
  rows: number;
  /** Of bodies that were taken, as they went over the wire. */
  bytes: number;
  requests: number;
  retries: number;
  /** Attempts without an answer, and those that were answered with an error. */
  errors: number;
  /** What the last failed one says. */
  lastError?: string;
  inFlight: number;
  /** Requests that are not on their way. */
  waiting: number;
  /** Requests that could not go at once. */
  delayed: number;
  /** Second requests for those that had waited for their answers, and those of them that were answered first. */
  hedges: number;
  hedgesWon: number;
  /** From when the core has handed over a request until all of it was taken. */
  latency: LatencyFigures;
  /** It gets no more rows. */
  isLeaving: boolean;
  /** Whether requests are kept away from it. */
  circuit: "closed" | "open" | "half-open";
}

type Counts = Omit<ShardFigures, "inFlight" | "waiting" | "latency" | "isLeaving" | "circuit">;

export interface ShardParts {
  /** As errors and figures call it. */
  readonly name: string;
  readonly url: URL;
  /** Where second requests go; to the same URL without it. */
  readonly replica?: { readonly url: URL; readonly transport: Transport } | undefined;
  readonly settings: HttpSettings;
  readonly credentials: Credentials;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Sends what is for one endpoint: so many at a time, again after failures that may pass, in order where that is asked for. */
export class Shard {
  #parts: ShardParts;
  /** In the order in which the core has made them; what has failed goes back to its place. */
  readonly #waiting: Part[] = [];
  readonly #breaker: Breaker;
  readonly #rate: Rate;
  readonly #limit: number;
  #inFlight = 0;
  /** The endpoint has asked to be left alone until then. */
  #busyUntilMs = 0;
  #cancelTimer = () => {};
  #isClosed = false;
  readonly #counts: Counts = {
    rows: 0,
    bytes: 0,
    requests: 0,
    retries: 0,
    errors: 0,
    delayed: 0,
    hedges: 0,
    hedgesWon: 0,
  };
  readonly #latencies = new Latencies();
  /** Of single answers. */
  readonly #answers = new Latencies();
  /** It gets no more rows; what it has is sent. */
  isLeaving = false;

  constructor(parts: ShardParts) {
    const { breaker, requestsPerSecond, ordered, concurrency } = parts.settings;
    this.#parts = parts;
    this.#breaker = new Breaker(breaker);
    this.#rate = new Rate(requestsPerSecond);
    this.#limit = ordered ? 1 : concurrency;
  }

  get name(): string {
    return this.#parts.name;
  }

  get figures(): ShardFigures {
    const [inFlight, waiting] = [this.#inFlight, this.#waiting.length];
    const latency = this.#latencies.figures;
    return { ...this.#counts, inFlight, waiting, circuit: this.#breaker.state, latency, isLeaving: this.isLeaving };
  }

  add(part: Part): void {
    this.#waiting.push(part);
    this.#pump();
    if (this.#waiting.includes(part)) this.#counts.delayed += 1;
  }

  /** From now on requests go to another URL, those that wait among them; gives what the ones before went by. */
  move(parts: Pick<ShardParts, "url" | "transport" | "replica">): readonly Transport[] {
    const { transport, replica } = this.#parts;
    this.#parts = { ...this.#parts, ...parts, replica: parts.replica };
    return replica === undefined ? [transport] : [transport, replica.transport];
  }

  isAt(url: string, replica: string | undefined): boolean {
    const other = replica === undefined ? undefined : new URL(replica).href;
    return this.#parts.url.href === url && this.#parts.replica?.url.href === other;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await Promise.all([this.#parts.transport.close(), this.#parts.replica?.transport.close()]);
  }

  /** Sends what may go now, and comes back when the next may. */
  #pump(): void {
    this.#cancelTimer();
    while (!this.#isClosed && this.#inFlight < this.#limit && this.#waiting.length > 0) {
      const nowMs = this.#parts.clock.nowMs();
      const place = this.#parts.settings.ordered ? 0 : earliest(this.#waiting, nowMs);
      const part = this.#waiting[place] as Part;
      const breakerMs = this.#breaker.nextMs();
      if (breakerMs === undefined) return;
      const atMs = Math.max(part.notBeforeMs, breakerMs, this.#rate.nextMs(), this.#busyUntilMs);
      if (atMs > nowMs) {
        this.#cancelTimer = this.#parts.clock.after(atMs - nowMs, () => this.#pump());
        return;
      }
      this.#waiting.splice(place, 1);
      if (!part.delivery.isOver) void this.#attempt(part, nowMs);
    }
  }

  async #attempt(part: Part, nowMs: number): Promise<void> {
    this.#inFlight += 1;
    this.#counts.requests += 1;
    this.#breaker.sent();
    this.#rate.sent(nowMs);
    part.firstAttemptMs ??= nowMs;
    const outcome = await this.#send(part);
    this.#inFlight -= 1;
    if (this.#isClosed) return;
    try {
      this.#judge(part, outcome);
    } catch (error) {
      part.delivery.fail(`${this.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#pump();
  }

  /** The answer that counts: the first, where a second request is made. */
  async #send(part: Part): Promise<Verdict> {
    const afterMs = this.#hedgeAfterMs();
    if (afterMs === undefined) return await this.#attemptAt(part, this.#parts);
    const [first, second] = [new AbortController(), new AbortController()];
    const attempts = [this.#attemptAt(part, this.#parts, first.signal)];
    const isSlow = await this.#outlasts(attempts[0] as Promise<Verdict>, afterMs);
    if (isSlow && this.#mayHedge()) {
      this.#counts.hedges += 1;
      attempts.push(this.#attemptAt(part, this.#parts.replica ?? this.#parts, second.signal));
    }
    const { verdict, place } = await firstAnswer(attempts);
    if (place === 1) this.#counts.hedgesWon += 1;
    first.abort();
    second.abort();
    return verdict;
  }

  async #attemptAt(
    part: Part,
    { url, transport }: Pick<ShardParts, "url" | "transport">,
    signal?: AbortSignal,
  ): Promise<Verdict> {
    const { settings, credentials, clock } = this.#parts;
    const sentMs = clock.nowMs();
    try {
      const reply = await transport.send(this.#message(part, url), signal);
      this.#answers.record(clock.nowMs() - sentMs);
      if (credentials.mayChange && hasExpired(reply)) {
        credentials.renew();
        const reason = `status ${reply.status}: the credentials of the file are not accepted`;
        return { kind: "again", reason, isBusy: true };
      }
      return verdict(reply, settings.dialect, part.count, clock.wallMs());
    } catch (error) {
      return { kind: "again", reason: cause(error), isBusy: false };
    }
  }

  #message(part: Part, at: URL): Message {
    const { settings, credentials, clock } = this.#parts;
    const url = new URL(at);
    const { keyParameter, method, contentType, compression } = settings;
    if (keyParameter !== undefined) {
      url.search += `${url.search === "" ? "?" : "&"}${keyParameter}=${encodeURIComponent(part.key)}`;
    }
    const headers = {
      "content-type": contentType,
      ...(compression === "" ? {} : { "content-encoding": compression }),
      "idempotency-key": part.key,
      ...credentials.headers,
    };
    const signature = credentials.signature({ method, url, headers, body: part.body, key: part.key }, clock.wallMs());
    return { method, path: `${url.pathname}${url.search}`, headers: { ...headers, ...signature }, body: part.body };
  }

  /** How long a request waits before a second one is made; `undefined`: for ever. */
  #hedgeAfterMs(): number | undefined {
    const { hedge } = this.#parts.settings;
    if (hedge === undefined || this.#breaker.state !== "closed") return undefined;
    if ("ms" in hedge.after) return hedge.after.ms;
    return this.#answers.count < LEAST_ANSWERS ? undefined : this.#answers.quantileMs(hedge.after.share);
  }

  #mayHedge(): boolean {
    const share = this.#parts.settings.hedge?.share ?? 0;
    return (
      !this.#isClosed && this.#breaker.state === "closed" && this.#counts.hedges + 1 <= share * this.#counts.requests
    );
  }

  async #outlasts(attempt: Promise<Verdict>, ms: number): Promise<boolean> {
    let cancel = () => {};
    const passed = new Promise<boolean>((resolve) => {
      cancel = this.#parts.clock.after(ms, () => resolve(true));
    });
    const isSlow = await Promise.race([passed, attempt.then(() => false)]);
    cancel();
    return isSlow;
  }

  #judge(part: Part, outcome: Verdict): void {
    if (outcome.kind === "again") {
      this.#again(part, outcome);
      return;
    }
    // Whatever it says, it is there.
    this.#breaker.succeeded();
    const { delivery } = part;
    if (outcome.kind === "wrong") {
      this.#failed(outcome.reason);
      delivery.fail(`${this.name}: ${outcome.reason}`);
      return;
    }
    if (outcome.kind === "accepted") this.#count(part, part.count);
    if (outcome.kind === "refused") this.#refused(part, outcome.reason);
    if (outcome.kind === "partial") this.#partial(part, outcome);
    delivery.settle();
    if (delivery.isOver) this.#latencies.record(this.#parts.clock.nowMs() - delivery.sinceMs);
  }

  /** Some row may be at fault: it is found by halves. */
  #refused(part: Part, reason: string): void {
    this.#failed(reason);
    if (part.count === 1) part.delivery.refuse(part, [[0, reason]]);
    else this.#putBack(halves(part.count).map((places) => part.delivery.some(part, places)));
  }

  #partial(part: Part, { again, refused }: Extract<Verdict, { kind: "partial" }>): void {
    const { delivery } = part;
    this.#count(part, part.count - again.length - refused.size);
    delivery.refuse(part, refused);
    if (again.length === 0 || delivery.isOver) return;
    const rest = delivery.some(part, again);
    rest.failures = part.failures;
    rest.firstAttemptMs = part.firstAttemptMs;
    this.#again(rest, { reason: `${again.length} rows for another time`, isBusy: true });
  }

  /** Tries a part again later, unless it has been tried for too long. */
  #again(part: Part, { reason, afterMs = 0, isBusy }: Omit<Extract<Verdict, { kind: "again" }>, "kind">): void {
    const { clock, settings } = this.#parts;
    const nowMs = clock.nowMs();
    this.#failed(reason);
    if (isBusy) this.#breaker.succeeded();
    else this.#breaker.failed(nowMs);
    this.#busyUntilMs = Math.max(this.#busyUntilMs, nowMs + afterMs);
    part.failures += 1;
    const triedMs = nowMs - (part.firstAttemptMs ?? nowMs);
    if (triedMs >= settings.retry.giveUpAfter) {
      const seconds = Math.round(triedMs / 1000);
      const attempts = part.failures === 1 ? "1 attempt" : `${part.failures} attempts`;
      part.delivery.fail(
        `${this.name} has not taken a request in ${seconds} s and ${attempts}; the last one: ${reason}. Check the endpoint, ` +
          "or raise retry.giveUpAfter.",
      );
      return;
    }
    part.notBeforeMs = nowMs + backoff(settings.retry, part.failures, clock.random());
    this.#counts.retries += 1;
    this.#putBack([part]);
  }

  /** Before everything that the core has made later. */
  #putBack(parts: readonly Part[]): void {
    const id = parts[0]?.delivery.request.id ?? 0;
    const place = this.#waiting.findIndex(({ delivery }) => delivery.request.id > id);
    this.#waiting.splice(place === -1 ? this.#waiting.length : place, 0, ...parts);
  }

  #failed(reason: string): void {
    this.#counts.errors += 1;
    this.#counts.lastError = reason;
  }

  #count(part: Part, rows: number): void {
    this.#counts.rows += rows;
    this.#counts.bytes += part.body.byteLength;
  }
}

/** Before so many answers nobody knows how long one takes. */
const LEAST_ANSWERS = 50;

/** The first answer that says something of the rows, or else the last. */
async function firstAnswer(attempts: readonly Promise<Verdict>[]): Promise<{ verdict: Verdict; place: number }> {
  const placed = attempts.map(async (attempt, place) => ({ verdict: await attempt, place }));
  const first = await Promise.race(placed);
  if (first.verdict.kind !== "again") return first;
  const all = await Promise.all(placed);
  return all.find(({ verdict }) => verdict.kind !== "again") ?? first;
}

/** Whether other credentials of the same kind might do. AWS says 403 of tokens that have expired. */
function hasExpired({ status, text }: Reply): boolean {
  return status === 401 || (status === 403 && /expired|security token/i.test(text));
}

/** The place of the first that may go now, or of the one that may next. */
function earliest(parts: readonly Part[], nowMs: number): number {
  let best = 0;
  for (const [place, { notBeforeMs }] of parts.entries()) {
    if (notBeforeMs <= nowMs) return place;
    if (notBeforeMs < (parts[best] as Part).notBeforeMs) best = place;
  }
  return best;
}

function halves(count: number): number[][] {
  const places = Array.from({ length: count }, (_, place) => place);
  return [places.slice(0, count >> 1), places.slice(count >> 1)];
}

/** "connect ECONNREFUSED 127.0.0.1:9000 (ECONNREFUSED)" says it once. */
function cause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (error.message === "") return code === "" ? error.name : code;
  return code === "" || error.message.includes(code) ? error.message : `${error.message} (${code})`;
}

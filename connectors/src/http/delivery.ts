import type { HttpQueue, HttpRequest } from "./settings.js";

/** A request of its own over the wire: all rows of one that the core has made, or some of them. */
export class Part {
  /** Attempts that have failed. */
  failures = 0;
  /** When the core handed over what it is of. */
  readonly sinceMs: number;
  firstAttemptMs: number | undefined;
  /** The next attempt is not made before. */
  notBeforeMs = 0;

  constructor(
    readonly delivery: Delivery,
    readonly body: Uint8Array,
    /** As they are counted in the whole; `undefined`: all. */
    readonly rows: Uint32Array | undefined,
    /** The same at each attempt. */
    readonly key: string,
  ) {
    this.sinceMs = delivery.sinceMs;
  }

  get count(): number {
    return this.rows?.length ?? this.delivery.request.rows;
  }
}

/** A request of the core's until it is answered: whole at first, in parts where its rows have different fates. */
export class Delivery {
  #open = 0;
  #parts = 0;
  #isOver = false;
  readonly #refused = new Map<number, string>();

  constructor(
    readonly request: HttpRequest,
    private readonly queue: HttpQueue,
    /** The endpoint, as errors name it. */
    private readonly by: string,
    /** What tells the request from all others. */
    private readonly key: string,
    private readonly failsOnRefused: boolean,
    /** When the core handed it over. */
    readonly sinceMs: number,
  ) {}

  /** It is answered: what is left of it need not be sent. */
  get isOver(): boolean {
    return this.#isOver;
  }

  whole(): Part {
    this.#open += 1;
    return new Part(this, this.request.body, undefined, this.key);
  }

  /** Some rows of a part, which go by their place in it, as one of its own. */
  some(of: Part, places: readonly number[]): Part {
    const rows = Uint32Array.from(places, (place) => of.rows?.[place] ?? place);
    this.#open += 1;
    this.#parts += 1;
    return new Part(this, this.queue.partOfRequest(this.request.id, rows), rows, `${this.key}/${this.#parts}`);
  }

  /** These rows of a part, by their place in it, are never taken. */
  refuse(part: Part, refused: Iterable<readonly [number, string]>): void {
    for (const [place, reason] of refused) this.#refused.set(part.rows?.[place] ?? place, reason);
    if (this.failsOnRefused && this.#refused.size > 0) this.#answer();
  }

  /** Nothing is left to do for a part. */
  settle(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#answer();
  }

  /** The job cannot go on. */
  fail(error: string): void {
    this.#answer(error);
  }

  #answer(error?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const refused = [...this.#refused.keys()];
    const answer = { refused, reasons: [...this.#refused.values()], by: this.by };
    this.queue.answer(this.request.id, error === undefined ? answer : { ...answer, error });
  }
}

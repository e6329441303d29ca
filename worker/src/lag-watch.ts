/** Tells a lag on demand; `undefined` where it is not known. It never fails. */
export interface Lag {
  look(): Promise<number | undefined>;
  close(): Promise<void>;
}

// A look takes 1 ms of CPU, the first 5 ms more: an idle job stays under 1 % of a core.
const INTERVAL_MS = 10_000;

/** Looks at a lag now and then while a job runs, one look at a time. */
export class LagWatch {
  #known: number | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout;

  constructor(private readonly lag: Lag) {
    // The first look falls between two lines of the status log; a job that is over sooner never connects.
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => this.look(), INTERVAL_MS);
      this.look();
    }, INTERVAL_MS / 2);
  }

  /** As last looked at. */
  get known(): number | undefined {
    return this.#known;
  }

  /** Looks, unless a look is under way; settles with it. */
  look(): Promise<void> {
    this.#looking ??= this.lag.look().then((lag) => {
      this.#known = lag;
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Looks where the look before had an answer: then this one soon has one, too. */
  async lookOnceMore(): Promise<void> {
    await this.#looking;
    if (this.#known !== undefined) await this.look();
  }

  /** Stops looking, after the look that is under way. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
    await this.lag.close();
  }
}

const LINE_EVERY_MS = 15_000;
const REDRAW_EVERY_MS = 200;
const TERMINAL = process.stderr.isTTY === true;
const CLEAR = TERMINAL ? "\r\x1b[2K" : "";

/** Shows how far a step is: one line redrawn on a terminal, a line now and then elsewhere. Writes to stderr. */
export class Progress {
  #title;
  #estimate;
  #start = performance.now();
  #detail = "";
  #timer;

  constructor(title, estimate) {
    this.#title = title;
    this.#estimate = estimate;
    if (!TERMINAL) process.stderr.write(`${title} (${estimate})\n`);
    this.#timer = setInterval(() => this.#show(), TERMINAL ? REDRAW_EVERY_MS : LINE_EVERY_MS);
    this.#timer.unref();
  }

  /** Says what is being done: "212 of 301 crates, about 2 min left". */
  report(detail) {
    this.#detail = detail;
  }

  end(ok) {
    clearInterval(this.#timer);
    const elapsed = duration(performance.now() - this.#start);
    process.stderr.write(`${CLEAR}${ok ? "✔" : "✘"} ${this.#title} (${elapsed})\n`);
  }

  #show() {
    const elapsed = duration(performance.now() - this.#start);
    const text = `… ${this.#title}: ${elapsed}, ${this.#detail || this.#estimate}`;
    process.stderr.write(TERMINAL ? CLEAR + text.slice(0, process.stderr.columns - 1) : `${text}\n`);
  }
}

/** "4 min 10 s". */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

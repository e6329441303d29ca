const LINES = 40;
const START = 300;
const END = 1500;

/** The beginning and the end of a line that may hold the whole log of a job. */
const shortened = (line) => (line.length <= START + END ? line : `${line.slice(0, START)} […] ${line.slice(-END)}`);

/** What the failed tests in tap's output say: the points that failed, each with what was wrong. */
export class TapFailures {
  #lines = [];
  /** How many lines of the point at hand may still be shown. */
  #left = 0;
  /** The excerpt of its source, which a line number says as well, has begun. */
  #isSource = false;

  see(text) {
    const [, indent] = /^( *)not ok \d+ - /.exec(text) ?? [];
    // Of a file that failed its points say why.
    if (indent !== undefined) this.#left = indent === "" ? 1 : LINES;
    else if (/^ *(ok \d+ - |# |1\.\.\d)/.test(text)) this.#left = 0;
    const [, key] = /^ *(\w+): ?[>|]?-?$/.exec(text) ?? [];
    if (indent !== undefined || key !== undefined || /^ *\.\.\.$/.test(text)) this.#isSource = key === "source";
    if (this.#left === 0 || this.#isSource || text.trim() === "") return;
    this.#left -= 1;
    this.#lines.push(shortened(text));
  }

  text() {
    return this.#lines.join("\n");
  }
}

/** The end of an output, which is where a compiler, a linter and cargo say what was wrong. */
export const endOf = (lines) => lines.slice(-LINES).map(shortened).join("\n");

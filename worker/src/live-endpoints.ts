import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Endpoint } from "@millrace/connectors/http";

/** A file that holds the endpoints of a sink, and what a list of it comes to. */
export interface EndpointFile {
  readonly file: string;
  endpoints(list: unknown): readonly Endpoint[];
}

const LOOK_EVERY_MS = 1000;

/** Looks at a file of endpoints again and again; one that is no list of them changes nothing. */
export class LiveEndpoints {
  readonly #timer: NodeJS.Timeout;
  /** What was looked at last, whatever it came to. */
  #text: string;

  /** @throws when the file is not there, or is no list of endpoints */
  constructor(
    private readonly from: EndpointFile,
    private readonly onChange: (endpoints: readonly Endpoint[]) => void,
    private readonly warn: (text: string) => void,
    everyMs = LOOK_EVERY_MS,
  ) {
    this.#text = readFileSync(from.file, "utf8");
    onChange(this.#endpoints());
    this.#timer = setInterval(() => void this.#look(), everyMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    // While it is replaced it may not be there.
    const text = await readFile(this.from.file, "utf8").catch(() => this.#text);
    if (text === this.#text) return;
    this.#text = text;
    try {
      this.onChange(this.#endpoints());
    } catch (error) {
      this.warn(`${error instanceof Error ? error.message : String(error)}. The endpoints stay as they were.`);
    }
  }

  #endpoints(): readonly Endpoint[] {
    return this.from.endpoints(parsed(this.#text));
  }
}

/** `undefined` where it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import { readFileSync } from "node:fs";
import type { HttpAuth, Secret } from "./settings.js";

/** The headers that hold secrets; those from files are read anew when the endpoint does not accept them any more. */
export class Credentials {
  #headers: Readonly<Record<string, string>>;

  /** @throws when a file cannot be read */
  constructor(
    private readonly auth: HttpAuth | undefined,
    private readonly given: Readonly<Record<string, Secret>>,
  ) {
    this.#headers = this.#read();
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  /** Whether there may be other secrets later. */
  get mayChange(): boolean {
    const { auth, given } = this;
    const own = auth === undefined ? [] : ["bearer" in auth ? auth.bearer : auth.password];
    return [...own, ...Object.values(given)].some((secret) => typeof secret === "object");
  }

  renew(): void {
    try {
      this.#headers = this.#read();
    } catch {
      // Whoever replaces the file may be about to: the next attempt looks again.
    }
  }

  #read(): Record<string, string> {
    const given = Object.entries(this.given).map(([name, secret]) => [name.toLowerCase(), text(secret)]);
    return { ...authorization(this.auth), ...Object.fromEntries(given) };
  }
}

function authorization(auth: HttpAuth | undefined): Record<string, string> {
  if (auth === undefined) return {};
  if ("bearer" in auth) return { authorization: `Bearer ${text(auth.bearer)}` };
  const both = Buffer.from(`${auth.username}:${text(auth.password)}`).toString("base64");
  return { authorization: `Basic ${both}` };
}

function text(secret: Secret): string {
  return typeof secret === "string" ? secret : readFileSync(secret.file, "utf8").trim();
}

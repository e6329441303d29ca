import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { readSecret } from "../calling/secret.js";
import type { SigV4Settings } from "./settings.js";
import type { AwsCredentials } from "./sigv4.js";

/** Credentials from a file are read again so long before they expire. */
const BEFORE_EXPIRY_MS = 5 * 60_000;

interface Found extends AwsCredentials {
  readonly expiresMs?: number | undefined;
}

/** Credentials that may change: from the job, from the variables of AWS's tools, or from a file. */
export class AwsKeys {
  #found: Found;
  #changedMs: number | undefined;

  /** @throws when there are none */
  constructor(
    private readonly given: SigV4Settings["credentials"],
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#found = this.#read();
  }

  /** Whether there may be others later. */
  get mayChange(): boolean {
    if (this.#file() !== undefined) return true;
    return this.given !== undefined && Object.values(this.given).some((secret) => typeof secret === "object");
  }

  current(wallMs: number): AwsCredentials {
    const { expiresMs } = this.#found;
    const isNear = expiresMs !== undefined && wallMs >= expiresMs - BEFORE_EXPIRY_MS;
    if (isNear || this.#hasChanged()) this.renew();
    return this.#found;
  }

  /** Reads them again; those that there are stay where that cannot be. */
  renew(): void {
    try {
      this.#found = this.#read();
    } catch {
      // Whoever replaces the file may be about to: the next request looks again.
    }
  }

  #hasChanged(): boolean {
    const file = this.#file();
    return file !== undefined && changedMs(file.path) !== this.#changedMs;
  }

  #read(): Found {
    const file = this.#file();
    if (file !== undefined) {
      const changed = changedMs(file.path);
      const found = inFile(file.path, file.profile);
      this.#changedMs = changed;
      return found;
    }
    if (this.given !== undefined && "accessKeyId" in this.given) {
      const { accessKeyId, secretAccessKey, sessionToken } = this.given;
      return {
        accessKeyId: readSecret(accessKeyId),
        secretAccessKey: readSecret(secretAccessKey),
        ...(sessionToken === undefined ? {} : { sessionToken: readSecret(sessionToken) }),
      };
    }
    const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN } = this.env;
    const token = AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: AWS_SESSION_TOKEN };
    return { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY, ...token };
  }

  #file(): { readonly path: string; readonly profile: string } | undefined {
    const { AWS_ACCESS_KEY_ID, AWS_PROFILE = "default", AWS_SHARED_CREDENTIALS_FILE } = this.env;
    if (this.given !== undefined) {
      return "file" in this.given ? { path: this.given.file, profile: this.given.profile ?? AWS_PROFILE } : undefined;
    }
    if (AWS_ACCESS_KEY_ID) return undefined;
    return { path: AWS_SHARED_CREDENTIALS_FILE ?? join(homedir(), ".aws/credentials"), profile: AWS_PROFILE };
  }
}

function changedMs(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function inFile(path: string, profile: string): Found {
  const text = readFileSync(path, "utf8");
  const found = text.trimStart().startsWith("{") ? inJson(text) : inProfile(text, profile);
  if (found === undefined) throw new Error(`${path} has no credentials of AWS for the profile "${profile}"`);
  return found;
}

/** As a `credential_process` prints it. */
function inJson(text: string): Found | undefined {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = JSON.parse(text) as Record<string, string>;
  if (!AccessKeyId || !SecretAccessKey) return undefined;
  const expiresMs = Expiration === undefined ? undefined : Date.parse(Expiration);
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken, expiresMs };
}

/** As AWS's tools keep them: "[profile]" and "name = value" below it. */
function inProfile(text: string, profile: string): Found | undefined {
  const values = new Map<string, string>();
  let isIn = false;
  for (const line of text.split("\n").map((line) => line.trim())) {
    const section = /^\[(.*)\]$/.exec(line)?.[1]?.trim();
    if (section !== undefined) isIn = section === profile;
    const [, name, value] = /^([^#;=]+?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (isIn && name !== undefined && value !== undefined) values.set(name.toLowerCase(), value);
  }
  const [accessKeyId, secretAccessKey] = [values.get("aws_access_key_id"), values.get("aws_secret_access_key")];
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: values.get("aws_session_token") };
}

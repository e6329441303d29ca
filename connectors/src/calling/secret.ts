import { readFileSync } from "node:fs";

/** A text that is nobody's business, or the file that holds it. */
export type Secret = string | { readonly file: string };

/** @throws when its file cannot be read, with what to do */
export function readSecret(secret: Secret): string {
  if (typeof secret === "string") return secret;
  try {
    return readFileSync(secret.file, "utf8").trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the file of a secret cannot be read (${reason}): write it, or correct its path`, { cause: error });
  }
}

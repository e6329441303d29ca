import { readFileSync } from "node:fs";

/** A text that is nobody's business, or the file that holds it. */
export type Secret = string | { readonly file: string };

/** @throws when its file cannot be read */
export function readSecret(secret: Secret): string {
  return typeof secret === "string" ? secret : readFileSync(secret.file, "utf8").trim();
}

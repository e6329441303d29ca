import { readFileSync } from "node:fs";
import type { Secret } from "./settings.js";

/** @throws when its file cannot be read */
export function readSecret(secret: Secret): string {
  return typeof secret === "string" ? secret : readFileSync(secret.file, "utf8").trim();
}

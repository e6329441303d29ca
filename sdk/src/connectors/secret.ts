/**
 * A text that is neither shown nor logged: given as it is, or as the file that holds it, which is read when it is needed, and
 * again when the other side does not accept it any more.
 *
 * ```ts
 * import { env, type Secret } from "millrace";
 * const token: Secret = process.env.TOKEN_FILE ? { file: process.env.TOKEN_FILE } : env("TOKEN");
 * ```
 */
export type Secret = string | { readonly file: string };

/** By the names that librdkafka, or who else reads them, has for them. */
export type Secrets = Readonly<Record<string, Secret>>;

/** What a plan shows in the place of a secret. */
export function shownSecret(secret: Secret): string {
  return typeof secret === "string" ? "(secret)" : `(secret in ${secret.file})`;
}

import { StateError } from "millrace";

/** What a run begins with: what the last one committed, nothing that is stored, or a savepoint. */
export type Start = "latest" | "fresh" | `savepoint:${string}`;

/** The start from a savepoint. */
export function fromSavepoint(name: string): Start {
  return `savepoint:${savepointName(name)}`;
}

/** A savepoint's name is one of a folder in every storage. */
export function savepointName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw new StateError(
      `savepoint ${JSON.stringify(name)}: a name begins with a letter or digit and has letters, digits, ".", "_" and "-"`,
    );
  }
  return name;
}

import type { Mongo } from "./connect.js";

/** Where reading goes on. */
export type Position =
  | {
      readonly kind: "snapshot";
      /** When it began, by the server's clock, in milliseconds since the epoch. */
      readonly begun: number;
      /** The `_id` of the last document that has been read. */
      readonly after?: unknown;
      /** The token behind which changes go on then. */
      readonly resume?: unknown;
    }
  | {
      readonly kind: "changes";
      readonly resume?: unknown;
      /** Without a token: from this time on, in milliseconds since the epoch, or from now. */
      readonly from?: number;
    };

/** A position as text. Ids and tokens keep their types, as MongoDB's extended JSON has them. */
export function written(position: Position, { BSON }: Pick<Mongo, "BSON">): string {
  const { kind, resume } = position;
  const own = kind === "snapshot" ? { begun: position.begun, after: tagged(position.after) } : { from: position.from };
  return BSON.EJSON.stringify({ kind, ...own, resume: tagged(resume) }, { relaxed: false });
}

export function parsed(text: string, { BSON }: Pick<Mongo, "BSON">): Position {
  // What is not there is null.
  const { kind, begun, after, from, resume } = BSON.EJSON.parse(text, { relaxed: false });
  const behind = resume ? { resume: resume.is } : {};
  if (kind === "snapshot") return { kind, begun: Number(begun), ...(after ? { after: after.is } : {}), ...behind };
  return { kind: "changes", ...(from === null || from === undefined ? {} : { from: Number(from) }), ...behind };
}

/** Tells a null that is there from nothing. */
function tagged(value: unknown): { readonly is: unknown } | undefined {
  return value === undefined ? undefined : { is: value };
}

import { type Row, schema, t } from "millrace";
import { type Equal, expect } from "./expect.js";
import type { Everything } from "./rows.js";

expect<
  Equal<
    Row<typeof Everything>,
    {
      flag: boolean;
      small: number;
      large: bigint;
      ratio: number;
      money: string;
      name: string;
      raw: Uint8Array;
      seconds: number;
      at: number;
      exact: bigint;
      day: string;
      tags: string[];
      place: { city: string; zip: number | null };
      maybe: bigint | null;
      note: string | null;
      until: number | null;
    }
  >
>();

const Nested = schema({
  points: t.list(t.struct({ x: t.float64(), at: t.timestamp("ns") })),
  sparse: t.list(t.int64().nullable()).nullable(),
});
expect<Equal<Row<typeof Nested>, { points: { x: number; at: bigint }[]; sparse: (bigint | null)[] | null }>>();

// @ts-expect-error: a column is made by t, not named by a string
schema({ id: "int64" });
// @ts-expect-error: the function has to be called
schema({ id: t.int64 });
// @ts-expect-error: there is no such unit
t.timestamp("min");
// @ts-expect-error: a timestamp says its unit
t.timestamp();
// @ts-expect-error: a decimal says its scale, too
t.decimal(10);
// @ts-expect-error: the items of a list have a type
t.list();
// @ts-expect-error: a struct is made of columns
t.struct({ city: "string" });
// @ts-expect-error: a bigint is no double
export const wrong: Row<typeof Nested> = { points: [{ x: 1n, at: 1n }], sparse: null };

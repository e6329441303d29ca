import type { Driver, DriverSource, Row, SplitPage, Step } from "@millrace/connectors/driver";
import { schema, t as type } from "millrace";
import t from "tap";
import { rowReader, rowWriter } from "../functions/row-code.js";
import type { Batch, DriverCall, DriverPage, NativeJob } from "../native.js";
import { serve } from "./connect.js";
import type { DriverStep, Serving } from "./drivers.js";

const { fields } = schema({ id: type.int64(), name: type.string().nullable() });
const step: Step = { job: "a-job", name: "things(all)", fields };

/** What the core is told. */
function core() {
  const told: unknown[] = [];
  const native = {
    splits: (_: number, names: string[], bounded: boolean) => told.push({ names, bounded }),
    read: (_: number, page: DriverPage) => {
      const errors = page.errors.map(({ at, reason, value }) => ({
        at,
        reason,
        value: new TextDecoder().decode(value),
      }));
      told.push({ rows: rowsOf(page.rows), errors, token: page.token, ended: page.ended });
    },
    written: (_: number, refused: number[], reasons: string[]) => told.push({ refused, reasons }),
    found: (_: number, rows: Batch, keys: Uint32Array) => told.push({ rows: rowsOf(rows), keys: [...keys] }),
  };
  return { told, native: native as unknown as NativeJob };
}

function rowsOf({ length, columns }: Batch, of = fields): Row[] {
  const reader = rowReader(of.slice(0, columns.length));
  reader.take(columns);
  return Array.from({ length }, (_, row) => reader.get(row));
}

function batch(rows: readonly Row[], of = fields): Batch {
  const writer = rowWriter(of);
  writer.begin();
  rows.forEach((row, index) => {
    writer.set(index, row);
  });
  return { length: rows.length, columns: writer.finish(rows.length) };
}

const call = (want: DriverCall["want"], more: Partial<DriverCall> = {}): DriverCall => ({
  id: 1,
  step: "step-1",
  slot: 0,
  want,
  columns: ["id", "name"],
  ...more,
});

async function open(
  driver: Driver<undefined>,
  role: DriverStep["role"],
  native: NativeJob,
  about = step,
): Promise<Serving> {
  const serving = await serve(driver as Driver<unknown>, { role, options: undefined, about }, native);
  if (serving === undefined) throw new Error("it cannot do that");
  return serving;
}

class Passing extends Error {}
const mayPass = (error: unknown) => error instanceof Passing;

/** A source of one split, whose pages come in order; an error in their place is thrown once. */
function source(pages: (SplitPage | Error)[], opened: (string | undefined)[]): Driver<undefined> {
  const only: DriverSource = {
    splits: async () => ({ names: ["a"], bounded: true }),
    open: async (_, after) => {
      opened.push(after);
      return {
        next: async () => {
          const page = pages.shift();
          if (page instanceof Error) throw page;
          return page ?? { rows: [], token: "end", ended: true };
        },
      };
    },
    close: async () => {},
  };
  return { source: async () => only, mayPass };
}

t.test("a source gives its splits, and pages with what does not fit beside them", async (t) => {
  const { told, native } = core();
  const rows = [{ id: "x" }, { id: 1n, name: "a" }, { id: 2n, name: 5 }, { id: 3n }] as unknown as Row[];
  const pages = [{ rows, token: "t1" }];
  const calls = await open(source(pages, []), "source", native);
  await calls.serve(call("splits"));
  await calls.serve(call("read", { split: "a" }));
  t.match(told, [
    { names: ["a"], bounded: true },
    {
      token: "t1",
      ended: false,
      errors: [
        { at: 0, reason: 'column "id": expected int64 (bigint), found string "x"', value: '{"id":"x"}' },
        { at: 1, reason: 'column "name": expected string, found number 5', value: '{"id":"2","name":5}' },
      ],
    },
  ]);
  t.strictSame((told[1] as { rows: Row[] }).rows, [
    { id: 1n, name: "a" },
    { id: 3n, name: null },
  ]);
  // Of the two that fit: ids, offsets, a letter, and a byte of nulls.
  t.match(calls.figures(), { rows: 4, bytes: 2 * 8 + 3 * 4 + 1 + 1, splitsLeft: 1 });
  await calls.serve(call("read", { split: "a", after: "t1" }));
  t.match(calls.figures(), { bytes: 30, splitsLeft: 0 });
  await calls.close();
});

t.test("a source of changes is behind by the time since the last that was read, until there are no more", async (t) => {
  const { native } = core();
  const page = (token: string, rest: Partial<SplitPage>): SplitPage => ({ rows: [], token, ...rest });
  const made = Date.now() - 60_000;
  const pages = [page("t1", {}), page("t2", { changedMs: made }), page("t3", {}), page("t4", { caughtUp: true })];
  const calls = await open(source(pages, []), "source", native);
  const lags: (number | undefined)[] = [];
  for (const after of ["t0", "t1", "t2", "t3"]) {
    await calls.serve(call("read", { split: "a", after }));
    lags.push(calls.figures().lagMs);
  }
  const [unknown, behind = 0, stillBehind = 0, caughtUp] = lags;
  t.equal(unknown, undefined);
  t.ok(behind >= 60_000 && stillBehind >= behind, `${behind} ms, then ${stillBehind} ms`);
  t.equal(caughtUp, 0);
  await calls.close();
});

t.test("a split is taken up behind its last page after a failure that may pass", async (t) => {
  const { told, native } = core();
  const opened: (string | undefined)[] = [];
  const pages = [{ rows: [{ id: 1n }], token: "t1" }, new Passing("gone"), { rows: [{ id: 2n }], token: "t2" }];
  const calls = await open(source(pages, opened), "source", native);
  await calls.serve(call("read", { split: "a", after: "t0" }));
  await calls.serve(call("read", { split: "a", after: "t1" }));
  await calls.serve(call("read", { split: "a", after: "t2" }));
  t.strictSame(opened, ["t0", "t1"]);
  t.strictSame(
    told.map((page) => (page as { token: string }).token),
    ["t1", "t2", "end"],
  );
  t.match(calls.figures(), { retries: 1, errors: 1 });
  await calls.close();
});

t.test("a failure that does not pass is told at once", async (t) => {
  const { native } = core();
  const calls = await open(source([new Error("no such thing")], []), "source", native);
  await t.rejects(calls.serve(call("read", { split: "a" })), { message: "no such thing" });
  await calls.close();
});

t.test("a sink gets rows and tells which of them were refused", async (t) => {
  const { told, native } = core();
  const batches: (readonly Row[])[] = [];
  let failures = 1;
  const driver: Driver<undefined> = {
    sink: async () => ({
      write: async (rows) => {
        batches.push(rows);
        if (failures-- > 0) throw new Passing("busy");
        return [{ row: 1, reason: "too long" }];
      },
      close: async () => {},
    }),
    mayPass,
  };
  const calls = await open(driver, "sink", native);
  const rows = [
    { id: 1n, name: "a" },
    { id: 2n, name: null },
  ];
  await calls.serve(call("write", { rows: batch(rows) }));
  t.strictSame(batches, [rows, rows], "the same rows come again");
  t.strictSame(told, [{ refused: [1], reasons: ["too long"] }]);
  const bytes = 2 * 8 + 3 * 4 + 1 + 1;
  t.match(calls.figures(), { rows: 1, bytes, retries: 1, errors: 1, latency: { count: 1 } }, "bytes count once");
  await calls.close();
});

t.test("a lookup gives the rows that there are, by their keys", async (t) => {
  const { told, native } = core();
  const keys = [{ name: "key", type: { kind: "int64" }, nullable: true }] as const;
  const known = new Map<unknown, Row>([
    [1n, { id: 1n, name: "one" }],
    [3n, { id: 3n, name: null }],
    [4n, { id: 4n, name: 4 }],
  ]);
  const driver: Driver<undefined> = {
    lookup: async () => ({ find: async (keys) => keys.map(({ key }) => known.get(key)), close: async () => {} }),
  };
  const calls = await open(driver, "lookup", native, { ...step, keys });
  const asked = (...numbers: bigint[]) =>
    call("find", {
      rows: batch(
        numbers.map((key) => ({ key })),
        keys as never,
      ),
    });
  await calls.serve(asked(1n, 2n, 3n));
  t.strictSame(told, [
    {
      rows: [
        { id: 1n, name: "one" },
        { id: 3n, name: null },
      ],
      keys: [0, 2],
    },
  ]);
  t.match(calls.figures(), { rows: 2, bytes: 2 * 8 + 3 * 4 + 3 + 1 });
  await t.rejects(calls.serve(asked(4n)), {
    message: /what was found for {"key":"4"} does not fit the schema: row 0: column "name": expected string/,
  });
  await calls.close();
});

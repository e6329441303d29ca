/** Where a method of the SDK is called, as "bids.ts:12"; `undefined` where the stack does not tell. */
export function placeOfCall(method: (...args: never[]) => unknown): string | undefined {
  const here: { stack?: string } = {};
  Error.captureStackTrace(here, method);
  const caller = here.stack?.split("\n")[1] ?? "";
  const [, file, line] = /([^\\/()\s]+):(\d+):\d+\)?$/.exec(caller) ?? [];
  return file === undefined ? undefined : `${file}:${line}`;
}

// What the tests tell the jobs, and the rows that they share.
import { schema, t } from "millrace";

export const Trade = schema({
  account: t.string(),
  price: t.int64(),
  venue: t.string(),
  at: t.timestamp("ms"),
});

export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`the test must set ${name}`);
  return value;
}

export const brokers = variable("BROKERS");
export const parallelism = Number(process.env.PARALLELISM ?? 2);

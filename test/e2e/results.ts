import { randomUUID } from "node:crypto";
import type { KafkaClient } from "../harness/client.js";
import { type Result, windowName } from "../harness/model.js";

/** A name that no other test uses: for a job, and so its consumer group, and its topics. */
export const uniqueName = (about: string): string => `${about}-${randomUUID().slice(0, 8)}`;

/** Every row that a job wrote to the topic, by account and start of its window, in the order of writing. */
export async function readResults(kafka: KafkaClient, topic: string): Promise<Map<string, Result[]>> {
  const rows = new Map<string, Result[]>();
  for (const { value } of await kafka.read(topic)) {
    const row = JSON.parse(String(value)) as Result;
    const name = windowName(row.account, row.start);
    rows.set(name, [...(rows.get(name) ?? []), row]);
  }
  return rows;
}

/** How rows differ from what the model says, one line a difference; `duplicates` allows a window to be written again. */
export function differences(found: Map<string, Result[]>, expected: Map<string, Result>, duplicates = false): string[] {
  const lines: string[] = [];
  for (const [name, result] of expected) {
    const rows = found.get(name) ?? [];
    if (rows.length === 0) lines.push(`${name}: missing`);
    if (rows.length > 1 && !duplicates) lines.push(`${name}: written ${rows.length} times`);
    for (const row of rows) {
      for (const column of Object.keys(result) as (keyof Result)[]) {
        if (row[column] !== result[column]) {
          lines.push(`${name}: ${column} is ${row[column]}, expected ${result[column]} of ${result.n} trades`);
        }
      }
    }
  }
  for (const name of found.keys()) if (!expected.has(name)) lines.push(`${name}: not expected`);
  return lines;
}

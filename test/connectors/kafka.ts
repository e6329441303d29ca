// A broker in KRaft mode, and JSON.
import { json } from "millrace";
import { Columns } from "../conformance/connector.js";
import { jsonBytes, parseRow } from "../conformance/rows.js";
import { topics } from "./topics.js";

export default topics("kafka", { bytesOf: jsonBytes, read: () => json(Columns), write: () => json() }, async () => ({
  env: {},
  encoder: async () => JSON.stringify,
  decode: async (value) => parseRow(value),
  bad: { value: '{"id":"none"', says: 'column "id": expected int64, found "none"' },
  wrong: { source: [], sink: [] },
  stop: async () => {},
}));

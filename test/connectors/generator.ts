// Made-up rows: how many there are to be, and with which text, is what a start is told.
import { generator, lit, t } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { rowOf } from "../conformance/rows.js";

const connector: Connector = {
  name: "generator",
  source: {
    isBounded: true,
    from: (j, { env }) =>
      j
        .source(
          generator.bids({
            count: Number(env("COUNT")),
            rate: Number(env("RATE")),
            startTime: 0,
            eventsPerSecond: 1000,
          }),
        )
        // A millisecond from one event to the next: it numbers them.
        .select((bid) => ({ id: bid.dateTime.epochMilliseconds() }))
        .select(({ id }) => ({
          id,
          key: id.mod(97).cast(t.string()),
          text: env("TEXT") === "" ? lit("row ").concat(id.cast(t.string())) : lit(env("TEXT")),
        })),
  },
  async start() {
    return {
      stop: async () => {},
      async openSource() {
        let count = 0;
        // Slowly, so that there is something to be stopped in the middle; but for text that is to fill memory.
        const env = { RATE: "1000", TEXT: "" };
        return {
          get env() {
            return { ...env, COUNT: String(count) };
          },
          wrong: [],
          async fill([first, ...others]) {
            if (first === undefined) return;
            if (first.text !== rowOf(first.id).text) Object.assign(env, { RATE: "0", TEXT: first.text });
            count += 1 + others.length;
          },
        };
      },
    };
  },
};
export default connector;

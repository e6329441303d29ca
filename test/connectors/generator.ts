// Made-up rows: how many there are to be is what a start is told, so those that are added come with the next.
import { generator, lit, t } from "millrace";
import type { Connector } from "../conformance/connector.js";

const connector: Connector = {
  name: "generator",
  source: {
    from: (j, { env }) =>
      j
        .source(generator.bids({ count: Number(env("COUNT")), rate: 4000, startTime: 0, eventsPerSecond: 1000 }))
        // A millisecond from one event to the next: it numbers them.
        .select((bid) => ({ id: bid.dateTime.epochMilliseconds() }))
        .select(({ id }) => ({ id, key: id.mod(97).cast(t.string()), text: lit("row ").concat(id.cast(t.string())) })),
  },
  async start() {
    return {
      stop: async () => {},
      async openSource() {
        let count = 0;
        return {
          get env() {
            return { COUNT: String(count) };
          },
          wrong: [],
          fill: async (rows) => {
            count += rows.length;
          },
        };
      },
    };
  },
};
export default connector;

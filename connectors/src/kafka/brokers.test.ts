import t from "tap";
import { brokersIn } from "./brokers.js";

t.test(
  "brokers are told by their numbers, what is no broker is left out, and a broker that is asked nothing keeps its round trip",
  async (t) => {
    const broker = (nodeid: number, state: string, rest = {}) => ({
      name: nodeid < 0 ? "GroupCoordinator" : `127.0.0.1:909${nodeid}/${nodeid}`,
      nodeid,
      state,
      outbuf_cnt: 0,
      waitresp_cnt: 0,
      rtt: { p99: 0, cnt: 0 },
      ...rest,
    });
    const found = [
      broker(2, "UP", { outbuf_cnt: 1, waitresp_cnt: 2, rtt: { p99: 4767, cnt: 5 } }),
      broker(-1, "UP"),
      broker(1, "TRY_CONNECT"),
      broker(3, "INIT"),
    ];
    const brokers = Object.fromEntries(found.map((one) => [one.name, one]));
    t.strictSame(brokersIn(JSON.stringify({ brokers })), [
      { broker: "127.0.0.1:9091/1", state: "down", roundTripP99Ms: undefined, outstanding: 0 },
      { broker: "127.0.0.1:9092/2", state: "up", roundTripP99Ms: 4.767, outstanding: 3 },
      { broker: "127.0.0.1:9093/3", state: "unused", roundTripP99Ms: undefined, outstanding: 0 },
    ]);
    t.strictSame(brokersIn("{}"), []);

    const quiet = JSON.stringify({ brokers: { a: broker(2, "UP") } });
    const before = [{ broker: "127.0.0.1:9092/2", state: "up", roundTripP99Ms: 3, outstanding: 0 } as const];
    t.equal(brokersIn(quiet)[0]?.roundTripP99Ms, undefined);
    t.equal(brokersIn(quiet, before)[0]?.roundTripP99Ms, 3);
  },
);

/** How a client finds a broker. */
export interface BrokerHealth {
  /** "host:port" and the broker's number, as librdkafka calls it. */
  readonly broker: string;
  /** A broker that the client has had nothing to ask of is unused. */
  readonly state: "up" | "down" | "unused";
  /** Of 99 in 100 requests of the last few seconds in which there were some, from their sending to their answer. */
  readonly roundTripP99Ms: number | undefined;
  /** Requests that are queued, or without an answer. */
  readonly outstanding: number;
}

/** What is used here of librdkafka's statistics (its STATISTICS.md). */
interface Statistics {
  readonly brokers?: Readonly<Record<string, Broker>>;
}

interface Broker {
  readonly name: string;
  /** -1 for what is no broker but a part: the addresses that were given, the coordinator of a group. */
  readonly nodeid: number;
  readonly state: string;
  readonly outbuf_cnt: number;
  readonly waitresp_cnt: number;
  /** Microseconds. */
  readonly rtt?: { readonly p99: number; readonly cnt: number };
}

/** The brokers in librdkafka's statistics, by their numbers; what these do not tell is as it was `before`. */
export function brokersIn(statistics: string, before: readonly BrokerHealth[] = []): BrokerHealth[] {
  const { brokers = {} } = JSON.parse(statistics) as Statistics;
  const roundTripOf = (name: string) => before.find(({ broker }) => broker === name)?.roundTripP99Ms;
  return Object.values(brokers)
    .filter(({ nodeid }) => nodeid >= 0)
    .sort((a, b) => a.nodeid - b.nodeid)
    .map(({ name, state, outbuf_cnt, waitresp_cnt, rtt }) => ({
      broker: name,
      state: state === "UP" ? "up" : state === "INIT" ? "unused" : "down",
      roundTripP99Ms: rtt === undefined || rtt.cnt === 0 ? roundTripOf(name) : rtt.p99 / 1000,
      outstanding: outbuf_cnt + waitresp_cnt,
    }));
}

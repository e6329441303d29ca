import { FLINK } from "./flink/peer.js";
import { HAZELCAST_JET } from "./hazelcast-jet/peer.js";
import { KAFKA_STREAMS } from "./kafka-streams/peer.js";
import { NODE_LOOPS } from "./node-loop/peer.js";
import type { Peer } from "./peer.js";
import { QUIX } from "./quix/peer.js";

/** The systems that Millrace is compared with, in their variants. */
export const PEERS: readonly Peer[] = [...FLINK, ...KAFKA_STREAMS, ...HAZELCAST_JET, ...QUIX, ...NODE_LOOPS];

import t from "tap";
import { portOf } from "./connect.js";

t.test("a contact point may have a port", async (t) => {
  t.strictSame(portOf("10.0.0.1:9142"), { port: 9142 });
  t.strictSame(portOf("cassandra.example:9142"), { port: 9142 });
  t.strictSame(portOf("[::1]:9142"), { port: 9142 });
  t.strictSame(["10.0.0.1", "cassandra.example", "::1", "[::1]"].map(portOf), [{}, {}, {}, {}]);
});

import type { ConsumerGroup } from "@millrace/connectors";
import {
  files,
  type Job,
  job,
  json,
  type KafkaSourceOptions,
  kafka,
  type Shape,
  schema,
  stdout,
  t as type,
} from "millrace";
import t from "tap";
import { groupsOf, KafkaLag } from "./kafka-lag.js";

const Row = schema({ id: type.int64() });
type From = Omit<Partial<KafkaSourceOptions<Shape>>, "format">;

/** A job that reads each of the sources. */
const reading = (...sources: From[]): Job =>
  job("copy", (j) => {
    for (const from of sources) {
      j.source(kafka({ brokers: "a:9092", format: json(Row), ...from })).to(stdout({ format: json() }));
    }
  });

t.test("sources of one cluster and group are looked at together", async (t) => {
  const [both, other, elsewhere, ...more] = groupsOf(
    reading(
      { topic: "bids" },
      { topics: ["asks"] },
      { topic: "bids", group: "other" },
      { topic: "x", brokers: "b:9092" },
    ),
  );
  t.strictSame(more, []);
  t.strictSame(both?.properties, {
    "bootstrap.servers": "a:9092",
    "group.id": "copy",
    "security.protocol": "plaintext",
  });
  t.strictSame(
    ["bids", "asks", "x"].map((topic) => both?.reads(topic)),
    [true, true, false],
  );
  t.equal(other?.properties["group.id"], "other");
  t.equal(elsewhere?.properties["bootstrap.servers"], "b:9092");
});

t.test("a pattern matches whole names, and none of Kafka's own topics", async (t) => {
  const [group] = groupsOf(reading({ pattern: /bids|.*s-\d/ }));
  t.strictSame(
    ["bids", "bids-1", "asks-2", "old-bids", "asks-22", "__offsets-1"].map((topic) => group?.reads(topic)),
    [true, true, true, false, false, false],
  );
});

/** Clients that give these lags, an error in the place of one fails. */
class Clients {
  opened = 0;
  closed = 0;
  readonly #lags: (number | undefined | Error)[];

  constructor(...lags: (number | undefined | Error)[]) {
    this.#lags = lags;
  }

  readonly open = async (): Promise<ConsumerGroup> => {
    this.opened++;
    return {
      lag: async () => {
        const lag = this.#lags.shift();
        if (lag instanceof Error) throw lag;
        return lag;
      },
      brokers: [{ broker: "a:9092/1", state: "up", roundTripP99Ms: 2, outstanding: 0 }],
      close: async () => {
        this.closed++;
      },
    };
  };
}

const twoGroups = () => reading({ topic: "a" }, { topic: "b", group: "other" });

t.test("the lag is the sum over all groups, by clients that stay open", async (t) => {
  const clients = new Clients(1, 20, 3, 40);
  const lag = new KafkaLag(twoGroups(), clients.open);
  t.equal(await lag.look(), 21);
  t.equal(await lag.look(), 43);
  t.strictSame([clients.opened, clients.closed], [2, 0]);
  await lag.close();
  t.equal(clients.closed, 2);
});

t.test("a source of which the lag is not known leaves the whole unknown", async (t) => {
  const lag = new KafkaLag(twoGroups(), new Clients(1, undefined, 2, 3).open);
  t.equal(await lag.look(), undefined);
  t.equal(await lag.look(), 5);
});

t.test("a look that fails is no error, and the next one begins with a new client", async (t) => {
  const clients = new Clients(new Error("timed out"), 7);
  const lag = new KafkaLag(reading({ topic: "a" }), clients.open);
  t.equal(await lag.look(), undefined);
  t.equal(clients.closed, 1);
  t.equal(await lag.look(), 7);
  t.equal(clients.opened, 2);
});

t.test("brokers are told once for each cluster, and are down where the cluster has ceased to answer", async (t) => {
  let answers = true;
  const clients = new Clients(1, 2, 3, 4, new Error("timed out"), new Error("timed out"));
  const lag = new KafkaLag(twoGroups(), async () => (answers ? clients.open() : undefined));
  t.strictSame(lag.brokers, []);
  await lag.look();
  t.match(lag.brokers, [{ broker: "a:9092/1", state: "up", roundTripP99Ms: 2 }]);
  t.equal(lag.brokers.length, 1);
  answers = false;
  await lag.look();
  await lag.look();
  await lag.look();
  t.strictSame(lag.brokers, [{ broker: "a:9092/1", state: "down", roundTripP99Ms: undefined, outstanding: 0 }]);
});

t.test("without node-rdkafka, or without Kafka sources, there is no lag", async (t) => {
  t.equal(await new KafkaLag(reading({ topic: "a" }), async () => undefined).look(), undefined);
  const clients = new Clients(1);
  const ofFiles = job("copy", (j) =>
    j.source(files({ paths: "*.jsonl", format: json(Row) })).to(stdout({ format: json() })),
  );
  t.equal(await new KafkaLag(ofFiles, clients.open).look(), undefined);
  t.equal(clients.opened, 0);
});

import t from "tap";
import { explain } from "../explain/explain.js";
import { job } from "../stream/job.js";
import { clickhouse } from "./clickhouse.js";
import { deadLetter, json, type Sink } from "./connector.js";
import { files } from "./files.js";
import { generator } from "./generator.js";
import { type HttpConnection, http } from "./http.js";
import { opensearch } from "./opensearch.js";

const SECRET = "a secret";

const to = (sink: Sink) => job("sent", (j) => j.source(generator.bids()).to(sink));

function configOf(sink: Sink) {
  if (sink.config.kind !== "http") throw new Error(sink.config.kind);
  return sink.config;
}

t.test("neither explain nor the plan holds a secret", async (t) => {
  const secrets: HttpConnection[] = [
    { auth: { bearer: SECRET }, headers: { "x-api-key": SECRET } },
    { auth: { username: "millrace", password: SECRET } },
  ];
  for (const secret of secrets) {
    const url = `http://localhost/rows?token=${encodeURIComponent(SECRET)}`;
    const made = to(http({ url, format: json(), ...secret }));
    t.notMatch(explain(made), /secret/);
    t.notMatch(Buffer.from(made.toPlan()).toString(), /secret/);
  }
  t.throws(() => http({ url: "http://me:secret@localhost/rows", format: json() }), {
    message: "http: the URL of localhost holds a user or a password, and URLs are shown: give them as auth",
  });
});

t.test("explain tells how rows come to several endpoints, and what becomes of those that are refused", async (t) => {
  const made = job("sent", (j) =>
    j.source(generator.bids()).to(
      http({
        endpoints: ["http://a/rows", "http://b/rows", { url: "http://c/rows", weight: 2 }],
        format: json(),
        key: (bid) => bid.channel,
        onBadRecord: deadLetter(files({ directory: "bad", format: json() })),
      }),
    ),
  );
  const lines = explain(made).split("\n").slice(-4);
  t.strictSame(
    lines.map((line) => line.trim()),
    [
      "└─ http(a and 2 more)  [sink-1]  native",
      "3 endpoints, by the key",
      "key channel",
      "rows that are refused go to files",
    ],
  );
});

t.test("an endpoint goes by its URL without the query, or by its name", async (t) => {
  const { endpoints } = configOf(
    http({ endpoints: ["http://a/rows?token=x", { url: "http://b", name: "second", weight: 3 }], format: json() }),
  );
  t.strictSame(endpoints, [
    { name: "http://a/rows", url: "http://a/rows?token=x", weight: 1 },
    { name: "second", url: "http://b/", weight: 3 },
  ]);
});

t.test("what cannot be is said with the sink's name", async (t) => {
  const message = (options: object) => {
    try {
      http({ format: json(), ...options } as never);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(message({}), "http: give a url or a list of endpoints, one of them");
  t.equal(message({ endpoints: [] }), "http: give a url or a list of endpoints, one of them");
  t.equal(message({ url: "localhost" }), 'http: "localhost" is not a URL such as "http://localhost:8080/rows"');
  t.equal(message({ url: "http://a", concurrency: 0 }), "http(a): concurrency is 0: give a whole number from 1 on");
});

t.test("ClickHouse gets an INSERT with the settings that are given", async (t) => {
  const { endpoints, keyParameter, batchRows } = configOf(
    clickhouse({ url: "http://ch:8123", table: "a`b", database: "db", settings: { async_insert: 1 } }),
  );
  const { name, url } = endpoints[0] ?? { name: "", url: "" };
  t.equal(name, "http://ch:8123/");
  t.strictSame(Object.fromEntries(new URL(url).searchParams), {
    query: "INSERT INTO `db`.`a\\`b` FORMAT JSONEachRow",
    async_insert: "1",
  });
  t.strictSame([keyParameter, batchRows], ["insert_deduplication_token", 100_000]);
  t.equal(configOf(clickhouse({ url: "http://ch", table: "t", deduplicate: false })).keyParameter, undefined);
});

t.test("OpenSearch gets bulks for its index", async (t) => {
  const { endpoints, body } = configOf(opensearch({ url: "http://os:9200/behind/", index: "a b" }));
  t.strictSame([endpoints[0]?.url, body], ["http://os:9200/behind/a%20b/_bulk", "bulk"]);
});

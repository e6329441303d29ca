import t from "tap";
import { explain } from "../explain/explain.js";
import { arrow } from "../formats/arrow.js";
import { csv } from "../formats/csv.js";
import { lineProtocol } from "../formats/line-protocol.js";
import { parquet } from "../formats/parquet.js";
import { job } from "../stream/job.js";
import { clickhouse } from "./clickhouse.js";
import { deadLetter, json, type Sink } from "./connector.js";
import { files } from "./files.js";
import { generator } from "./generator.js";
import { type HttpConnection, http } from "./http.js";
import { influxdb } from "./influxdb.js";
import { opensearch } from "./opensearch.js";
import { prometheus } from "./prometheus.js";
import { questdb } from "./questdb.js";
import { sigv4 } from "./sigv4.js";
import { victoriametrics } from "./victoriametrics.js";
import { webhook } from "./webhook.js";

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
    { auth: sigv4({ region: "r", service: "s", credentials: { accessKeyId: SECRET, secretAccessKey: SECRET } }) },
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
  const columns = clickhouse({ url: "http://ch", table: "t", format: parquet({ compression: "zstd" }) });
  t.match(configOf(columns), { body: "parquet", contentType: "application/vnd.apache.parquet" });
  t.match(columns.format, { kind: "parquet", codec: "zstd" });
  const query = new URL(configOf(columns).endpoints[0]?.url ?? "").searchParams.get("query");
  t.equal(query, "INSERT INTO `t` FORMAT Parquet");
});

t.test("OpenSearch gets bulks for its index", async (t) => {
  const { endpoints, body } = configOf(opensearch({ url: "http://os:9200/behind/", index: "a b" }));
  t.strictSame([endpoints[0]?.url, body], ["http://os:9200/behind/a%20b/_bulk", "bulk"]);
});

t.test("a body is what its format makes of rows", async (t) => {
  const url = "http://a/rows";
  const of = (sink: Sink) => {
    const { body, contentType, compression } = configOf(sink);
    return [body, contentType, compression, sink.format?.kind];
  };
  const sample = { url, metric: "bids", value: "price", time: "dateTime" };
  t.strictSame(of(http({ url, format: json() })), ["lines", "application/x-ndjson", "", undefined]);
  t.strictSame(of(http({ url, format: json(), body: "array" })), ["array", "application/json", "", undefined]);
  t.strictSame(of(http({ url, format: csv() })), ["lines", "text/csv; charset=utf-8", "", "csv"]);
  t.strictSame(of(http({ url, format: arrow() })), ["arrow", "application/vnd.apache.arrow.stream", "", "arrow"]);
  t.strictSame(of(http({ url, format: parquet() })), ["parquet", "application/vnd.apache.parquet", "", "parquet"]);
  const lines = http({ url, format: lineProtocol({ measurement: "bids", time: "dateTime" }) });
  t.strictSame(of(lines), ["lines", "text/plain; charset=utf-8", "", "lineProtocol"]);
  for (const sink of [prometheus(sample as never), victoriametrics(sample as never)]) {
    t.strictSame(of(sink), ["joined", "application/x-protobuf", "snappy", "remoteWrite"]);
  }
});

t.test("servers of time series are reached where they are", async (t) => {
  const point = { url: "http://a", measurement: "m", time: "at" } as never as Parameters<typeof influxdb>[0];
  const url = (sink: Sink) => configOf(sink).endpoints[0]?.url;
  t.equal(url(influxdb({ ...point, database: "d b", precision: "us" } as never)), "http://a/write?db=d+b&precision=u");
  const bucket = influxdb({ ...point, bucket: "b", org: "o", token: SECRET } as never);
  t.equal(url(bucket), "http://a/api/v2/write?org=o&bucket=b&precision=ns");
  t.strictSame(configOf(bucket).auth, { token: SECRET });
  t.equal(url(questdb({ url: "http://a/behind", table: "t", time: "at" } as never)), "http://a/behind/write");
  const sample = { url: "http://a", metric: "m", value: "v", time: "at" };
  t.equal(url(prometheus(sample as never)), "http://a/api/v1/write");
  t.equal(url(victoriametrics({ ...sample, path: "/insert/0" } as never)), "http://a/insert/0");
  t.strictSame(
    [configOf(prometheus(sample as never)).ordered, configOf(victoriametrics(sample as never)).ordered],
    [true, false],
  );
});

t.test("a webhook has a row a request, or an array of rows", async (t) => {
  const one = configOf(webhook({ url: "http://a", secret: SECRET }));
  t.strictSame([one.batchRows, one.body, one.webhookSecret], [1, "lines", SECRET]);
  t.equal(configOf(webhook({ url: "http://a", batch: { rows: 10 } })).body, "array");
});

t.test("a request may arrive twice only where that makes no difference", async (t) => {
  const hedge = { after: 0.95 };
  const url = "http://a";
  t.throws(() => http({ url, format: json(), hedge }), { message: /^http\(a\): a hedged request may arrive twice: / });
  t.throws(() => opensearch({ url, index: "i", hedge }), { message: /may arrive twice/ });
  t.throws(() => prometheus({ url, metric: "m", value: "v", time: "at", hedge } as never), {
    message: /with an order/,
  });
  t.throws(() => http({ url, format: json(), hedge: { after: 2, idempotent: true } }), { message: /hedge.after is 2/ });
  t.strictSame(configOf(http({ url, format: json(), method: "PUT", hedge })).hedge, {
    after: { share: 0.95 },
    share: 0.05,
  });
  const clicks = clickhouse({ url, table: "t", hedge: { after: "200ms", share: 0.1 } });
  t.strictSame(configOf(clicks).hedge, { after: { ms: 200 }, share: 0.1 });
});

t.test("endpoints may be in a file, whose lists are looked at as others are", async (t) => {
  const sink = clickhouse({ endpoints: { file: "shards.json" }, table: "t" });
  const { live, endpoints } = configOf(sink);
  t.strictSame([sink.name, endpoints], ["clickhouse(shards.json)", []]);
  const [first, second] = live?.endpoints(["http://a", { url: "http://b", name: "b", weight: 2 }]) ?? [];
  t.match(first, { name: "http://a/", url: /^http:\/\/a\/\?query=INSERT/, weight: 1 });
  t.match(second, { name: "b", weight: 2 });
  for (const none of [undefined, {}, [7], [{ name: "a" }]]) {
    t.throws(() => live?.endpoints(none), { message: /shards.json is not a list of URLs/ });
  }
  t.throws(() => live?.endpoints(["http://a", "http://a"]), { message: /is there twice/ });
  t.throws(() => live?.endpoints([]), { message: /give a url or a list/ });
  t.throws(() => live?.endpoints([{ url: "http://a", weight: 0 }]), { message: /more than nothing/ });
  t.match(explain(to(sink)), /endpoints of shards.json, a batch to each by turns/);
});

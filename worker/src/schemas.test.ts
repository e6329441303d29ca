import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { avro, job, json, jsonSchema, kafka, protobuf, schema, t as types } from "millrace";
import t from "tap";
import { prepareSchemas } from "./schemas.js";

/** A registry that gives every schema the next number, and tells what it was asked. */
async function registry(t: { teardown(end: () => void): void }) {
  const asked: {
    path: string;
    authorization: string | undefined;
    body: { schemaType?: string; references?: object[] };
  }[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request) text += part;
    const body = JSON.parse(text) as { schemaType?: string; references?: object[] };
    asked.push({ path: decodeURIComponent(String(request.url)), authorization: request.headers.authorization, body });
    response.end(JSON.stringify({ id: asked.length, version: 3 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const Row = schema({ id: types.int64() });
const source = kafka({ topic: "in", brokers: "b:1", format: json(Row) });

t.test("files that a .proto imports are registered before it, under their names and once", async (t) => {
  const { url, asked } = await registry(t);
  const imports = { "a.proto": 'import "b.proto";', "b.proto": 'import "google/protobuf/any.proto";', "c.proto": "" };
  const proto = 'import "a.proto";\n// import "c.proto";\nimport public "b.proto"; message Row { int64 id = 1; }';
  const format = protobuf({ proto, imports, registry: { url } });
  const built = job("j", (j) =>
    j
      .source(source)
      .to(kafka({ topic: "out", brokers: "b:1", format }))
      .id("out"),
  );
  t.strictSame([...(await prepareSchemas(built))], [["out", asked.length]]);
  const reference = (name: string) => ({ name, subject: name, version: 3 });
  t.strictSame(
    asked.map(({ path, body }) => [path, body.references]),
    [
      ["/subjects/b.proto/versions", []],
      ["/subjects/b.proto", []],
      ["/subjects/a.proto/versions", [reference("b.proto")]],
      ["/subjects/a.proto", [reference("b.proto")]],
      ["/subjects/out-value/versions", [reference("a.proto"), reference("b.proto")]],
    ],
  );
  t.ok(asked.every(({ body }) => body.schemaType === "PROTOBUF"));
});

t.test("a token is read from its file, and one that is not there is told of", async (t) => {
  const { url, asked } = await registry(t);
  const token = join(t.testdir({ token: "abc\n" }), "token");
  const by = (file: string) => {
    const format = avro({ registry: { url, token: { file } } });
    return job("j", (j) => j.source(source).to(kafka({ topic: "out", brokers: "b:1", format })));
  };
  await prepareSchemas(by(token));
  t.strictSame(
    asked.map(({ authorization }) => authorization),
    ["Bearer abc"],
  );
  await t.rejects(prepareSchemas(by(`${token}s`)), {
    step: "kafka(out)",
    message: /^kafka\(out\): token: the file of a secret cannot be read .*tokens'\): write it, or correct its path$/,
  });
});

t.test("a schema that is not to be registered is looked up", async (t) => {
  const { url, asked } = await registry(t);
  const format = jsonSchema({ registry: { url, register: false } });
  const built = job("j", (j) =>
    j
      .source(source)
      .to(kafka({ topic: "out", brokers: "b:1", format }))
      .id("out"),
  );
  t.strictSame([...(await prepareSchemas(built))], [["out", 1]]);
  t.match(asked, [{ path: "/subjects/out-value", body: { schemaType: "JSON" } }]);
});

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { RegistryError, SchemaRegistry } from "./client.js";

interface Asked {
  path: string;
  authorization: string | undefined;
  body: unknown;
}

/** A registry that answers by path. */
async function registry(
  t: { teardown(end: () => void): void },
  answers: Record<string, [status: number, body: string]>,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const path = `${request.method} ${request.url}`;
    const body = await read(request);
    asked.push({
      path,
      authorization: request.headers.authorization,
      body: body === "" ? undefined : JSON.parse(body),
    });
    const [status, text] = answers[path] ?? [404, '{"error_code":40401,"message":"Subject not found"}'];
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) text += part;
  return text;
}

t.test("a schema is asked for once by its number, with the login that was given", async (t) => {
  const { url, asked } = await registry(t, { "GET /schemas/ids/7": [200, '{"schema":"\\"long\\""}'] });
  const client = new SchemaRegistry({ url: `${url}/`, properties: { username: "me", password: "secret" } });
  t.strictSame(await client.byId(7), { schema: '"long"', references: [] });
  await client.byId(7);
  t.strictSame(asked, [{ path: "GET /schemas/ids/7", authorization: "Basic bWU6c2VjcmV0", body: undefined }]);
});

t.test("references come each after the ones that it needs itself, and once", async (t) => {
  const version = (schema: string, references: object[] = []) =>
    [200, JSON.stringify({ id: 1, version: 1, schema, references })] as [number, string];
  const reference = (subject: string) => ({ name: subject, subject, version: 1 });
  const { url } = await registry(t, {
    "GET /subjects/top/versions/latest": version("top", [reference("left"), reference("a/b")]),
    "GET /subjects/left/versions/1": version("left", [reference("a/b")]),
    "GET /subjects/a%2Fb/versions/1": version("shared"),
  });
  const client = new SchemaRegistry({ url, properties: {} });
  t.strictSame(await client.referencesOf(await client.latest("top")), [
    { name: "a/b", schema: "shared" },
    { name: "left", schema: "left" },
  ]);
});

t.test("a schema is registered or looked up under its subject", async (t) => {
  const { url, asked } = await registry(t, { "POST /subjects/s/versions": [200, '{"id":3}'] });
  const client = new SchemaRegistry({ url, properties: { token: "t0ken" } });
  t.equal(await client.register("s", { schema: '"long"' }), 3);
  t.strictSame(asked[0]?.body, { schema: '"long"', references: [] });
  const references = [{ name: "a.proto", subject: "a.proto", version: 1 }];
  await client.register("s", { schema: "message M {}", schemaType: "PROTOBUF", references });
  t.strictSame(asked[1]?.body, { schema: "message M {}", schemaType: "PROTOBUF", references });
  t.equal(asked[0]?.authorization, "Bearer t0ken");
  const missing = await client.lookUp("s", { schema: '"long"' }).catch((error: RegistryError) => error);
  t.ok(missing instanceof RegistryError && missing.isMissing);
});

t.test("errors say which registry, what it said and what to check", async (t) => {
  const { url } = await registry(t, {
    "GET /schemas/ids/1": [401, ""],
    "GET /schemas/ids/2": [200, "<html>"],
    "GET /schemas/ids/3": [404, "<html>"],
  });
  const client = new SchemaRegistry({ url, properties: {} });
  const message = async (id: number) => ((await client.byId(id).catch((error: Error) => error)) as Error).message;
  t.equal(
    await message(1),
    `schema registry ${url}: 401 Unauthorized. Check the user name and password, or the token.`,
  );
  t.equal(await message(2), `${url} is no schema registry: its answer is no JSON. Check its URL.`);
  t.equal(await message(3), `schema registry ${url}: 404 Not Found. Check its URL.`);
  t.equal(await message(4), `schema registry ${url}: Subject not found`);
  const gone = new SchemaRegistry({ url: "http://127.0.0.1:1", properties: {} });
  await t.rejects(gone.byId(1), { message: /^schema registry http:\/\/127\.0\.0\.1:1 does not answer: / });
});

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { StorageProxy } from "./storage-proxy.js";

t.test("requests pass, and meet the mood of the proxy", async (t) => {
  const seen: string[] = [];
  const server = createServer((incoming, answer) => {
    incoming.setEncoding("utf8").on("data", (body: string) => seen.push(`${incoming.method} ${incoming.url} ${body}`));
    incoming.on("end", () => answer.writeHead(200, { "content-length": 6 }).end("stored"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await StorageProxy.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(async () => {
    await proxy.stop();
    server.close();
  });
  const put = async (body: string) => {
    const answer = await fetch(`${proxy.endpoint}/bucket/key`, { method: "PUT", body });
    return `${answer.status} ${await answer.text()}`;
  };

  t.equal(await put("a"), "200 stored");
  await proxy.become("errors");
  t.match(await put("b"), /^503 .*<Code>SlowDown<\/Code>/);
  await proxy.become("cut");
  await t.rejects(put("c"));
  await proxy.become("unreachable");
  await t.rejects(put("d"));
  await proxy.become(50);
  const begun = performance.now();
  t.equal(await put("e"), "200 stored");
  t.ok(performance.now() - begun >= 49);
  await proxy.become("well");
  t.equal(await put("f"), "200 stored");

  t.strictSame(seen, ["PUT /bucket/key a", "PUT /bucket/key c", "PUT /bucket/key e", "PUT /bucket/key f"]);
});

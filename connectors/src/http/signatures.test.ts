import { createHmac } from "node:crypto";
import { utimesSync, writeFileSync } from "node:fs";
import t from "tap";
import { AwsKeys } from "./aws-credentials.js";
import { Credentials } from "./secrets.js";
import { signedHeaders, type ToSign } from "./sigv4.js";

// AWS's published test suite for Signature Version 4.
const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const SCOPE = { region: "us-east-1", service: "service" };
const AT_MS = Date.UTC(2015, 7, 30, 12, 36, 0);

const signature = (request: Partial<ToSign> & { readonly path?: string }, keys: object = {}) => {
  const url = new URL(request.path ?? "/", "https://example.amazonaws.com");
  const whole = { method: "GET", url, headers: {}, body: "", ...request };
  return signedHeaders(whole, { ...KEYS, ...keys }, SCOPE, AT_MS).authorization?.split("Signature=")[1];
};

t.test("signatures are those of AWS's test suite", async (t) => {
  t.equal(
    signedHeaders(
      { method: "GET", url: new URL("https://example.amazonaws.com/"), headers: {}, body: "" },
      KEYS,
      SCOPE,
      AT_MS,
    ).authorization,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
      "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    "get-vanilla",
  );
  const cases = {
    "post-vanilla": [{ method: "POST" }, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    "get-vanilla-query-order-key-case": [
      { path: "/?Param2=value2&Param1=value1" },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    "post-x-www-form-urlencoded": [
      {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "Param1=value1",
      },
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
  } as const;
  for (const [name, [request, expected]] of Object.entries(cases)) t.equal(signature(request), expected, name);
});

t.test("credentials come from the job, the environment, or a file", async (t) => {
  const folder = t.testdir({
    ini: "[default]\naws_access_key_id = one\naws_secret_access_key=two\n\n[other]\n# c = d\naws_access_key_id = 3\naws_secret_access_key = 4\naws_session_token = a=b\n",
    json: JSON.stringify({ Version: 1, AccessKeyId: "5", SecretAccessKey: "6", SessionToken: "7" }),
    key: "8\n",
  });
  const of = (given: ConstructorParameters<typeof AwsKeys>[0], env = {}) => new AwsKeys(given, env).current(0);
  t.match(of({ file: `${folder}/ini` }), { accessKeyId: "one", secretAccessKey: "two", sessionToken: undefined });
  const other = { accessKeyId: "3", secretAccessKey: "4", sessionToken: "a=b" };
  t.match(of({ file: `${folder}/ini`, profile: "other" }), other);
  t.match(of(undefined, { AWS_SHARED_CREDENTIALS_FILE: `${folder}/ini`, AWS_PROFILE: "other" }), other);
  t.match(of({ file: `${folder}/json` }), { accessKeyId: "5", secretAccessKey: "6", sessionToken: "7" });
  t.match(of({ accessKeyId: { file: `${folder}/key` }, secretAccessKey: "9" }), {
    accessKeyId: "8",
    secretAccessKey: "9",
  });
  const env = { AWS_ACCESS_KEY_ID: "e", AWS_SECRET_ACCESS_KEY: "f", AWS_SESSION_TOKEN: "g" };
  t.strictSame(of(undefined, env), { accessKeyId: "e", secretAccessKey: "f", sessionToken: "g" });
  t.throws(() => of({ file: `${folder}/ini`, profile: "none" }), /has no credentials of AWS for the profile "none"/);
});

t.test(
  "a file of credentials is read again when it changes, when they expire, and when they are refused",
  async (t) => {
    const file = `${t.testdir({})}/keys.json`;
    const write = (id: string, expiresMs: number) => {
      const keys = { AccessKeyId: id, SecretAccessKey: "s", Expiration: new Date(expiresMs).toISOString() };
      writeFileSync(file, JSON.stringify(keys));
      utimesSync(file, 1, 1);
    };
    write("first", 3_600_000);
    const keys = new AwsKeys({ file }, {});
    write("second", 7_200_000);
    t.equal(keys.current(0).accessKeyId, "first");
    t.equal(keys.current(3_400_000).accessKeyId, "second", "shortly before they expire");
    write("third", 7_200_000);
    utimesSync(file, 2, 2);
    t.equal(keys.current(0).accessKeyId, "third", "its time is another");
    write("fourth", 7_200_000);
    utimesSync(file, 2, 2);
    keys.renew();
    t.equal(keys.current(0).accessKeyId, "fourth");
  },
);

t.test("a request is signed with the session's token and its body", async (t) => {
  const sigv4 = { ...SCOPE, credentials: { ...KEYS, sessionToken: "the token" } };
  const credentials = new Credentials({ auth: { sigv4 }, headers: {} });
  const request = {
    method: "POST",
    url: new URL("https://example.amazonaws.com/_bulk"),
    headers: { "content-type": "application/x-ndjson" },
    body: Buffer.from("{}"),
    key: "k",
  };
  t.match(credentials.signature(request, AT_MS), {
    "x-amz-security-token": "the token",
    "x-amz-content-sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    authorization: /SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, /,
  });
});

t.test("a webhook is signed with its id and time", async (t) => {
  const secret = Buffer.from("the bytes of a secret");
  const given = { url: new URL("http://hooks"), method: "POST", headers: {}, body: Buffer.from("{}"), key: "id/1" };
  const expected = createHmac("sha256", secret).update("id/1.1440938160.{}").digest("base64");
  for (const webhookSecret of [`whsec_${secret.toString("base64")}`, secret.toString()]) {
    t.strictSame(new Credentials({ headers: {}, webhookSecret }).signature(given, AT_MS), {
      "webhook-id": "id/1",
      "webhook-timestamp": "1440938160",
      "webhook-signature": `v1,${expected}`,
    });
  }
});

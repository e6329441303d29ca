import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { CassandraServer } from "../harness/cassandra.js";
import { type Certificate, selfSigned } from "../harness/certificate.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { lines, ROW } from "./cassandra-rows.js";

const USER = "millrace";

let server: CassandraServer;
let certificate: Certificate;
t.before(async () => {
  certificate = await selfSigned("127.0.0.1");
  server = await CassandraServer.start({ certificate });
  t.teardown(() => server.stop());
  await server.query(`CREATE ROLE ${USER} WITH LOGIN = true AND PASSWORD = 'the-first'`);
});

interface Table {
  readonly name: string;
  /** The file that the job reads on and on. */
  readonly input: string;
  readonly password: string;
  readonly at: { readonly auth: object; readonly tls: { readonly ca: string } };
  count(): Promise<number>;
}

let tables = 0;
async function table(t: Test, password: string): Promise<Table> {
  const name = `t${++tables}`;
  await server.query(`CREATE TABLE ${server.keyspace}.${name} (${ROW})`);
  const { key, certificate: pem } = certificate;
  const folder = t.testdir({
    ...{ "in.jsonl": lines(0, 100), "certificate.pem": pem, "key.pem": key, password },
    "other.pem": (await selfSigned("127.0.0.1")).certificate,
  });
  const path = (file: string) => join(folder, file);
  const tls = { ca: path("certificate.pem"), certificate: path("certificate.pem"), key: path("key.pem") };
  return {
    name,
    input: path("in.jsonl"),
    password: path("password"),
    at: { auth: { username: USER, password: { file: path("password") } }, tls },
    async count() {
      const [row] = await server.query<{ n: bigint }>(`SELECT count(*) AS n FROM ${server.keyspace}.${name}`);
      return Number(row?.n);
    },
  };
}

function write(t: Test, { name, input, at }: Table, more: object = {}): Job {
  const env = { CASSANDRA: server.address, JOB: "write", TABLE: name, INPUT: input, FOLLOW: "yes" };
  const job = Job.run("cassandra.ts", { env: { ...env, AT: JSON.stringify({ ...at, ...more }) } });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

t.test("over mutual TLS, a password that is changed is read again from its file", async (t) => {
  const target = await table(t, "the-first\n");
  const job = write(t, target);
  const come = (count: number) =>
    eventually(async () => !job.running || (await target.count()) === count, {
      what: `${count} rows`,
      withinMs: 120_000,
      detail: () => job.log,
    });
  await come(100);
  await server.query(`ALTER ROLE ${USER} WITH PASSWORD = 'the-second'`);
  // New connections need the new password.
  await server.kill();
  await writeFile(target.input, lines(100, 100), { flag: "a" });
  await server.restart();
  await eventually(() => !job.running || /no node is up: .*(username|password|credentials)/i.test(job.log), {
    what: "a login that is refused",
    withinMs: 60_000,
    detail: () => job.log,
  });
  await writeFile(target.password, "the-second\n");
  await come(200);
  t.ok(job.running, job.log);
  t.notMatch(job.log, /the-first|the-second/);
});

t.test("what is not let in ends the job, and the error says what to do", async (t) => {
  await server.query(`ALTER ROLE ${USER} WITH PASSWORD = 'the-first'`);
  const target = await table(t, "the-first\n");
  const { ca } = target.at.tls;
  const [other, nowhere] = ["other.pem", "nowhere.pem"].map((file) => join(dirname(ca), file));
  const wrong: [object, RegExp][] = [
    [{ auth: { username: USER, password: "wrong" } }, /refuses the login of .*millrace.*: .*Correct auth\./],
    [{ auth: undefined }, /refuses the login without a user: .*Correct auth\./],
    [{ tls: false }, /no connection to .*Check contactPoints, tls/],
    [{ tls: { ca } }, /no connection to .*Check contactPoints, tls/],
    [{ tls: { ca: other } }, /no connection to .*self-signed certificate.*Check contactPoints, tls/],
    [{ tls: { ca: nowhere } }, /nowhere\.pem/],
  ];
  const check = async ([more, says]: (typeof wrong)[number]) => {
    const job = write(t, target, more);
    const { code } = await job.exited(120_000);
    t.ok(code === 4 || code === 5, `${code}: ${job.log}`);
    t.match(job.stderr, says);
  };
  await Promise.all(wrong.map(check));
});

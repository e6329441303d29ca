import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import type cassandra from "cassandra-driver";
import type { Step } from "../driver/driver.js";
import { unreachable } from "./errors.js";
import type { Secret, Settings } from "./settings.js";

/** The module `cassandra-driver`. */
export type Cassandra = typeof cassandra;

export interface Connection {
  readonly cassandra: Cassandra;
  readonly client: cassandra.Client;
  readonly settings: Settings;
  readonly step: Step;
  readonly consistency: number;
}

/** Connections that are lost are asked for again, at most so long afterwards. */
const RECONNECT_MS = { first: 200, last: 5000 };
const CONNECT_MS = 5000;

/** @throws Error, saying what to do, when there is no connection */
export async function connect(settings: Settings, step: Step): Promise<Connection> {
  const cassandra = await load();
  const consistency = consistencyOf(cassandra, settings.consistency);
  const client = new cassandra.Client(options(cassandra, settings));
  try {
    await client.connect();
  } catch (error) {
    await client.shutdown().catch(() => {});
    throw unreachable(settings, error);
  }
  return { cassandra, client, settings, step, consistency };
}

async function load(): Promise<Cassandra> {
  try {
    return (await import("cassandra-driver")).default;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("it needs the package cassandra-driver, which is not installed: npm install cassandra-driver");
  }
}

/** The number of a consistency that is given as in CQL. */
export function consistencyOf({ types }: Cassandra, name: string): number {
  const camel = name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const found = types.consistencies[camel as keyof typeof types.consistencies];
  if (typeof found === "number") return found;
  throw new Error(`there is no consistency ${JSON.stringify(name)}: give one such as "LOCAL_QUORUM"`);
}

function options(cassandra: Cassandra, settings: Settings): cassandra.ClientOptions {
  const { policies } = cassandra;
  const { contactPoints, localDataCenter, auth, tls, timeout, speculative } = settings;
  return {
    contactPoints: [...contactPoints],
    localDataCenter,
    ...(auth === undefined ? {} : { authProvider: login(cassandra, auth) }),
    ...(tls === false ? {} : { sslOptions: sslOf(tls) }),
    encoding: { map: Map, useBigIntAsLong: true, useBigIntAsVarint: true },
    socketOptions: { connectTimeout: CONNECT_MS, readTimeout: timeout },
    policies: {
      reconnection: new policies.reconnection.ExponentialReconnectionPolicy(
        RECONNECT_MS.first,
        RECONNECT_MS.last,
        true,
      ),
      ...(speculative === undefined
        ? {}
        : {
            speculativeExecution: new policies.speculativeExecution.ConstantSpeculativeExecutionPolicy(
              speculative.delay,
              speculative.executions,
            ),
          }),
    },
  };
}

/** A login whose password is read when a connection asks for it. */
function login(
  { auth }: Cassandra,
  { username, password }: { readonly username: string; readonly password: Secret },
): cassandra.auth.AuthProvider {
  let known = text(password);
  const provider: cassandra.auth.AuthProvider = new auth.PlainTextAuthProvider(username, known);
  provider.newAuthenticator = (endpoint, name) => {
    try {
      known = text(password);
    } catch {
      // Whoever replaces the file may be about to: the next connection looks again.
    }
    return new auth.PlainTextAuthProvider(username, known).newAuthenticator(endpoint, name);
  };
  return provider;
}

function text(secret: Secret): string {
  return typeof secret === "string" ? secret : readFileSync(secret.file, "utf8").trim();
}

function sslOf(tls: Exclude<Settings["tls"], false>): ConnectionOptions {
  const { ca, certificate, key } = typeof tls === "object" ? tls : {};
  return {
    // The driver's default is to trust anyone.
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(certificate === undefined ? {} : { cert: readFileSync(certificate) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  };
}

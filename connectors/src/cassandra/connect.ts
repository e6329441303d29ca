import type { ConnectionOptions } from "node:tls";
import type cassandra from "cassandra-driver";
import { readPem } from "../calling/pem.js";
import { readSecret, type Secret } from "../calling/secret.js";
import type { Step } from "../driver/driver.js";
import { told, unreachable } from "./errors.js";
import type { Settings } from "./settings.js";

/** The module `cassandra-driver`. */
export type Cassandra = typeof cassandra;

export interface Connection {
  readonly cassandra: Cassandra;
  readonly client: cassandra.Client;
  readonly settings: Settings;
  readonly step: Step;
  readonly consistency: number;
  /** An error of a call as a user gets it. */
  told(error: unknown): Error;
  close(): Promise<void>;
}

/** Connections that are lost are asked for again, at most so long afterwards. */
const RECONNECT_MS = { first: 200, last: 5000 };
const CONNECT_MS = 5000;

/** What values of CQL are in JavaScript. */
export const ENCODING = { map: Map, useBigIntAsLong: true, useBigIntAsVarint: true };

/** @throws Error, saying what to do, when there is no connection */
export async function connect(settings: Settings, step: Step): Promise<Connection> {
  const cassandra = await load();
  const consistency = consistencyOf(cassandra, settings.consistency);
  const client = new cassandra.Client(options(cassandra, settings));
  let refused: Error | undefined;
  client.on("log", (level: string, _of: string, _message: string, error: unknown) => {
    if (level === "warning" && error instanceof Error) refused = error;
  });
  // No socket keeps the process: until it is closed, this does.
  const held = setInterval(() => {}, 60_000);
  const close = async () => {
    clearInterval(held);
    await client.shutdown().catch(() => {});
    // A client that has never been connected goes on asking for nodes.
    (client as unknown as { controlConnection: { shutdown(): void } }).controlConnection.shutdown();
  };
  try {
    await client.connect();
  } catch (error) {
    await close();
    throw unreachable(settings, error);
  }
  return { cassandra, client, settings, step, consistency, told: (error) => told(step.name, error, refused), close };
}

async function load(): Promise<Cassandra> {
  try {
    const { default: loaded } = await import("cassandra-driver");
    await letGo();
    return loaded;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("it needs the package cassandra-driver, which is not installed: npm install cassandra-driver");
  }
}

/** What the driver loses track of after failures, so that it would keep the process for ever: where it is made, and its name. */
const LOST = [
  ["connection", "open", "netClient"],
  ["connection", "_setIdleTimeout", "_idleTimeout"],
  ["host", "setDistance", "_healthResponseCountTimer"],
  ["host-connection-pool", "scheduleNewConnectionAttempt", "_newConnectionTimeout"],
] as const;
let isLetGo = false;

async function letGo(): Promise<void> {
  if (isLetGo) return;
  isLetGo = true;
  for (const [file, method, name] of LOST) {
    const { default: module } = (await import(`cassandra-driver/lib/${file}.js`)) as { default: Module };
    const { prototype } = module.Host ?? module;
    const original = prototype[method] as (...args: unknown[]) => unknown;
    prototype[method] = function (this: Inner, ...args: unknown[]) {
      const result = original.apply(this, args);
      (this[name] as { unref?(): void } | null | undefined)?.unref?.();
      return result;
    };
  }
}

/** An object of the driver's own. */
type Inner = Record<string, unknown>;

/** A class, or an object that has it. */
interface Module {
  readonly prototype: Inner;
  readonly Host?: { readonly prototype: Inner };
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
    protocolOptions: portOf(contactPoints[0] ?? ""),
    ...(auth === undefined ? {} : { authProvider: login(cassandra, auth) }),
    ...(tls === false ? {} : { sslOptions: sslOf(tls) }),
    encoding: ENCODING,
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

/** Nodes tell the addresses of the others without their ports: all of a cluster have the one that is named first. */
export function portOf(contactPoint: string): { readonly port?: number } {
  const port = /^(?:\[.*\]|[^:]*):(\d+)$/.exec(contactPoint)?.[1];
  return port === undefined ? {} : { port: Number(port) };
}

/** A login whose password is read when a connection asks for it. */
function login(
  { auth }: Cassandra,
  { username, password }: { readonly username: string; readonly password: Secret },
): cassandra.auth.AuthProvider {
  let known = readSecret(password);
  const provider: cassandra.auth.AuthProvider = new auth.PlainTextAuthProvider(username, known);
  provider.newAuthenticator = (endpoint, name) => {
    try {
      known = readSecret(password);
    } catch {
      // Whoever replaces the file may be about to: the next connection looks again.
    }
    return new auth.PlainTextAuthProvider(username, known).newAuthenticator(endpoint, name);
  };
  return provider;
}

function sslOf(tls: Exclude<Settings["tls"], false>): ConnectionOptions {
  return {
    // The driver's default is to trust anyone.
    rejectUnauthorized: true,
    ...(typeof tls === "object" ? readPem(tls) : {}),
  };
}

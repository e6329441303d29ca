import type { Collection, Document, MongoClient, MongoClientOptions } from "mongodb";
import { readPem } from "../calling/pem.js";
import { readSecret } from "../calling/secret.js";
import { failure, isRefusedLogin, MongoFailure } from "./errors.js";
import type { Target } from "./settings.js";

export type Mongo = typeof import("mongodb");

/** The driver, which users install who need it. */
export async function loadMongo(): Promise<Mongo> {
  try {
    return await import("mongodb");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new MongoFailure("the package mongodb is not installed: npm install mongodb@6", false, error);
  }
}

/** What steps need of a connection. */
export type Access = Pick<Connection, "mongo" | "use" | "close">;

/** One step's way to its collection. */
export class Connection {
  #client: Promise<MongoClient> | undefined;
  #isClosed = false;

  private constructor(
    readonly mongo: Mongo,
    private readonly target: Target,
  ) {}

  /** @throws MongoFailure when no server is found, or it does not let in */
  static async open(target: Target, mongo?: Mongo): Promise<Connection> {
    const connection = new Connection(mongo ?? (await loadMongo()), target);
    try {
      await connection.use("connecting", (_, client) => client.db(target.database).command({ ping: 1 }));
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  /** @throws MongoFailure, `what` has failed */
  async use<T>(
    what: string,
    action: (collection: Collection<Document>, client: MongoClient) => Promise<T>,
  ): Promise<T> {
    const { database, collection } = this.target;
    try {
      const client = await this.#connected();
      return await action(client.db(database).collection(collection), client);
    } catch (error) {
      const mayChange = this.#secretsMayChange();
      if (mayChange && isRefusedLogin(error)) await this.#forget();
      throw failure(what, error, mayChange);
    }
  }

  /** @throws MongoFailure when there is no such collection */
  async expectCollection(): Promise<void> {
    const { database, collection } = this.target;
    const known = await this.use("looking for the collection", (_, client) =>
      client.db(database).listCollections({}, { nameOnly: true, authorizedCollections: true }).toArray(),
    );
    const names = known.map(({ name }) => name);
    if (names.includes(collection)) return;
    const others = names.length === 0 ? "none at all" : names.sort().slice(0, 20).join(", ");
    throw new MongoFailure(`there is no such collection in the database ${database}; there is ${others}.`, false);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#forget();
  }

  #connected(): Promise<MongoClient> {
    if (this.#isClosed) throw new MongoFailure("the connection is closed", false);
    if (this.#client === undefined) {
      const connecting = this.#connect();
      this.#client = connecting;
      connecting.catch(() => {
        // A client that has not found its server once never does.
        if (this.#client === connecting) this.#client = undefined;
      });
    }
    return this.#client;
  }

  async #connect(): Promise<MongoClient> {
    const client = new this.mongo.MongoClient(readSecret(this.target.url), clientOptions(this.target));
    try {
      return await client.connect();
    } catch (error) {
      await client.close().catch(() => {});
      throw error;
    }
  }

  /** The next call reads secrets again. */
  async #forget(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.then((client) => client.close()).catch(() => {});
  }

  #secretsMayChange(): boolean {
    const { url, auth } = this.target;
    return typeof url === "object" || typeof auth?.password === "object";
  }
}

function clientOptions({ auth, tls, connectTimeout, responseTimeout }: Target): MongoClientOptions {
  return {
    serverSelectionTimeoutMS: connectTimeout,
    connectTimeoutMS: connectTimeout,
    socketTimeoutMS: responseTimeout,
    // A 64-bit number is exact, and bytes are told from ids.
    useBigInt64: true,
    driverInfo: { name: "millrace" },
    ...(auth === undefined ? {} : { auth: { username: auth.username, password: readSecret(auth.password) } }),
    ...(auth?.source === undefined ? {} : { authSource: auth.source }),
    ...(tls === undefined ? {} : tlsOptions(tls)),
  };
}

function tlsOptions(tls: NonNullable<Target["tls"]>): MongoClientOptions {
  return typeof tls === "boolean" ? { tls } : { tls: true, ...readPem(tls) };
}

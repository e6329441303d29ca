import { createServer, connect as dial, type Server, type Socket } from "node:net";

/** From this version on, metadata come as they are read here. */
const METADATA = { api: 3, since: 9 };
/** Up to this version, the answer ends with the port; since the other, the request with what is asked for. */
const FIND_COORDINATOR = { api: 10, since: 1, until: 2 };
const GROUP = 0;
/** A broker that is in no answer of metadata, at a port that nobody listens at. */
const NOWHERE = { id: 99, port: 1 };
const LENGTH_BYTES = 4;

/**
 * Stands before a Kafka broker, which clients take for it, and leaves brokers out of what it says of the cluster while
 * they are hidden: as a lone broker does that is fenced.
 */
export class HidingProxy {
  hides = false;
  /** How many answers have listed no broker. */
  hidden = 0;
  /** Clients by this `client.id` are told of coordinators of groups that are not there. */
  misled = "";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(brokers: string) {
    const [host = "", port] = brokers.split(":");
    this.#server = createServer((client) => this.#serve(client, dial(Number(port), host)));
  }

  static async start(brokers: string): Promise<HidingProxy> {
    const proxy = new HidingProxy(brokers);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get brokers(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get #port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  #serve(client: Socket, broker: Socket): void {
    /** What becomes of answers that have not come yet, by their numbers. */
    const rewrites = new Map<number, (answer: Buffer) => Buffer>();
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on(
      "data",
      frames((request) => {
        const [api, version, correlation] = [request.readInt16BE(0), request.readInt16BE(2), request.readInt32BE(4)];
        if (api === METADATA.api && version >= METADATA.since) rewrites.set(correlation, this.#metadata);
        if (api === FIND_COORDINATOR.api && version <= FIND_COORDINATOR.until)
          rewrites.set(correlation, this.#asksInVain(request, version) ? nowhere : this.#coordinator);
        send(broker, request);
      }),
    );
    broker.on(
      "data",
      frames((answer) => {
        const correlation = answer.readInt32BE(0);
        const rewritten = rewrites.get(correlation)?.(answer) ?? answer;
        rewrites.delete(correlation);
        send(client, rewritten);
      }),
    );
  }

  /** The same metadata, where every broker is this proxy, or there is none. */
  #metadata = (answer: Buffer): Buffer => {
    const reader = new Reader(answer);
    // Correlation, no tags, throttling.
    reader.skip(4 + 1 + 4);
    const begin = reader.at;
    const count = reader.length();
    for (let n = 0; n < count; n++) {
      reader.skip(4);
      reader.skip(reader.length());
      answer.writeInt32BE(this.#port, reader.at);
      reader.skip(4);
      reader.skip(reader.length());
      reader.skip(1);
    }
    if (!this.hides) return answer;
    this.hidden += 1;
    const rest = Buffer.from(answer.subarray(reader.at));
    const cluster = new Reader(rest);
    cluster.skip(cluster.length());
    // The controller.
    rest.writeInt32BE(-1, cluster.at);
    return Buffer.concat([answer.subarray(0, begin), Buffer.from([1]), rest]);
  };

  #asksInVain(request: Buffer, version: number): boolean {
    const [clientId, length] = [request.subarray(10), request.readInt16BE(8)];
    const isMisled = this.misled !== "" && clientId.toString("utf8", 0, Math.max(length, 0)) === this.misled;
    return isMisled && version >= FIND_COORDINATOR.since && request.at(-1) === GROUP;
  }

  /** The coordinator is this proxy, too. */
  #coordinator = (answer: Buffer): Buffer => {
    answer.writeInt32BE(this.#port, answer.length - 4);
    return answer;
  };
}

function nowhere(answer: Buffer): Buffer {
  // Correlation, throttling, no error.
  const message = 4 + 4 + 2;
  answer.writeInt32BE(NOWHERE.id, message + 2 + Math.max(answer.readInt16BE(message), 0));
  answer.writeInt32BE(NOWHERE.port, answer.length - 4);
  return answer;
}

/** Reads Kafka's compact encoding. */
class Reader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  skip(count: number): void {
    this.at += count;
  }

  /** Of an array or a text; 0 of one that is null. */
  length(): number {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = this.bytes.readUInt8(this.at);
      this.at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return Math.max(value - 1, 0);
      shift += 7;
    }
  }
}

/** Takes pieces of a stream and passes on whole frames, without their lengths. */
function frames(take: (frame: Buffer) => void): (piece: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (piece) => {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= LENGTH_BYTES && rest.length >= LENGTH_BYTES + rest.readInt32BE(0)) {
      const end = LENGTH_BYTES + rest.readInt32BE(0);
      take(rest.subarray(LENGTH_BYTES, end));
      rest = rest.subarray(end);
    }
  };
}

function send(socket: Socket, frame: Buffer): void {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(frame.length);
  socket.write(length);
  socket.write(frame);
}

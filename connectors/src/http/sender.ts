import { type Clock, systemClock } from "../calling/clock.js";
import { Delivery } from "./delivery.js";
import { Credentials } from "./secrets.js";
import type { Endpoint, HttpQueue, HttpRequest, HttpSettings } from "./settings.js";
import { Shard, type ShardFigures, type ShardParts } from "./shard.js";
import { type Transport, undiciTransport } from "./transport.js";

export interface SenderOptions {
  readonly clock?: Clock;
  readonly transport?: (origin: string, settings: HttpSettings) => Transport;
}

/** Figures of one endpoint of one sink. */
export interface EndpointFigures extends ShardFigures {
  readonly sink: string;
  readonly endpoint: string;
}

/** Sends the requests of a job's HTTP sinks. */
export class HttpSender {
  readonly #sinks: ReadonlyMap<string, SinkShards>;
  readonly #clock: Clock;

  /**
   * @param sinks by the id of their step
   * @throws when a file of secrets or certificates cannot be read
   */
  constructor(
    private readonly job: string,
    sinks: ReadonlyMap<string, HttpSettings>,
    private readonly queue: HttpQueue,
    options: SenderOptions = {},
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#sinks = new Map([...sinks].map(([sink, settings]) => [sink, new SinkShards(settings, options)] as const));
  }

  /** Spreads the rows of a sink over other endpoints. Those that it does not have any more send what they have. */
  reshard(sink: string, endpoints: readonly Endpoint[]): void {
    const shards = this.#sinks.get(sink)?.follow(endpoints);
    if (shards !== undefined) this.queue.reshard(sink, shards);
  }

  /** Requests have come. */
  take(): void {
    for (const request of this.queue.takeRequests()) this.#send(request);
  }

  figures(): EndpointFigures[] {
    return [...this.#sinks].flatMap(([sink, { shards }]) =>
      shards
        .map((shard) => ({ sink, endpoint: shard.name, ...shard.figures }))
        .filter(({ isLeaving, waiting, inFlight }) => !isLeaving || waiting + inFlight > 0),
    );
  }

  /** Sends nothing more; what is on its way is not waited for. */
  async close(): Promise<void> {
    await Promise.all([...this.#sinks.values()].map((sink) => sink.close()));
  }

  #send(request: HttpRequest): void {
    const { id, sink, run, slot, epoch, sequence } = request;
    const { settings, shards } = this.#sinks.get(sink) ?? {};
    const shard = shards?.[request.shard];
    if (settings === undefined || shard === undefined) {
      const error = `there is no endpoint ${request.shard} of "${sink}"`;
      this.queue.answer(id, { error, refused: [], reasons: [], by: sink });
      return;
    }
    const key = [this.job, sink, run, slot, epoch, sequence].map(encodeURIComponent).join("/");
    shard.add(new Delivery(request, this.queue, shard.name, key, settings.failsOnRefused, this.#clock.nowMs()).whole());
  }
}

/** The endpoints of one sink, by their numbers: one that goes keeps its own, and has it again when it comes back. */
class SinkShards {
  readonly shards: Shard[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #credentials: Credentials;
  /** Of endpoints that have moved: what is on its way there may be answered. */
  readonly #left: Transport[] = [];

  constructor(
    readonly settings: HttpSettings,
    private readonly options: SenderOptions,
  ) {
    this.#credentials = new Credentials(settings);
    this.follow(settings.endpoints);
  }

  /** Takes over a list of endpoints; gives the shards that it comes to. */
  follow(endpoints: readonly Endpoint[]): { number: number; name: string; weight: number }[] {
    for (const shard of this.shards) shard.isLeaving = true;
    return endpoints.map((endpoint) => {
      const { name, url, replica, weight = 1 } = endpoint;
      const number = this.#numbers.get(name) ?? this.#add(endpoint);
      const shard = this.shards[number] as Shard;
      shard.isLeaving = false;
      if (!shard.isAt(new URL(url).href, replica)) this.#left.push(...shard.move(this.#reach(endpoint)));
      return { number, name, weight };
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.shards.map((shard) => shard.close()), ...this.#left.map((left) => left.close())]);
  }

  #add(endpoint: Endpoint): number {
    const number = this.shards.length;
    const { settings, options } = this;
    const common = { name: endpoint.name, settings, credentials: this.#credentials };
    this.shards.push(new Shard({ ...common, clock: options.clock ?? systemClock, ...this.#reach(endpoint) }));
    this.#numbers.set(endpoint.name, number);
    return number;
  }

  #reach({ url: text, replica: other }: Endpoint): Pick<ShardParts, "url" | "transport" | "replica"> {
    const { transport = undiciTransport } = this.options;
    const [url, replica] = [new URL(text), other === undefined ? undefined : new URL(other)];
    return {
      url,
      transport: transport(url.origin, this.settings),
      replica: replica && { url: replica, transport: transport(replica.origin, this.settings) },
    };
  }
}

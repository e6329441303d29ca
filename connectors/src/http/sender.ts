import { type Clock, systemClock } from "./clock.js";
import { Delivery } from "./delivery.js";
import { Credentials } from "./secrets.js";
import type { HttpQueue, HttpRequest, HttpSettings } from "./settings.js";
import { Shard, type ShardFigures } from "./shard.js";
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
  readonly #sinks: ReadonlyMap<string, { readonly settings: HttpSettings; readonly shards: readonly Shard[] }>;

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
    this.#sinks = new Map(
      [...sinks].map(([sink, settings]) => [sink, { settings, shards: shardsOf(settings, options) }] as const),
    );
  }

  /** Requests have come. */
  take(): void {
    for (const request of this.queue.takeRequests()) this.#send(request);
  }

  figures(): EndpointFigures[] {
    return [...this.#sinks].flatMap(([sink, { shards }]) =>
      shards.map((shard) => ({ sink, endpoint: shard.name, ...shard.figures })),
    );
  }

  /** Sends nothing more; what is on its way is not waited for. */
  async close(): Promise<void> {
    const shards = [...this.#sinks.values()].flatMap(({ shards }) => shards);
    await Promise.all(shards.map((shard) => shard.close()));
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
    shard.add(new Delivery(request, this.queue, shard.name, key, settings.failsOnRefused).whole());
  }
}

function shardsOf(
  settings: HttpSettings,
  { clock = systemClock, transport = undiciTransport }: SenderOptions,
): Shard[] {
  const credentials = new Credentials(settings.auth, settings.headers);
  return settings.endpoints.map(({ name, url: text }) => {
    const url = new URL(text);
    return new Shard({ name, url, settings, credentials, clock, transport: transport(url.origin, settings) });
  });
}

/** A vendor outside of all processes, which writes down what reached it. */
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { SimulatedProcess } from './process.js';

/** One message that a vendor took. */
export interface TakenMessage {
  readonly vendor: string;
  readonly key: string;
  readonly eventId: string;
  readonly eventIndex: number;
  readonly roomId: string;
  readonly channelId: string;
  /** The event it answers, where it is a reply. */
  readonly parentEventId?: string;
  /** Milliseconds since the run began. */
  readonly at: number;
  readonly process: string;
}

/** A vendor, the same for all processes. */
export class SimulatedVendor {
  /** What was taken, in its order. */
  readonly taken: TakenMessage[] = [];
  /** Messages it recognised by their key, and did not take again. */
  recognised = 0;
  readonly #byKey = new Map<string, string>();

  constructor(
    readonly name: string,
    readonly options: { readonly recognisesKeys: boolean },
  ) {}

  /** The vendor's client, in one process. */
  provider(process: SimulatedProcess): TransportProvider {
    return {
      name: this.name,
      supportsIdempotencyKey: this.options.recognisesKeys,
      send: (request) => process.call(`${this.name}.send`, () => this.#take(request, process)),
    };
  }

  #take(request: TransportRequest, process: SimulatedProcess): ProviderResult {
    const { event, idempotencyKey: key } = request;
    const known = this.options.recognisesKeys ? this.#byKey.get(key) : undefined;
    if (known !== undefined) {
      this.recognised++;
      return { success: true, providerMessageId: known };
    }
    const providerMessageId = `${this.name}-${this.taken.length + 1}`;
    this.#byKey.set(key, providerMessageId);
    this.taken.push({
      vendor: this.name,
      key,
      eventId: event.id,
      eventIndex: event.index,
      roomId: event.roomId,
      channelId: request.binding.channelId,
      ...(event.parentEventId !== undefined && { parentEventId: event.parentEventId }),
      at: process.monotonic(),
      process: process.name,
    });
    return { success: true, providerMessageId };
  }
}

/** Checks of the host before each attempt to deliver: may this event go to this recipient at all? */
import { EMPTY_LIST, isPromise, type Awaitable } from '../models/json.js';
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { ChannelType } from '../models/vocabulary.js';
import type { RoomContext } from '../rooms/context.js';

/** An event on its way to one channel. */
export interface CheckedDelivery {
  /** As the channel gets it. */
  readonly event: RoomEvent;
  /** Where it goes: `binding.address` is whom it reaches, where the kit knows it. */
  readonly binding: ChannelBinding;
  readonly context: RoomContext;
}

/**
 * Returns to let an attempt go, throws to stop it. A `DeliveryError` that is not retryable fails the delivery with its code; after
 * any other error it is tried again, as after one of the vendor.
 */
export type DeliveryCheck = (delivery: CheckedDelivery) => Awaitable<void>;

/** The checks of a kit. Channels that none of them is about cost one look. */
export class DeliveryChecks {
  #checks: readonly { readonly check: DeliveryCheck; readonly channelTypes: readonly ChannelType[] | undefined }[] = EMPTY_LIST;

  /** Returns how to take it away again. */
  add(check: DeliveryCheck, channelTypes?: readonly ChannelType[]): () => void {
    const entry = { check, channelTypes };
    this.#checks = [...this.#checks, entry];
    return () => void (this.#checks = this.#checks.filter((one) => one !== entry));
  }

  concern({ channelType }: ChannelBinding): boolean {
    return this.#checks.some(({ channelTypes }) => channelTypes?.includes(channelType) ?? true);
  }

  /** Settles when all of them let it go; at once when they answer at once. */
  run(delivery: CheckedDelivery): Awaitable<void> {
    const waiting: Promise<void>[] = [];
    for (const { check, channelTypes } of this.#checks) {
      if (channelTypes?.includes(delivery.binding.channelType) === false) continue;
      const verdict = check(delivery);
      if (isPromise(verdict)) waiting.push(verdict);
    }
    return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => undefined);
  }
}

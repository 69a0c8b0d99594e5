/** Ephemeral events within one process (EPH-01): a short queue per subscription, a slow subscriber delays nobody. */
import type { Logger } from '../logger.js';
import type { IdGenerator } from '../ids.js';
import type { RealtimeBackend, RealtimeCallback, RealtimeMessage } from './backend.js';

const MAX_QUEUED = 100;

interface Subscription {
  readonly channel: string;
  readonly callback: RealtimeCallback;
  readonly queue: RealtimeMessage[];
  running: boolean;
  ended: boolean;
}

/** The backend of a single process, and the default. */
export class InMemoryRealtime implements RealtimeBackend {
  readonly distributed = false;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #byChannel = new Map<string, Set<Subscription>>();
  #closed = false;

  constructor(private readonly options: { ids: IdGenerator; logger: Logger }) {}

  publish(channel: string, message: RealtimeMessage): void {
    const subscriptions = this.#byChannel.get(channel);
    if (this.#closed || subscriptions === undefined) return;
    // A copy: who subscribes while this is told hears the next one.
    for (const subscription of [...subscriptions]) {
      if (subscription.ended) continue;
      if (subscription.queue.length >= MAX_QUEUED) subscription.queue.shift();
      subscription.queue.push(message);
      if (!subscription.running) void this.#drain(subscription);
    }
  }

  subscribe(channel: string, callback: RealtimeCallback): string {
    const id = this.options.ids.next();
    const subscription: Subscription = { channel, callback, queue: [], running: false, ended: false };
    this.#subscriptions.set(id, subscription);
    let set = this.#byChannel.get(channel);
    if (set === undefined) this.#byChannel.set(channel, (set = new Set()));
    set.add(subscription);
    return id;
  }

  unsubscribe(subscriptionId: string): boolean {
    const subscription = this.#subscriptions.get(subscriptionId);
    if (subscription === undefined) return false;
    this.#subscriptions.delete(subscriptionId);
    end(subscription);
    const set = this.#byChannel.get(subscription.channel);
    set?.delete(subscription);
    if (set?.size === 0) this.#byChannel.delete(subscription.channel);
    return true;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const subscription of this.#subscriptions.values()) end(subscription);
    this.#subscriptions.clear();
    this.#byChannel.clear();
    return Promise.resolve();
  }

  async #drain(subscription: Subscription): Promise<void> {
    subscription.running = true;
    for (let message = subscription.queue.shift(); message !== undefined; message = subscription.queue.shift()) {
      try {
        await subscription.callback(message);
      } catch (error) {
        this.options.logger.error('A realtime subscriber failed.', { channel: subscription.channel, error });
      }
    }
    subscription.running = false;
  }
}

/** What waits for it is not told any more. */
function end(subscription: Subscription): void {
  subscription.ended = true;
  subscription.queue.length = 0;
}

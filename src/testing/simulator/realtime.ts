/** Publish and subscribe between the processes of a run. */
import type { RealtimeBackend, RealtimeCallback, RealtimeMessage } from '../../core/realtime/backend.js';
import { InMemoryRealtime } from '../../core/realtime/in-memory.js';
import type { IdGenerator } from '../../core/ids.js';
import { silentLogger } from '../../core/logger.js';
import type { SimulatedProcess } from './process.js';

/** Told of every message. */
export type SimulatedListener = (channel: string, message: RealtimeMessage) => void;

/** What carries messages from process to process; each hears its own at once. */
export class SimulatedBroker {
  readonly #listeners = new Set<SimulatedListener>();

  /** From now on this one is told; the answer ends it. */
  join(listener: SimulatedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody else. */
  publish(channel: string, message: RealtimeMessage, from: SimulatedListener): void {
    for (const listener of this.#listeners) if (listener !== from) listener(channel, message);
  }
}

/** The broker as one process sees it. Messages to others may be late, and may be lost. */
export class SimulatedRealtime implements RealtimeBackend {
  readonly distributed = true;
  readonly #local: InMemoryRealtime;
  readonly #leave: () => void;
  readonly #hear: SimulatedListener;

  constructor(
    private readonly process: SimulatedProcess,
    private readonly broker: SimulatedBroker,
    ids: IdGenerator,
  ) {
    this.#local = new InMemoryRealtime({ ids, logger: silentLogger });
    this.#hear = (channel, message) => void process.setTimer(0.5, () => this.#local.publish(channel, message));
    this.#leave = broker.join(this.#hear);
  }

  publish(channel: string, message: RealtimeMessage): void {
    this.#local.publish(channel, message);
    const copy = structuredClone(message);
    this.process.call('realtime.publish', () => this.broker.publish(channel, copy, this.#hear)).catch(() => undefined); // lost, as it may be
  }

  subscribe(channel: string, callback: RealtimeCallback): string {
    return this.#local.subscribe(channel, callback);
  }

  unsubscribe(subscriptionId: string): boolean {
    return this.#local.unsubscribe(subscriptionId);
  }

  close(): Promise<void> {
    this.#leave();
    return this.#local.close();
  }
}

/**
 * What is measured by looking and not by happening (TEL-05): how much waits in the lanes of this process, and how long the oldest
 * delivery of the store has been due. A provider that exports asks when it exports; for any other the kit looks once a minute.
 */
import type { Timer } from '../clock.js';
import { kitLanes, storeStats } from '../operations/stats.js';
import type { KitParts } from '../parts.js';
import type { Measurement } from './provider.js';

const LOOK_MS = 60_000;

export class Gauges {
  #stopObserving: (() => void) | undefined;
  #timer: Timer | undefined;
  #isStopped = false;
  /** What was told last, by name and type; what has been zero and still is says nothing. */
  readonly #told = new Map<string, number>();

  constructor(private readonly parts: KitParts) {}

  start(): void {
    const { tracer } = this.parts;
    if (!tracer.enabled) return;
    this.#stopObserving = tracer.observe(() => this.#look());
    if (this.#stopObserving === undefined) this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#stopObserving?.();
  }

  /** Never fails: a store that is away is asked again with the next export. */
  async #look(): Promise<readonly Measurement[]> {
    const { parts } = this;
    if (this.#isStopped) return [];
    const { byType } = kitLanes(parts);
    const types = new Set([...Object.keys(byType), ...Array.from(parts.channels.all(), ({ channel }) => channel.channelType)]);
    const measured: Measurement[] = Array.from(types, (channelType) => ({
      name: 'roomkit.lane.depth',
      value: byType[channelType]?.deepest ?? 0,
      attributes: { channelType },
    }));
    try {
      measured.push({ name: 'roomkit.outbox.age_s', value: (await storeStats(parts)).oldestDueSeconds });
    } catch (error) {
      if (!this.#isStopped) parts.logger.debug('The store could not be asked how old what is due is.', { error });
    }
    return measured;
  }

  #schedule(): void {
    if (this.#isStopped) return;
    const { clock, tasks, tracer } = this.parts;
    this.#timer = clock.setTimer(LOOK_MS, () => {
      void tasks.run(async () => {
        for (const { name, value, attributes = {} } of await this.#look()) {
          const key = JSON.stringify([name, attributes]);
          if (value > 0 || (this.#told.get(key) ?? 0) > 0) tracer.metric(name, value, attributes);
          this.#told.set(key, value);
        }
        this.#schedule();
      });
    });
  }
}

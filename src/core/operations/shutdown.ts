/**
 * How a kit comes to its end (KIT-03, KIT-05, OPS-07): nothing new is begun, what runs may finish, others get what is left, and
 * all that the kit uses is closed.
 */
import { sharedAbortSource } from '../async/cancellation.js';
import { allowManyListeners } from '../async/many-listeners.js';
import { isInsideCause } from '../call-scope.js';
import type { Elsewhere } from '../delivery/elsewhere.js';
import { AbortedError, ConflictError, KitClosedError, ValidationError } from '../errors.js';
import type { KitParts } from '../parts.js';
import { untilQuiet } from './quiet.js';

/** How a kit is drained. */
export interface DrainOptions {
  /** How long what runs may take to come to its end, in seconds. Default: the kit's `drainSeconds`. */
  readonly drainSeconds?: number;
}

/** What works for a kit beside its calls, and ends with it. */
export interface Services {
  readonly recovery: { drain(): void; stop(): void };
  readonly timeouts: { stop(): void };
  readonly sweeping: { stop(): void };
  readonly gauges: { stop(): void };
  readonly peers: { stop(): Promise<void> };
  readonly sources: { close(): Promise<void> };
  readonly elsewhere: Pick<Elsewhere, 'stop' | 'handedOver'>;
  /** What tells pages and hosts what has happened: last, so that they hear of the end, too. */
  readonly tellers: readonly { stop(): void }[];
}

/** For what ends by being told that the kit has stopped. */
const STOPPED_WAIT_MS = 2000;
/** For what a store has not answered when a kit has closed everything else. */
const LAST_WAIT_MS = 5000;
const MAX_RELEASES = 5;

export class Shutdown {
  readonly #draining = new AbortController();
  readonly #stopping = new AbortController();
  readonly #over = new AbortController();
  #state: 'open' | 'draining' | 'closed' = 'open';
  #closing: Promise<void> | undefined;

  /** What the parts of a kit listen to. */
  readonly signals: Pick<KitParts, 'draining' | 'stopping' | 'over' | 'onStop'> = {
    draining: allowManyListeners(this.#draining.signal),
    stopping: allowManyListeners(this.#stopping.signal),
    over: this.#over.signal,
    onStop: sharedAbortSource(this.#stopping.signal),
  };

  get state(): 'open' | 'draining' | 'closed' {
    return this.#state;
  }

  assertOpen(): void {
    if (this.#state === 'open') return;
    // What runs already may finish its work while the kit drains.
    if (this.#state === 'draining' && isInsideCause()) return;
    throw new KitClosedError(
      this.#state === 'draining' ? 'This kit is shutting down and takes no new work. Try again on another process or later.' : undefined,
    );
  }

  assertNotClosed(): void {
    if (this.#state === 'closed') throw new KitClosedError();
  }

  /** Finishes what runs and refuses what is new. */
  async drain(parts: KitParts, services: Services, options: DrainOptions): Promise<void> {
    const seconds = drainSecondsOf(options, parts.limits.drainSeconds);
    this.#refuseNewWork(services);
    await settle(parts, seconds * 1000);
  }

  /** Idempotent: the first call decides how long. */
  close(parts: KitParts, services: Services, options: DrainOptions): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    try {
      return (this.#closing = this.#close(parts, services, drainSecondsOf(options, parts.limits.drainSeconds)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #close(parts: KitParts, services: Services, drainSeconds: number): Promise<void> {
    const { recovery, sweeping, gauges, peers, sources, elsewhere, tellers } = services;
    const failures: unknown[] = [];
    const step = async (fn: () => unknown): Promise<void> => {
      try {
        await fn();
      } catch (error) {
        failures.push(error);
      }
    };
    this.#refuseNewWork(services);
    const forgotten = step(() => peers.stop());
    sweeping.stop();
    gauges.stop();
    await step(() => sources.close());
    await step(() => settle(parts, drainSeconds * 1000));
    this.#state = 'closed';
    this.#stopping.abort(new AbortedError('The kit is closed.'));
    parts.outcomes.flush();
    let isQuiet = true;
    await step(async () => (isQuiet = await settle(parts, STOPPED_WAIT_MS)));
    this.#over.abort();
    recovery.stop();
    await step(() => elsewhere.stop());
    // Before anything that may take its time is closed: others go on with what is left.
    await step(() => releaseLeases(parts));
    await step(() => elsewhere.handedOver());
    for (const { channel } of parts.channels.all()) await step(() => channel.close?.());
    if (!isQuiet) {
      // Commits that were on their way to the store all that time have taken leases of their own.
      const { passing, rests, clock } = parts;
      await step(() => untilQuiet({ tasks: passing, passing, rests, clock }, clock.monotonic() + LAST_WAIT_MS));
      await step(() => releaseLeases(parts));
      await step(() => elsewhere.handedOver());
    }
    for (const teller of tellers) teller.stop();
    const { options, store, realtime, locks, tracer, deadlines } = parts;
    await step(() => options.voice?.close?.());
    await step(() => options.stt?.close?.());
    await step(() => options.tts?.close?.());
    await step(() => realtime.close());
    await step(() => locks.close?.());
    await forgotten;
    await step(() => store.close());
    await step(() => options.mediaStore?.close?.());
    await step(() => tracer.close());
    deadlines.close();
    if (failures.length > 0) throw new AggregateError(failures, `Closing the kit: ${failures.length} step(s) failed; everything else was closed.`);
  }

  #refuseNewWork({ recovery, timeouts }: Services): void {
    if (this.#state === 'open') this.#state = 'draining';
    this.#draining.abort(new AbortedError('The kit is shutting down.'));
    recovery.drain();
    timeouts.stop();
  }
}

/** Waits for running work, at most so long. What only waits for a time beyond that is left to recovery at once. */
function settle(parts: KitParts, ms: number): Promise<boolean> {
  return untilQuiet(parts, parts.clock.monotonic() + ms);
}

/** Others write beside it: who is in the way is so for a moment only. */
async function releaseLeases({ store, owner }: KitParts): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await store.releaseLeases(owner);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === MAX_RELEASES) throw error;
    }
  }
}

function drainSecondsOf({ drainSeconds }: DrainOptions, ofKit: number): number {
  if (drainSeconds === undefined) return ofKit;
  if (typeof drainSeconds === 'number' && drainSeconds >= 0 && Number.isFinite(drainSeconds)) return drainSeconds;
  throw new ValidationError(`drainSeconds is ${JSON.stringify(drainSeconds)}. Give a number of seconds of 0 or more; default ${ofKit}.`);
}

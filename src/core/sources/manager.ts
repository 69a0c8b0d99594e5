/** Runs event-driven sources (behaviour §22): starts them, restarts them with growing patience, holds their health. */
import type { TaskGroup } from '../async/task-group.js';
import type { Clock } from '../clock.js';
import { errorCode, errorMessage, SourceAlreadyAttachedError, SourceNotFoundError } from '../errors.js';
import type { FrameworkEventType } from '../framework-events.js';
import type { Logger } from '../logger.js';
import type { InboundMessage, InboundResult } from '../models/delivery.js';
import type { Metadata } from '../models/json.js';
import type { SourceStatus } from '../models/vocabulary.js';
import type { AttachSourceOptions, SourceHealth, SourceProvider } from './source.js';

export interface SourceManagerOptions {
  readonly processInbound: (message: InboundMessage) => Promise<InboundResult>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: (type: FrameworkEventType, channelId: string, data: Metadata) => void;
  readonly tasks: TaskGroup;
}

interface Running {
  readonly source: SourceProvider;
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/** A source that has been connected for so long, or delivered a message, starts again with a clean record (SRC-03). */
const STABLE_MS = 30_000;
const STOP_TIMEOUT_MS = 5000;

export class SourceManager {
  readonly #running = new Map<string, Running>();

  constructor(private readonly options: SourceManagerOptions) {}

  async attach(channelId: string, source: SourceProvider, options: AttachSourceOptions): Promise<void> {
    if (this.#running.has(channelId)) throw new SourceAlreadyAttachedError(channelId);
    const controller = new AbortController();
    const done = this.#run(channelId, source, options, controller.signal);
    this.#running.set(channelId, { source, controller, done });
    this.options.emit('source_attached', channelId, { source: source.name });
    await Promise.resolve();
  }

  async detach(channelId: string): Promise<void> {
    const running = this.#running.get(channelId);
    if (running === undefined) throw new SourceNotFoundError(channelId);
    this.#running.delete(channelId);
    await this.#stop(channelId, running);
    this.options.emit('source_detached', channelId, { source: running.source.name });
  }

  async health(channelId: string): Promise<SourceHealth | null> {
    const running = this.#running.get(channelId);
    return running === undefined ? null : running.source.healthcheck();
  }

  list(): Record<string, SourceStatus> {
    return Object.fromEntries([...this.#running].map(([channelId, { source }]) => [channelId, source.status]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((channelId) => this.detach(channelId)));
  }

  async #stop(channelId: string, running: Running): Promise<void> {
    const { clock, logger } = this.options;
    try {
      await running.source.stop();
    } catch (error) {
      logger.warn('A source failed to stop.', { channelId, error: errorMessage(error) });
    }
    running.controller.abort();
    const patience = new AbortController();
    const tooLong = clock.sleep(STOP_TIMEOUT_MS, patience.signal).then(
      () => logger.warn('A source did not end in time and was left alone.', { channelId }),
      () => undefined,
    );
    await Promise.race([running.done, tooLong]);
    patience.abort();
  }

  /** Runs until the source ends cleanly, is detached, or has failed too often. */
  async #run(channelId: string, source: SourceProvider, options: AttachSourceOptions, signal: AbortSignal): Promise<void> {
    const { clock, emit, logger } = this.options;
    const first = options.restartDelaySeconds ?? 5;
    const most = options.maxRestartDelaySeconds ?? 300;
    let attempt = 0;
    let delay = first;
    await Promise.resolve(); // attach() has registered the source by the time it emits
    while (!signal.aborted) {
      let connectedAt: number | undefined;
      let delivered = false;
      const gate = new EmitGate(options.maxConcurrentEmits ?? 10);
      const connected = (): void => {
        if (connectedAt === undefined) emit('source_connected', channelId, { source: source.name });
        connectedAt ??= clock.monotonic();
      };
      const disconnected = (reason: string): void => {
        if (connectedAt !== undefined) emit('source_disconnected', channelId, { source: source.name, reason });
      };
      try {
        await source.start(
          async (message) => {
            delivered = true;
            connected();
            return gate.run(`${message.channelId}\u0000${message.senderId}`, () =>
              this.options.tasks.run(() => this.options.processInbound(message)),
            );
          },
          { signal, connected },
        );
        disconnected(signal.aborted ? 'detached' : 'ended');
        return;
      } catch (error) {
        disconnected(signal.aborted ? 'detached' : 'failed');
        if (signal.aborted) return;
        if (delivered || (connectedAt !== undefined && clock.monotonic() - connectedAt >= STABLE_MS)) {
          attempt = 0;
          delay = first;
        }
        attempt++;
        emit('source_error', channelId, { source: source.name, attempt, code: errorCode(error) });
        logger.warn('A source failed.', { channelId, source: source.name, attempt, code: errorCode(error) });
        if (options.autoRestart === false) return;
        if (options.maxRestartAttempts !== undefined && attempt > options.maxRestartAttempts) {
          emit('source_exhausted', channelId, { source: source.name, attempts: attempt });
          return;
        }
      }
      try {
        await clock.sleep(delay * 1000, signal);
      } catch {
        return; // detached while waiting
      }
      delay = Math.min(delay * 2, most);
    }
  }
}

/** At most so many at once, and one after another per sender (SRC-02). */
class EmitGate {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(most: number) {
    this.#free = most;
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = (async () => {
      if (before !== undefined) await before.catch(() => undefined);
      await this.#enter();
      try {
        return await work();
      } finally {
        this.#leave();
      }
    })();
    const settled = mine.catch(() => undefined);
    this.#last.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

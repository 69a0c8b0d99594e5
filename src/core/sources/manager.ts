/** Runs event-driven sources (behaviour §22): starts them, restarts them with growing patience, holds their health. */
import type { TaskGroup } from '../async/task-group.js';
import type { Clock } from '../clock.js';
import { AbortedError, errorCode, SourceAlreadyAttachedError, SourceNotFoundError, ValidationError } from '../errors.js';
import type { FrameworkEventType } from '../framework-events.js';
import type { Logger } from '../logger.js';
import type { DeliveryStatus, InboundMessage, InboundResult } from '../models/delivery.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { SourceStatus } from '../models/vocabulary.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import { EmitGate } from './emit-gate.js';
import type { AttachSourceOptions, SourceEmit, SourceHealth, SourceProvider } from './source.js';

export interface SourceManagerOptions {
  readonly processInbound: (message: InboundMessage) => Promise<InboundResult>;
  /** The room that the message would go to now; null for a new one. */
  readonly roomOf: (message: InboundMessage) => Awaitable<string | null>;
  readonly processStatus: (status: DeliveryStatus) => Promise<unknown>;
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
/** How long `stop()` may take, and after it the end of `start` (SRC-04). */
const STOP_TIMEOUT_MS = 5000;
/** More would be beyond every maximum. */
const MAX_DOUBLINGS = 30;

const DEFAULTS = { autoRestart: true, restartDelaySeconds: 5, maxRestartDelaySeconds: 300, maxConcurrentEmits: 10 };

const NAMES: OptionNames<AttachSourceOptions> = {
  autoRestart: true,
  restartDelaySeconds: true,
  maxRestartDelaySeconds: true,
  maxRestartAttempts: true,
  maxConcurrentEmits: true,
};

export class SourceManager {
  readonly #running = new Map<string, Running>();

  constructor(private readonly options: SourceManagerOptions) {}

  async attach(channelId: string, source: SourceProvider, options: AttachSourceOptions): Promise<void> {
    checkOptions(options);
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
    const { logger } = this.options;
    const { source, controller, done } = running;
    const stopping = (async () => source.stop())().catch((error: unknown) =>
      logger.warn('A source failed to stop.', { channelId, source: source.name, code: errorCode(error) }),
    );
    await this.#inTime(stopping);
    controller.abort(new AbortedError('The source was detached.'));
    if (!(await this.#inTime(done))) logger.warn('A source did not end in time and was left alone.', { channelId, source: source.name });
  }

  /** Whether it ended within the time that everything about the end of a source has. */
  async #inTime(work: Promise<unknown>): Promise<boolean> {
    const patience = new AbortController();
    const tooLong = this.options.clock.sleep(STOP_TIMEOUT_MS, patience.signal).then(
      () => false,
      () => true,
    );
    const isInTime = await Promise.race([work.then(() => true), tooLong]);
    patience.abort();
    return isInTime;
  }

  /** Runs until the source ends cleanly, is detached, or has failed too often. */
  async #run(channelId: string, source: SourceProvider, given: AttachSourceOptions, signal: AbortSignal): Promise<void> {
    const { clock, emit, logger } = this.options;
    const options = { ...DEFAULTS, ...given };
    const gate = new EmitGate(options.maxConcurrentEmits);
    let attempt = 0;
    await Promise.resolve(); // attach() has registered the source by the time it emits
    while (!signal.aborted) {
      const connection = new Connection(clock, () => emit('source_connected', channelId, { source: source.name }));
      let failure: unknown;
      try {
        await source.start(this.#emitOf(channelId, source, connection, gate, signal), {
          signal,
          connected: () => connection.begin(),
          report: async (status) => {
            await this.options.tasks.run(() => this.options.processStatus({ channelId, ...status }));
          },
          maxConcurrentEmits: options.maxConcurrentEmits,
          notify: (type, data) => emit(type, channelId, { ...data, source: source.name }),
        });
        connection.end();
        if (connection.was) emit('source_disconnected', channelId, { source: source.name, reason: signal.aborted ? 'detached' : 'ended' });
        return;
      } catch (error) {
        connection.end();
        failure = error;
      }
      if (connection.was) emit('source_disconnected', channelId, { source: source.name, reason: signal.aborted ? 'detached' : 'failed' });
      if (signal.aborted) return;
      if (connection.wasGood) attempt = 0;
      attempt++;
      emit('source_error', channelId, { source: source.name, attempt, code: errorCode(failure) });
      logger.warn('A source failed.', { channelId, source: source.name, attempt, code: errorCode(failure) });
      if (!options.autoRestart) return;
      if (options.maxRestartAttempts !== undefined && attempt > options.maxRestartAttempts) {
        emit('source_exhausted', channelId, { source: source.name, attempts: attempt });
        return;
      }
      const first = retryAfterSeconds(failure) ?? options.restartDelaySeconds;
      try {
        await clock.sleep(Math.min(first * 2 ** Math.min(attempt - 1, MAX_DOUBLINGS), options.maxRestartDelaySeconds) * 1000, signal);
      } catch {
        return; // detached while waiting
      }
    }
  }

  /** What one start of a source hands its messages to. */
  #emitOf(channelId: string, source: SourceProvider, connection: Connection, gate: EmitGate, signal: AbortSignal): SourceEmit {
    const { logger, processInbound, roomOf, tasks } = this.options;
    const take: SourceEmit = async (message) => {
      if (signal.aborted) throw new AbortedError(`Source '${source.name}' of channel '${channelId}' is detached, and brings no more messages.`);
      connection.begin();
      try {
        const result = await gate.run(
          `${message.channelId}\u0000${message.senderId}`,
          () => roomOf(message),
          () => tasks.run(() => processInbound(message)),
        );
        connection.hasDelivered = true;
        return result;
      } catch (error) {
        logger.warn('A message of a source was not taken.', { channelId, source: source.name, code: errorCode(error) });
        throw error;
      }
    };
    return (message) => {
      const taking = take(message);
      taking.catch(() => undefined); // a source need not wait for each: what was refused is logged
      return taking;
    };
  }
}

/** One start of a source: when it was connected, and whether that makes up for the failures before. */
class Connection {
  hasDelivered = false;
  #beganAt: number | undefined;
  #hasEnded = false;
  #wasStable = false;

  constructor(
    private readonly clock: Clock,
    private readonly onBegin: () => void,
  ) {}

  begin(): void {
    if (this.#beganAt !== undefined || this.#hasEnded) return;
    this.#beganAt = this.clock.monotonic();
    this.onBegin();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wasStable = this.#beganAt !== undefined && this.clock.monotonic() - this.#beganAt >= STABLE_MS;
  }

  get was(): boolean {
    return this.#beganAt !== undefined;
  }

  get wasGood(): boolean {
    return this.hasDelivered || this.#wasStable;
  }
}

/** What the other side asks for, where the error knows it. */
function retryAfterSeconds(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('retryAfterSeconds' in error)) return undefined;
  const { retryAfterSeconds: seconds } = error;
  return typeof seconds === 'number' && seconds >= 0 ? seconds : undefined;
}

function checkOptions(options: AttachSourceOptions): void {
  checkOptionNames('attachSource', options, NAMES);
  const check = (name: keyof AttachSourceOptions, isRight: (value: number) => boolean, right: string): void => {
    const value = options[name];
    if (value !== undefined && !(typeof value === 'number' && isRight(value)))
      throw new ValidationError(`Option ${name} of attachSource is ${String(value)}. Give ${right}.`);
  };
  check('restartDelaySeconds', (value) => value >= 0, 'seconds of 0 or more');
  check('maxRestartDelaySeconds', (value) => value >= 0, 'seconds of 0 or more');
  check('maxRestartAttempts', (value) => Number.isInteger(value) && value >= 0, 'a whole number of 0 or more, or leave it out');
  check('maxConcurrentEmits', (value) => Number.isInteger(value) && value > 0, 'a whole number above 0');
}

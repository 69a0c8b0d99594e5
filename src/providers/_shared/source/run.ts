/** One start of a source, from the connecting to the end, however it comes. */
import { RoomKitError, ValidationError } from '../../../core/errors.js';
import type { SourceEmit, SourceStartOptions } from '../../../core/sources/source.js';
import { DEFAULT_MAX_CONCURRENT_EMITS, Intake } from './intake.js';
import type { SourceOptions } from './options.js';
import type { SourceRecord } from './record.js';

/** What a connection is made with. */
export interface Running {
  /** Aborts when `stop()` is called or the source is detached: end the connection. */
  readonly stopped: AbortSignal;
  /** Aborts when the source is detached: nothing is waited for any more. */
  readonly signal: AbortSignal;
  readonly intake: Intake;
  readonly connected: () => void;
}

export class SourceRun {
  #current: { readonly stop: AbortController; readonly closed: Promise<void> } | undefined;

  constructor(
    private readonly name: string,
    private readonly record: SourceRecord,
    private readonly options: Required<SourceOptions>,
  ) {}

  /** `connect` runs until the connection is over: returns when it ended as it should, throws when it was lost. */
  async start(emit: SourceEmit, given: SourceStartOptions, connect: (running: Running) => Promise<void>): Promise<void> {
    const { record } = this;
    if (this.#current !== undefined) throw new ValidationError(`Source '${this.name}' runs already. Stop it first, or make another one.`);
    const { signal, maxConcurrentEmits: most = DEFAULT_MAX_CONCURRENT_EMITS } = given;
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    let close = (): void => undefined;
    this.#current = { stop, closed: new Promise((resolve) => (close = resolve)) };
    record.starting();
    try {
      const { channelId, parser } = this.options;
      const intake = new Intake({ channelId, parser, emit, record, most, signal });
      const connected = (): void => {
        record.connected();
        given.connected();
      };
      if (!stop.signal.aborted) await connect({ stopped: stop.signal, signal, intake, connected });
      record.stopped();
    } catch (error) {
      if (stop.signal.aborted) record.stopped();
      else {
        record.failed(error instanceof RoomKitError ? error.message : `Source '${this.name}' failed of itself: a defect.`);
        throw error;
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.#current = undefined;
      close();
    }
  }

  /** Over when the connection is closed and what came before is handed over. */
  async stop(): Promise<void> {
    const current = this.#current;
    if (current === undefined) this.record.stopped();
    else {
      current.stop.abort();
      await current.closed;
    }
  }
}

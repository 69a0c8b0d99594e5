/** Hands what a connection brings to the kit: so many at a time, and the connection is read on when one of them is done. */
import { ValidationError } from '../../../core/errors.js';
import type { InboundMessage } from '../../../core/models/delivery.js';
import type { SourceEmit } from '../../../core/sources/source.js';
import type { ReceivedMessage, SourceParser } from './parser.js';
import type { SourceRecord } from './record.js';

/**
 * What became of what came. `taken`: the kit has it, or has decided against it. `ignored`: it was no message. `refused`: the
 * kit never takes it. `failed`: the kit could not take it now, and may the next time.
 */
export type Outcome = 'taken' | 'ignored' | 'refused' | 'failed';

/** One thing that came. */
export interface Arrival {
  readonly received: Omit<ReceivedMessage, 'channelId'>;
  /** Tells it from all others that the connection brings; for messages that name no key. */
  readonly key?: string;
  /** Called once, when it is known what became of it. */
  readonly done?: (outcome: Outcome) => void;
}

export interface IntakeOptions {
  readonly channelId: string;
  readonly parser: SourceParser;
  readonly emit: SourceEmit;
  readonly record: SourceRecord;
  /** At a time. */
  readonly most: number;
  /** Nothing is waited for any more, and nothing is handed over. */
  readonly signal: AbortSignal;
}

export const DEFAULT_MAX_CONCURRENT_EMITS = 10;

export class Intake {
  #inWork = 0;
  #wake: (() => void) | undefined;

  constructor(private readonly options: IntakeOptions) {}

  /** Reads to the end; over when also the last of what was handed over is done. Throws what reading throws. */
  async run(arrivals: AsyncIterable<Arrival>): Promise<void> {
    const { most, signal } = this.options;
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake, { once: true });
    try {
      for await (const arrival of arrivals) {
        if (signal.aborted) return;
        this.#take(arrival);
        await this.#until(() => this.#inWork < most); // what is not read yet can still be called off
      }
    } finally {
      await this.#until(() => this.#inWork === 0);
      signal.removeEventListener('abort', wake);
    }
  }

  #take({ received, key, done }: Arrival): void {
    const { channelId, parser, record } = this.options;
    let message: InboundMessage | null | undefined;
    try {
      message = parser({ ...received, channelId });
    } catch {
      message = undefined; // a parser that throws has made no message; its words may hold people's
    }
    if (message === null || message === undefined) {
      record.ignored();
      done?.('ignored');
      return;
    }
    record.received();
    this.#inWork++;
    void this.#handOver(message.idempotencyKey === undefined && key !== undefined ? { ...message, idempotencyKey: key } : message).then((outcome) => {
      if (outcome !== 'taken') record.refused();
      this.#inWork--;
      done?.(outcome);
      this.#wake?.();
    });
  }

  async #handOver(message: InboundMessage): Promise<Outcome> {
    try {
      // Too late for its limit: nothing was stored (INB-20).
      return (await this.options.emit(message)).reason === 'process_timeout' ? 'failed' : 'taken';
    } catch (error) {
      // Whatever is not the message's own fault (a store that is away, a kit that closes) may have passed the next time.
      return error instanceof ValidationError ? 'refused' : 'failed';
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.options.signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}

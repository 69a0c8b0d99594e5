/** What a source remembers of itself: how its connection stands, and what came through it. */
import type { Clock } from '../../../core/clock.js';
import type { Metadata } from '../../../core/models/json.js';
import type { SourceStatus } from '../../../core/models/vocabulary.js';
import type { SourceHealth } from '../../../core/sources/source.js';

export class SourceRecord {
  status: SourceStatus = 'stopped';
  #connectedAt: string | undefined;
  #lastMessageAt: string | undefined;
  #error: string | undefined;
  #received = 0;
  #ignored = 0;
  #refused = 0;

  constructor(private readonly clock: Clock) {}

  starting(): void {
    if (this.status !== 'error') this.#received = this.#ignored = this.#refused = 0; // attached anew
    this.status = this.status === 'error' ? 'reconnecting' : 'connecting';
  }

  connected(): void {
    this.status = 'connected';
    this.#connectedAt = this.#now();
    this.#error = undefined;
  }

  /** A message has come, and goes to the kit. */
  received(): void {
    this.#received++;
    this.#lastMessageAt = this.#now();
  }

  /** What came was no message. */
  ignored(): void {
    this.#ignored++;
  }

  /** The kit did not take a message. */
  refused(): void {
    this.#refused++;
  }

  /** `error` holds no secret: it is shown. */
  failed(error: string): void {
    this.status = 'error';
    this.#error = error;
    this.#connectedAt = undefined;
  }

  stopped(): void {
    this.status = 'stopped';
    this.#connectedAt = undefined;
  }

  health(more: Metadata = {}): SourceHealth {
    return {
      status: this.status,
      messagesReceived: this.#received,
      ...(this.#connectedAt !== undefined && { connectedAt: this.#connectedAt }),
      ...(this.#lastMessageAt !== undefined && { lastMessageAt: this.#lastMessageAt }),
      ...(this.#error !== undefined && { error: this.#error }),
      metadata: { messages_ignored: this.#ignored, messages_refused: this.#refused, ...more },
    };
  }

  #now(): string {
    return new Date(this.clock.now()).toISOString();
  }
}

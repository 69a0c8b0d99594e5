/** The contract of an event-driven source: a persistent connection that emits messages (behaviour §22). */
import type { DeliveryStatus, InboundMessage, InboundResult } from '../models/delivery.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { SourceStatus } from '../models/vocabulary.js';

/**
 * Hands a message to the kit; waits while too many are in work, so that backpressure reaches the socket (SRC-02). Rejects
 * when the message was not taken: an error that is `retryable` may pass.
 */
export type SourceEmit = (message: InboundMessage) => Promise<InboundResult>;

/** A persistent connection that brings messages: a socket, a subscription, a queue. Attach it with `kit.attachSource`. */
export interface SourceProvider {
  readonly name: string;
  readonly status: SourceStatus;
  /**
   * Runs until the source ends (return), fails (throw) or is told to stop (signal). An error's `retryAfterSeconds` takes the
   * place of `restartDelaySeconds` (SRC-03).
   */
  start(emit: SourceEmit, options: SourceStartOptions): Promise<void>;
  /** Idempotent. */
  stop(): Awaitable<void>;
  /** How it stands, without asking the vendor more than it must. */
  healthcheck(): Awaitable<SourceHealth>;
}

/** What a source is started with. */
export interface SourceStartOptions {
  /** Aborts when the source is detached or the kit closes. */
  readonly signal: AbortSignal;
  /**
   * To be called when the connection stands. A first message says it too (SRC-04). A source that has lost its connection
   * throws, and is started again: one start is one connection.
   */
  readonly connected: () => void;
  /** So many messages are worked on at a time: a source that has as many under way reads on when one of them is done. */
  readonly maxConcurrentEmits?: number;
  /** Says what became of a message that was sent, where the connection tells it: a receipt, a bounce (SRC-08). */
  readonly report?: (status: DeliveryStatus) => Promise<void>;
  /** Says that the source needs somebody, as a framework event of that type (SRC-09). The data is shown to whoever listens, and logged nowhere. */
  readonly notify?: (type: SourceNotice, data: Metadata) => void;
}

/**
 * What a source tells its operator. `source_pairing`: it has to be linked, by what `data` holds (a QR code, say).
 * `source_waiting`: it does not go on by itself; `data.reason` says why. It is started again by attaching it anew.
 */
export type SourceNotice = 'source_pairing' | 'source_waiting';

/** How a source is doing. Times are ISO-8601; `messagesReceived` counts since it was attached. */
export interface SourceHealth {
  readonly status: SourceStatus;
  readonly connectedAt?: string;
  readonly lastMessageAt?: string;
  readonly messagesReceived: number;
  readonly error?: string;
  readonly metadata: Metadata;
}

/** How a source that failed is started again (SRC-03). */
export interface AttachSourceOptions {
  /** Default true. */
  readonly autoRestart?: boolean;
  /** Default 5, doubling. */
  readonly restartDelaySeconds?: number;
  /** Default 300. */
  readonly maxRestartDelaySeconds?: number;
  /** Consecutive failures before giving up; default: never. */
  readonly maxRestartAttempts?: number;
  /** Default 10. */
  readonly maxConcurrentEmits?: number;
}

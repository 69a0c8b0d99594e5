/** The contract of an event-driven source: a persistent connection that emits messages (behaviour §22). */
import type { InboundMessage, InboundResult } from '../models/delivery.js';
import type { Awaitable, Metadata } from '../models/json.js';
import type { SourceStatus } from '../models/vocabulary.js';

/** Hands a message to the kit; waits while too many are in work, so that backpressure reaches the socket (SRC-02). */
export type SourceEmit = (message: InboundMessage) => Promise<InboundResult>;

/** A persistent connection that brings messages: a socket, a subscription, a queue. Attach it with `kit.attachSource`. */
export interface SourceProvider {
  readonly name: string;
  readonly status: SourceStatus;
  /** Runs until the source ends (return), fails (throw) or is told to stop (signal). */
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
  /** To be called when the connection stands; again after it was lost and regained. A first message says it too (SRC-04). */
  readonly connected: () => void;
}

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

/** The contract of what carries ephemeral events and wake-ups between processes (behaviour §20, §27 "Pub/sub"). */
import type { EphemeralEvent } from '../models/ephemeral.js';
import type { Awaitable } from '../models/json.js';

/** What travels on a pub/sub channel: an ephemeral event on `room:ID`, small JSON notices elsewhere. */
export type RealtimeMessage = EphemeralEvent | Readonly<Record<string, unknown>>;
/** Told of every message on a pub/sub channel. */
export type RealtimeCallback = (message: RealtimeMessage) => Awaitable<void>;

/** Publish and subscribe between the parts of a kit, or of several. Implement it over Redis or NATS for more than one process. */
export interface RealtimeBackend {
  /** Whether other processes hear it too. */
  readonly distributed: boolean;
  /** After close: ignored (EPH-01). */
  publish(channel: string, message: RealtimeMessage): Awaitable<void>;
  /** Callbacks run one after another per subscription; errors are logged. Returns the subscription's id. */
  subscribe(channel: string, callback: RealtimeCallback): Awaitable<string>;
  /** What waits for it is not told any more. False when there is no such subscription. */
  unsubscribe(subscriptionId: string): Awaitable<boolean>;
  /** Ends every subscription. Idempotent. */
  close(): Awaitable<void>;
}

/** The pub/sub channel of a room's ephemeral events. */
export function roomChannel(roomId: string): string {
  return `room:${roomId}`;
}

/** The frames of the browser wire protocol, version 1 (behaviour §32). */
import type { ChannelType, DeliveryResult, EphemeralEvent, EventContent, Metadata, Room } from '../../core/index.js';

/** The WebSocket subprotocol a browser asks for (WIRE-01). */
export const SUBPROTOCOL = 'roomkit.v1';
/** The version of the protocol in `hello` and `welcome`. */
export const WIRE_VERSION = 1;

/** What a client must keep to; `welcome` tells it. */
export const WIRE_LIMITS = {
  /** Largest frame of a client, in bytes. */
  frameBytes: 64 * 1024,
  /** Frames per second, with this burst. */
  framesPerSecond: 20,
  burst: 40,
  /** Sends that may wait for their acknowledgement. */
  openSends: 100,
  /** Missed events that are replayed. */
  replay: 500,
} as const;

/** What a client may send, told apart by `type` (WIRE-03). */
export type ClientFrame =
  | { readonly type: 'hello'; readonly version: number; readonly token?: string; readonly streams?: boolean }
  | { readonly type: 'subscribe'; readonly id: string; readonly roomId: string; readonly afterIndex?: number; readonly as?: string }
  | { readonly type: 'unsubscribe'; readonly id: string; readonly roomId: string }
  | {
      readonly type: 'send';
      readonly id: string;
      readonly roomId: string;
      readonly content: EventContent;
      readonly parentEventId?: string;
      readonly metadata?: Metadata;
    }
  | { readonly type: 'typing'; readonly roomId: string; readonly on: boolean }
  | { readonly type: 'receipt'; readonly roomId: string; readonly eventId: string }
  | { readonly type: 'reaction'; readonly roomId: string; readonly eventId: string; readonly emoji: string; readonly action: 'add' | 'remove' }
  | { readonly type: 'presence'; readonly status: string }
  | { readonly type: 'auth'; readonly token: string }
  | { readonly type: 'ping'; readonly t: number };

/** An event on the wire (WIRE-06): never the vendor's payload, channel data or keys. Hosts also get the last three fields. */
export interface WireEvent {
  readonly id: string;
  readonly roomId: string;
  readonly index: number;
  readonly type: string;
  readonly status: string;
  readonly source: { readonly channelId: string; readonly channelType: ChannelType; readonly participantId?: string; readonly displayName?: string };
  readonly content: EventContent;
  readonly visibility: string;
  readonly chainDepth: number;
  readonly parentEventId?: string;
  readonly correlationId?: string;
  readonly createdAt: string;
  readonly metadata: Metadata;
  readonly blockedBy?: string;
  readonly deliveryResults?: Readonly<Record<string, DeliveryResult>>;
}

/** Why a frame was refused (WIRE-14). */
export type WireErrorCode =
  | 'invalid'
  | 'unknown_type'
  | 'unauthenticated'
  | 'token_expired'
  | 'forbidden'
  | 'room_not_found'
  | 'room_closed'
  | 'too_large'
  | 'rate_limited'
  | 'busy'
  | 'internal';

/** What a client gets, told apart by `type`. Unknown types are to be ignored (WIRE-01). */
export type ServerFrame =
  | {
      readonly type: 'welcome';
      readonly version: number;
      readonly connectionId: string;
      readonly channelId?: string;
      readonly participantId?: string;
      readonly expiresAt?: string;
      readonly limits: typeof WIRE_LIMITS;
      readonly heartbeatSeconds: number;
    }
  | { readonly type: 'subscribed'; readonly id: string; readonly roomId: string; readonly latestIndex: number }
  | { readonly type: 'unsubscribed'; readonly id: string; readonly roomId: string }
  | { readonly type: 'event'; readonly roomId: string; readonly prev: number; readonly event: WireEvent }
  | {
      readonly type: 'ack';
      readonly id: string;
      readonly roomId: string;
      readonly prev?: number;
      readonly event?: WireEvent;
      readonly duplicate?: boolean;
      readonly blocked?: boolean;
      readonly reason?: string;
    }
  | { readonly type: 'event_changed'; readonly roomId: string; readonly event: WireEvent }
  | { readonly type: 'event_removed'; readonly roomId: string; readonly eventId: string }
  | { readonly type: 'resync'; readonly roomId: string; readonly fromIndex: number }
  | { readonly type: 'stream_start'; readonly roomId: string; readonly streamId: string; readonly source: WireEvent['source'] }
  | { readonly type: 'stream_chunk'; readonly roomId: string; readonly streamId: string; readonly delta: string; readonly offset: number }
  | { readonly type: 'stream_end'; readonly roomId: string; readonly streamId: string; readonly prev: number; readonly event: WireEvent }
  | {
      readonly type: 'stream_error';
      readonly roomId: string;
      readonly streamId: string;
      readonly code: string;
      readonly prev?: number;
      readonly event?: WireEvent;
    }
  | { readonly type: 'ephemeral'; readonly roomId: string; readonly event: EphemeralEvent }
  | { readonly type: 'room'; readonly room: Room }
  | { readonly type: 'token_expiring'; readonly expiresAt: string }
  | { readonly type: 'goodbye'; readonly reason: string; readonly reconnectAfterMs: number }
  | { readonly type: 'pong'; readonly t: number }
  | {
      readonly type: 'error';
      readonly id?: string;
      readonly roomId?: string;
      readonly code: WireErrorCode;
      readonly message: string;
      readonly retryable: boolean;
      readonly retryAfterSeconds?: number;
    };

/** Messages coming in, results going back, and the rows that make deliveries and turns survive a crash (behaviour §3.3). */
import type { SuspendedTurn, SuspendRequest } from './approval.js';
import type { ContentInput } from './content.js';
import type { EventDraft, EventSource, RoomEvent } from './event.js';
import type { Metadata } from './json.js';
import type { Observation, Task, TaskDraft, ObservationDraft } from './task.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { CollisionPolicy, EventType, OutboxState, TurnEndReason, TurnState } from './vocabulary.js';

/** How fast a binding's deliveries may go (RES-02). Every given window holds; what is too fast waits, nothing is dropped. */
export interface RateLimit {
  readonly maxPerSecond?: number;
  readonly maxPerMinute?: number;
  readonly maxPerHour?: number;
  /** Capacity of each bucket; default one second's worth, at least 1. */
  readonly burst?: number;
}

/** When a failed delivery or generation is tried again (OUT-05): after `base × exponentialBase^n` seconds, never above the maximum. */
export interface RetryPolicy {
  /** Default 3; attempts = 1 + maxRetries. */
  readonly maxRetries?: number;
  /** Default 1. */
  readonly baseDelaySeconds?: number;
  /** Default 60. */
  readonly maxDelaySeconds?: number;
  /** Default 2. */
  readonly exponentialBase?: number;
  /** Default `none`. */
  readonly jitter?: 'none' | 'full';
  /** Only these error codes are retried. */
  readonly retryableErrors?: readonly string[];
}

/** What becomes of messages that come while an agent's turn runs (§17). The binding's wins over the room's, the room's over the agent's. */
export interface CollisionConfig {
  /** Default `queue`. */
  readonly policy?: CollisionPolicy;
  /** Default 800. */
  readonly debounceMs?: number;
  /** Default 0. */
  readonly leadingDebounceMs?: number;
  /** Default 100. */
  readonly maxQueued?: number;
}

/** What a transport hands to `kit.processInbound`. */
export interface InboundMessage {
  readonly channelId: string;
  readonly senderId: string;
  readonly content: ContentInput;
  /** Default `message`; an edit or delete follows from its content. */
  readonly eventType?: EventType;
  readonly externalId?: string;
  readonly threadId?: string;
  /**
   * What it answers, the likeliest first: the vendor's ids of messages of this channel, or ids of events that went out over
   * it. The router takes the room they belong to, if that names the sender (RTR-05); the first that the room knows is the
   * event's parent (INB-30).
   */
  readonly repliesTo?: readonly string[];
  /** A repeated key in the same room returns the first event (INB-08). */
  readonly idempotencyKey?: string;
  readonly metadata?: Metadata;
  readonly rawPayload?: Metadata;
  readonly providerMessageId?: string;
  readonly visibility?: string;
  readonly responseVisibility?: string;
  readonly parentEventId?: string;
  readonly addressedTo?: readonly string[];
  /** A live session of the channel (a call, a socket); never stored. */
  readonly session?: unknown;
}

/** What went wrong in a result: a stable code for programs, a sentence for people. */
export interface OperationError {
  readonly code: string;
  readonly message: string;
  readonly channelId?: string;
}

/** What became of a message. `blocked` and `duplicate` are outcomes, not errors (CON-07); `event` is absent when nothing was stored. */
export interface InboundResult {
  readonly event?: RoomEvent;
  readonly blocked: boolean;
  readonly duplicate: boolean;
  readonly reason?: string;
  /** Channel id → outcome. */
  readonly deliveryResults: Readonly<Record<string, DeliveryResult>>;
  readonly turns: readonly TurnResult[];
  readonly error?: OperationError | undefined;
}

/** When another attempt makes sense although the vendor has refused: once the recipient has written again, or now, in another form. */
export interface TryAgain {
  readonly again?: 'after_inbound' | 'at_once';
  /** With `after_inbound`: how long that is waited for at least. Default: as long as the delivery has anyhow. */
  readonly waitSeconds?: number;
}

/** Why a delivery did not succeed, and whether the same delivery may succeed later. */
export interface DeliveryFailure extends TryAgain {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterSeconds?: number;
}

/** What became of an event on one channel. `queued`: it goes on in its lane after the result was given (INB-21). */
export interface DeliveryResult {
  readonly channelId: string;
  readonly status: 'sent' | 'queued' | 'failed' | 'unknown' | 'skipped';
  readonly providerMessageId?: string;
  readonly providerResult?: ProviderResult;
  readonly attempts: number;
  readonly error?: DeliveryFailure;
}

/** How one agent's turn ended. Without reply events it said nothing. */
export interface TurnResult {
  readonly channelId: string;
  readonly turnId: string;
  readonly state: TurnState;
  readonly endReason?: TurnEndReason;
  /** `agent_busy`, `turn_queue_full`, … */
  readonly reason?: string;
  readonly replyEventIds: readonly string[];
  readonly usage: Readonly<Record<string, number>>;
  readonly error?: OperationError;
}

/** What a vendor's client answers. `success: false` is a failed delivery (TRN-05). */
export interface ProviderResult extends TryAgain {
  readonly success: boolean;
  readonly providerMessageId?: string;
  /** An error code of the vendor or of the kit. */
  readonly error?: string;
  readonly retryable?: boolean;
  readonly retryAfterSeconds?: number;
  readonly metadata?: Metadata;
}

/** A vendor's callback about one message. */
export interface DeliveryStatus extends TryAgain {
  readonly roomId?: string;
  readonly channelId?: string;
  readonly provider: string;
  /** The vendor's message id. */
  readonly messageId: string;
  /** The key the message was sent with, where the vendor says it again: it names the delivery even when no answer came (OUT-07). */
  readonly idempotencyKey?: string;
  readonly status: 'sending' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
  readonly recipient?: string;
  readonly sender?: string;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly timestamp?: string;
  readonly raw?: Metadata;
}

/** An event that a hook or an agent adds to the timeline (§15). Without targets it is stored only. */
export interface InjectedEvent {
  readonly event: {
    readonly content: ContentInput;
    readonly type?: EventType;
    /** Whose words these are; default the system. */
    readonly channelId?: string;
    readonly participantId?: string;
    readonly visibility?: string;
    readonly metadata?: Metadata;
  };
  readonly targetChannelIds?: readonly string[];
}

/** What a channel answers to an event (`onEvent`). */
export interface ChannelOutput {
  readonly responded?: boolean;
  readonly responseEvents?: readonly EventDraft[];
  /** A reply that is still being written; the kit streams, gathers and commits it (§18.2). */
  readonly responseStream?: ResponseStream;
  readonly tasks?: readonly TaskDraft[];
  readonly observations?: readonly ObservationDraft[];
  /** Merged into room metadata; keys that start with `_` are refused (INB-15). */
  readonly metadataUpdates?: Metadata;
  /** How the turn ended; default `completed`, or `empty` without a reply. */
  readonly endReason?: TurnEndReason;
  /** Tokens by kind. */
  readonly usage?: Readonly<Record<string, number>>;
  readonly error?: OperationError;
  /** Answers of tools that come later: stored in the reply's commit (LTR-01). */
  readonly laterTasks?: readonly TaskDraft[];
  /** The turn is not over: it waits for people (APR-01). What it has said so far is said now. */
  readonly suspend?: SuspendRequest;
}

/** A reply being written: deltas now, the draft of the event to commit when they have ended. */
export interface ResponseStream {
  /** Visible text, piece by piece. Leaving the loop early aborts the model (STR-07). */
  readonly deltas: AsyncIterable<string>;
  /**
   * The same for a maker that need not be asked for each piece; used in place of `deltas` where present. Resolves when the text
   * has ended, rejects with what the deltas would throw, and ends early when the turn's signal aborts.
   */
  readonly pipe?: (write: (delta: string) => void) => Promise<void>;
  /** The reply's frame: source, metadata known now. Its content is replaced by the gathered text. */
  readonly placeholder: EventDraft;
  /** Read once after the deltas have ended or failed: what only then is known. Never throws. */
  readonly finish: () => StreamOutcome;
}

/** How a streamed reply ended, known once its last delta has been read. */
export interface StreamOutcome {
  readonly endReason: TurnEndReason;
  readonly usage: Readonly<Record<string, number>>;
  /** Who wrote it, when that is not whom the placeholder names: a fallback took over. */
  readonly source?: EventSource;
  /** Merged into the reply's metadata. */
  readonly metadata?: Metadata;
  readonly tasks?: readonly TaskDraft[];
  readonly observations?: readonly ObservationDraft[];
  readonly metadataUpdates?: Metadata;
  /** Set when the model failed or was cut off; the text so far is kept (STR-05). */
  readonly error?: OperationError;
  readonly cancelled?: boolean;
  /** Answers of tools that come later: stored in the reply's commit (LTR-01). */
  readonly laterTasks?: readonly TaskDraft[];
  /** The turn is not over: it waits for people (APR-01). */
  readonly suspend?: SuspendRequest;
}

/** One planned delivery to a durable channel (OUT-01). */
export interface OutboxRow {
  readonly id: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly eventIndex: number;
  readonly channelId: string;
  readonly state: OutboxState;
  readonly attempts: number;
  /** ISO time before which it is not tried again. */
  readonly nextAttemptAt?: string;
  readonly leaseOwner?: string;
  readonly leaseUntil?: string;
  readonly fencingToken?: number;
  /** `eventId:channelId`. */
  readonly idempotencyKey: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly provider?: string;
  readonly providerMessageId?: string;
  /** How many parts of a split text have been sent (TRC-03). */
  readonly partsSent?: number;
  /** The vendor's ids of these parts, '' for one without; what edits and deletes change (TRC-06). */
  readonly partMessageIds?: readonly string[];
  readonly lastError?: DeliveryFailure;
  /** The trace it belongs to; kept by telemetry that knows trace context (TEL-08). */
  readonly trace?: TraceContext;
}

/** One run of one agent for its triggering events (TURN-01). */
export interface TurnRow {
  readonly id: string;
  readonly roomId: string;
  readonly channelId: string;
  readonly triggerEventIds: readonly string[];
  /** Index of the newest trigger: the order of turns in their lane. */
  readonly triggerIndex: number;
  readonly state: TurnState;
  readonly attempts: number;
  readonly leaseOwner?: string;
  readonly leaseUntil?: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly endReason?: TurnEndReason;
  readonly replyEventIds?: readonly string[];
  readonly usage?: Readonly<Record<string, number>>;
  readonly error?: OperationError;
  /** Idempotency keys of non-idempotent tools that were started (TURN-04). */
  readonly startedTools?: readonly string[];
  /** Of a merged turn: the one that answers its message too (COL-02, COL-03). */
  readonly mergedInto?: string;
  /** Of a turn that waits, or has waited, for a person: how it goes on (APR-01). */
  readonly suspended?: SuspendedTurn;
  /** The trace it belongs to; kept by telemetry that knows trace context (TEL-08). */
  readonly trace?: TraceContext;
}

export type { Observation, Task };

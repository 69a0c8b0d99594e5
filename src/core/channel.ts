/**
 * The contract of a channel: a thin adapter between rooms and one transport or one agent (behaviour §6). One channel
 * object serves many rooms at once, so nothing about a room, session or turn is kept on it (CON-09).
 */
import type { Logger } from './logger.js';
import type { Clock } from './clock.js';
import type { RoomKit } from './kit.js';
import type { FileContent } from './media/content-media.js';
import type { ChannelFetchOptions, FetchedMedia } from './media/media-store.js';
import type { GivenPrompt, ToolFunction } from './models/ai.js';
import type { Approval, Approver, ResumedTurn } from './models/approval.js';
import type { ChannelBinding } from './models/binding.js';
import type { ChannelCapabilities } from './models/capabilities.js';
import type { ChannelOutput, CollisionConfig, InboundMessage, ProviderResult, RateLimit } from './models/delivery.js';
import type { EphemeralEvent } from './models/ephemeral.js';
import type { EventDraft, RoomEvent } from './models/event.js';
import type { Awaitable, Metadata } from './models/json.js';
import type { Participant } from './models/people.js';
import type { Room } from './models/room.js';
import type { ProtocolTrace, TurnStepTrace } from './models/trace.js';
import type { Budget } from './models/usage.js';
import type { ChannelCategory, ChannelDirection, ChannelType } from './models/vocabulary.js';
import type { RoomContext } from './rooms/context.js';
import type { MemoryAccess } from './rooms/memory-access.js';
import type { ChannelTracing } from './telemetry/provider.js';
import type { ToolUseGate } from './turns/tool-gate.js';

/** A channel. Few members are required; the optional methods are what a channel may be able to do. */
export interface Channel {
  readonly channelId: string;
  readonly channelType: ChannelType;
  readonly category: ChannelCategory;
  readonly direction: ChannelDirection;
  /** What it can carry; a snapshot is taken at every attach (CHO-02). */
  readonly capabilities: ChannelCapabilities;
  /** The vendor's name, as stored in `source.provider` and in status callbacks. */
  readonly providerName?: string | undefined;
  /** False for live channels: no outbox rows, deliveries follow the timeline (OUT-15). Default true. */
  readonly durable?: boolean;
  /** True when `senderId` is a participant's id: identity resolution is skipped. Default false. */
  readonly namesOwnSenders?: boolean;
  /** Whether the vendor recognises a repeated idempotency key (OUT-09). Default false. */
  readonly supportsIdempotencyKey?: boolean;
  /** Whether deliveries may have to wait until the recipient writes again (OUT-17): then each of his messages looks for them. */
  readonly parksDeliveries?: boolean;
  /** How fast this channel may go across all its rooms, as its vendor allows; a binding may be slower (RES-02). Per process. */
  readonly rateLimit?: RateLimit;
  /** The key of binding metadata that holds the recipient's address (TRN-03). */
  readonly recipientKey?: string;
  /** True when every thread (`message.threadId`) gets a room of its own, also those of one sender (RTR-05). Default false. */
  readonly roomPerThread?: boolean;
  /** True when messages of one connection go to the room's other connections as well (WS-10). */
  readonly echo?: boolean;
  /** How many events of history this channel wants in its context (INB-04). */
  readonly maxContextEvents?: number;
  /** True for an agent that generates nothing itself (AGT-03): it is never solicited. */
  readonly isConfigOnly?: boolean;
  /** What an agent does with a message that comes while its turn runs, where binding and room say nothing (§17). */
  readonly collision?: CollisionConfig | undefined;

  /** Called once when the channel is registered: what it may use of the kit. */
  connect?(services: ChannelServices): void;
  /** Turns a transport's message into an event. May throw; must not write. */
  handleInbound?(message: InboundMessage, context: InboundContext): Awaitable<EventDraft>;
  /** Told of every event it may read. An intelligence channel answers here (`options.turn` is set). */
  onEvent?(event: RoomEvent, binding: ChannelBinding, context: RoomContext, options: OnEventOptions): Awaitable<ChannelOutput | void>;
  /** Sends an event out. Throws `DeliveryError` on failure. A result that is not needed may be omitted. */
  deliver?(event: RoomEvent, binding: ChannelBinding, context: RoomContext, options: DeliverOptions): Awaitable<DeliverReceipt | void>;
  /** Whether somebody in this room can watch a reply being written (WS-06). */
  supportsStreamingDelivery?(roomId: string): boolean;
  /** Opens a preview of a reply; the kit then writes and ends it. */
  openStream?(placeholder: StreamPlaceholder, binding: ChannelBinding): DeliveryStream | null;
  /** Told that somebody's live session, such as a call, joins a room. */
  connectSession?(session: unknown, roomId: string, binding: ChannelBinding): Awaitable<void>;
  /** Told that a session leaves the room. */
  disconnectSession?(session: unknown, roomId: string): Awaitable<void>;
  /** Whether this person may answer an approval of one of its tools, and whether changed arguments fit (APR-03). */
  judgeApproval?(approval: Approval, question: ApprovalQuestion): Awaitable<ApprovalJudgement>;
  /** Told when mute, access or visibility of a binding changed (CHO-06). */
  updateBinding?(roomId: string, binding: ChannelBinding): Awaitable<void>;
  /** Told when the channel was detached from a room. */
  detached?(roomId: string): Awaitable<void>;
  /** Told when a room was deleted with everything in it: what the channel remembers of it is to go too. */
  forgetRoom?(roomId: string): Awaitable<void>;
  /** Told when a stored event was changed or removed by an edit, a delete or the host. */
  onEventChanged?(event: RoomEvent, change: 'updated' | 'deleted', binding: ChannelBinding): Awaitable<void>;
  /** Told of every committed event it may see, solicited or not; for memories that keep their own record (MEM-01). */
  ingest?(event: RoomEvent, binding: ChannelBinding): Awaitable<void>;
  /** Typing, receipts, presence and reactions of others (EPH-03). */
  deliverEphemeral?(event: EphemeralEvent, binding: ChannelBinding): Awaitable<void>;
  /** Where an answer to this message goes; default its sender (TRN-06). */
  recipientOf?(message: InboundMessage): string;
  /**
   * Fetches media of its own vendor (MED-01), with the vendor's credentials or by asking it where a file is; `null` for an
   * ordinary link.
   */
  fetchMedia?(url: string, options: ChannelFetchOptions): Awaitable<FetchedMedia | null>;
  /** What became of an earlier attempt with this key; `null` when the vendor does not know (OUT-09). */
  lookupDelivery?(idempotencyKey: string, signal: AbortSignal): Awaitable<DeliverReceipt | null>;
  /** False while a connection is down: deliveries wait without using attempts. Default true. */
  ready?(): boolean;
  /** The room a trace's session belongs to, when the trace does not say (HK-16). */
  resolveTraceRoom?(sessionId: string): string | undefined;
  /** How many live connections there are; of channels that have any (OPS-01). */
  connectionCount?(): number;
  /** A live channel is told how far a room has come that it follows (`services.follow`): other processes may have committed there. */
  catchUp?(roomId: string, latestIndex: number): void;
  /** Idempotent; releases everything, with the provider it owns. */
  close?(): Awaitable<void>;
}

/** What answers something: an event, or what is no event and stands behind all of them, such as typing. */
export type Answering = Pick<RoomEvent, 'roomId' | 'parentEventId'> & { readonly index?: number };

/** What a registered channel may use of its kit. */
export interface ChannelServices {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reports an exchange with the vendor; costs nothing without a listener. */
  emitTrace(trace: ProtocolTrace): void;
  /** Emits a framework event (§25). */
  emit(type: string, data: Metadata, roomId?: string): void;
  /** Reads the timeline as this channel may see it, ascending; for replays (WS-09). */
  readVisible(roomId: string, options: { afterIndex: number; limit: number }): Promise<VisiblePage>;
  /** The vendor's id of a message that came or went over this channel; undefined when there is none. */
  messageIdOf(roomId: string, eventId: string): Promise<string | undefined>;
  /** The same of every message that an event became, in their order; none where one of them is not known. */
  messageIdsOf(roomId: string, eventId: string): Promise<readonly string[]>;
  /** The messages of an event that went out over this channel have become these. */
  noteMessageIds(roomId: string, eventId: string, messageIds: readonly string[]): Promise<void>;
  /** The message of this channel that an event answers: its parent, else the channel's newest in the room before it. */
  answeredBy(event: Answering): Promise<RoomEvent | undefined>;
  /** Connections of this channel hear this room: it is told of what other processes commit there ({@link Channel.catchUp}). Whether they do. */
  follow(roomId: string): boolean;
  /** None does any more. */
  unfollow(roomId: string): void;
  /** Publishes an ephemeral event of this channel. */
  publish(event: EphemeralEvent): Awaitable<void>;
  /** Present while the kit has telemetry. */
  readonly tracing?: ChannelTracing;
  /** Gates and runs one tool call (§18.1, HK-14): the hooks `before_tool_use` and `on_tool_call`. */
  readonly toolGate: ToolUseGate;
  /** What an agent's memory may use of the store (MEM-07, MEM-08). Absent outside a kit. */
  readonly memory?: MemoryAccess;
  /** Handlers of tools that stored layers name (AI-02): the kit's `tools` option. */
  readonly tools: ReadonlyMap<string, ToolFunction>;
  /**
   * A link to this file of the event that a vendor can fetch, for vendors that take media by its address (PV-05). An ordinary link
   * is what it is. Absent without a media store.
   */
  readonly publishMedia?: (content: FileContent, event: RoomEvent) => Promise<string>;
  /** The kit itself, for the context of tools (TL-11). */
  readonly kit: RoomKit;
}

/** A page of a room's timeline as one channel may see it, ascending. */
export interface VisiblePage {
  readonly events: readonly RoomEvent[];
  /** Index of the last visible event before the first of `events`; −1 when there is none (WIRE-05). */
  readonly prev: number;
  readonly latestIndex: number;
  /** True when more events follow. */
  readonly more: boolean;
}

/** What `handleInbound` is told besides the message. */
export interface InboundContext {
  readonly roomId: string;
  readonly signal: AbortSignal;
  /** The room as it was before the lock was taken. */
  readonly context: RoomContext;
}

/** What `onEvent` is told besides the event. */
export interface OnEventOptions {
  /** Aborted when the turn is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** The same without a signal, which is dear: calls `listener` once when that happens; returns what stops listening. */
  readonly onAbort?: (listener: (reason: Error) => void) => () => void;
  /** Set for an intelligence channel. */
  readonly turn?: Turn;
}

/** One run of one intelligence channel (§17). */
export interface Turn {
  readonly id: string;
  /** 1 for the first; 2 when a crashed one is run again. */
  readonly attempt: number;
  /** Oldest first; several in a burst. The last one is the event given to `onEvent`. */
  readonly triggerEvents: readonly RoomEvent[];
  /** Idempotency keys of non-idempotent tools a crashed attempt had started (TURN-04). */
  readonly startedTools: readonly string[];
  /** Records, durably, that a non-idempotent tool starts (TURN-04). */
  markToolStarted(idempotencyKey: string): Awaitable<void>;
  /**
   * Messages that came while the turn runs and that its agent may answer with it (policy `steer`, COL-03); asked for before
   * each call of a model. From then on they are among `triggerEvents`. Undefined when there are none.
   */
  takeMessages?(): Awaitable<TakenMessages | undefined>;
  /** Work that may go on when the turn's signal is aborted, such as a tool: the next turn waits a moment for it (COL-04). */
  mayOutlast?(work: Promise<unknown>): void;
  /** Set when the turn has waited for people and now goes on (APR-04): the agent's own record, and what they said. */
  readonly resumed?: ResumedTurn | undefined;
  /** Why no further generation may be made (USG-03); undefined when one may. At once when the store answers at once. */
  budgetRefusal?(budgets: { readonly agent: Budget | undefined; readonly room: Budget | undefined }, model: string): Awaitable<string | undefined>;
  /** What its agent has left for its next turn in this room, to be spared work: never more than that, for it may be gone at any time. */
  readonly kept?: KeptByAgent;
  /** Adds a step to the decision trace (TEL-07). Generations are recorded as used, too (USG-01): `name` is the model, `provider` whose it is. */
  trace(step: {
    kind: 'generation' | 'tool';
    name: string;
    provider?: string | undefined;
    ms: number;
    firstTokenMs?: number | undefined;
    tokens?: Readonly<Record<string, number>> | undefined;
    code?: string | undefined;
    /** What was done after a generation that failed. */
    recovery?: TurnStepTrace['recovery'];
    /** What the model was given; asked for only where the trace is kept, and counted at once: of its words nothing is kept. */
    prompt?: (() => GivenPrompt) | undefined;
  }): void;
}

/** What an agent keeps of a room between turns; the kit forgets it with the room, and when a stored event is changed. */
export interface KeptByAgent {
  value: unknown;
}

/** What an agent is asked about an approval. */
export interface ApprovalQuestion {
  readonly by: Approver;
  /** What is to run in place of what was asked for. */
  readonly arguments?: Metadata;
  readonly room: Room;
  readonly binding: ChannelBinding;
}

/** What it says. */
export interface ApprovalJudgement {
  /** Of an approval whose tool judges itself: whether this person may answer it. */
  readonly isAllowed: boolean;
  /** Why the changed arguments do not fit. */
  readonly problem?: string;
}

/** Messages that joined a running turn. */
export interface TakenMessages {
  /** As they are now, oldest first; those that were deleted meanwhile are left out. */
  readonly events: readonly RoomEvent[];
  /** The people of the room now. */
  readonly participants: readonly Participant[];
}

/** What `deliver` is told besides the event. The idempotency key is the same for every attempt. */
export interface DeliverOptions {
  /** Aborted when the attempt's time is up. */
  readonly signal: AbortSignal;
  /** `eventId:channelId`; the same for every attempt. */
  readonly idempotencyKey: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** The code of the attempt before, where it failed. */
  readonly previousError?: string | undefined;
  /** Where to resume a split text (TRC-03). */
  readonly partsSent: number;
  /** The parts to send when the text was split; else undefined and `event.content` is what to send. */
  readonly parts?: readonly string[];
  /** The vendor's ids of the parts that are out, as they were noted; '' for one without. */
  readonly partMessageIds?: readonly string[];
  /** Durably notes that this many parts are out, and the vendor's id of the newest: by these a split text is changed later (TRC-06). */
  markPartsSent?(count: number, providerMessageId?: string): Awaitable<void>;
  /**
   * Set where `deliver` may return {@link LATER} in place of a promise: then this is to be called once, after it has returned,
   * with the error or without. For channels that settle thousands of deliveries at a time.
   */
  done?(error?: Error): void;
}

/** What a delivery that succeeded left behind. */
export interface DeliverReceipt {
  readonly providerMessageId?: string;
  readonly providerResult?: ProviderResult;
  /** True when there is nothing to send with: the delivery is skipped (OUT-11). */
  readonly skipped?: boolean;
}

/** `deliver` says by `options.done` what became of the event. */
export const LATER: DeliverReceipt = Object.freeze({});

/** A reply that is about to be written: whose, and where. */
export interface StreamPlaceholder {
  readonly streamId: string;
  readonly roomId: string;
  readonly source: RoomEvent['source'];
  readonly visibility: string;
  readonly parentEventId?: string;
  /** Another process writes it: its event is not handed to the preview, the channel finds it by its index (OUT-18). */
  readonly isElsewhere?: boolean;
}

/** A preview of a reply on one channel. `write` never waits: what cannot keep up is cut off (STR-01). */
export interface DeliveryStream {
  /** `text` is everything so far. */
  write(delta: string, text: string): void;
  /**
   * The committed event takes the preview's place, in the room's order. Resolves to true when everybody who watched
   * got it, false when somebody has to be served by an ordinary delivery.
   */
  end(event: RoomEvent, context: RoomContext): Awaitable<boolean>;
  /** The preview is void; `event` is the blocked or partial event, if one is stored. Exactly one of end or error is called. */
  error(code: string, event?: RoomEvent): void;
}

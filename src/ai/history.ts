/** What a model is shown of a conversation (AI-03, AI-04): the history as this agent may see it, then what it answers. */
import type { KeptByAgent, TakenMessages } from '../core/channel.js';
import { ValidationError } from '../core/errors.js';
import type { ChannelServices } from '../core/channel.js';
import type { AIMessage, AITool } from '../core/models/ai.js';
import type { RoomEvent } from '../core/models/event.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import { canSeeEvent } from '../core/delivery/visibility.js';
import { RoomContextView, type RoomContext } from '../core/rooms/context.js';
import { withoutSummaries } from '../core/rooms/summaries.js';
import type { Cancellation } from '../core/async/cancellation.js';
import type { LoopRecord } from './loop-record.js';
import type { MemoryOptions, MemoryProvider, MemoryResult, MemoryStore } from './memory/memory.js';
import { ReadersStore } from './memory/readers-store.js';
import { newest } from './memory/sliding-window.js';
import { read, Reading } from './reading.js';
import { hasSeveralSpeakers } from './speakers.js';

export interface ConversationParts {
  readonly channelId: string;
  readonly context: RoomContext;
  /** Oldest first. */
  readonly triggers: readonly RoomEvent[];
  readonly memory: MemoryProvider;
  /** The window when the memory fails (MEM-04). */
  readonly maxContextEvents: number;
  readonly supportsVision: boolean;
  readonly services: ChannelServices;
  readonly turnId: string;
  /** Where the last turn in this room has left what it has read. */
  readonly kept: KeptByAgent | undefined;
  readonly systemPrompt: string | undefined;
  readonly tools: readonly AITool[];
  readonly cancellation: Cancellation;
}

export interface Conversation {
  /** The history, which may be shortened when it does not fit the model, and then what the turn answers. */
  readonly messages: readonly AIMessage[];
  /** Where what it answers begins: every trigger, in order. At the end when all of them were deleted meanwhile. */
  readonly askedFrom: number;
  readonly hasSeveralSpeakers: boolean;
  /** What they were made of. */
  readonly remembered: MemoryResult;
  readonly triggers: readonly RoomEvent[];
}

const NOTHING: Conversation = {
  messages: EMPTY_LIST,
  askedFrom: 0,
  hasSeveralSpeakers: false,
  remembered: { messages: EMPTY_LIST, events: EMPTY_LIST },
  triggers: EMPTY_LIST,
};

/** What a turn that has waited had been shown, and what had come of it. */
export function conversationOf({ messages, askedFrom, hasSeveralSpeakers }: LoopRecord): Conversation {
  return { ...NOTHING, messages, askedFrom, hasSeveralSpeakers };
}

/** At once when the memory answers at once. */
export function buildConversation(parts: ConversationParts): Awaitable<Conversation> {
  const { context } = parts;
  const recent = context.recentEvents;
  const triggers = currentVersions(parts.triggers, recent);
  const trigger = triggers.at(-1);
  if (trigger === undefined) return NOTHING;
  const remembered = recall(parts, triggers, trigger, readable(parts, recent, triggers));
  return isPromise(remembered) ? remembered.then((shown) => toMessages(parts, triggers, shown)) : toMessages(parts, triggers, remembered);
}

/** Messages that joined a running turn, as its model reads them. */
export interface Joined {
  readonly messages: readonly AIMessage[];
  /** Set when they brought a second speaker: what was shown before, now with names (AI-04). */
  readonly renamed?: readonly AIMessage[];
}

/** Puts messages that joined a running turn into words, by the same rules as the rest. */
export function joinConversation(
  conversation: Conversation,
  { events, participants }: TakenMessages,
  hadSeveral: boolean,
  reader: { readonly channelId: string; readonly supportsVision: boolean },
): Joined {
  const { remembered, triggers } = conversation;
  const later = events.filter((event) => isConversation(event, reader.channelId));
  const hasSeveral = hadSeveral || hasSeveralSpeakers(reader.channelId, remembered.events, triggers, later);
  const words = { ...reader, participants };
  const messages = later.map((event) => read(words, event, hasSeveral)).filter((message) => message !== undefined);
  if (!hasSeveral || hadSeveral) return { messages };
  return { messages, renamed: wordsOf(remembered, new Reading(words, true, allOf(remembered, triggers))).messages };
}

/** What of the history this agent may read, without what it is to answer. Of most rooms that is all but the newest. */
function readable({ channelId, context }: ConversationParts, recent: readonly RoomEvent[], triggers: readonly RoomEvent[]): readonly RoomEvent[] {
  const binding = context.getBinding(channelId);
  if (binding === undefined) return EMPTY_LIST;
  let kept: RoomEvent[] | undefined;
  for (let position = 0; position < recent.length; position++) {
    const event = recent[position];
    if (event === undefined) continue;
    const isShown = canSeeEvent(event, binding) && isConversation(event, channelId) && !isAmong(event, triggers);
    if (!isShown) kept ??= recent.slice(0, position);
    else kept?.push(event);
  }
  return kept ?? recent;
}

/** Events in the words a model reads. */
function toMessages(parts: ConversationParts, triggers: readonly RoomEvent[], remembered: MemoryResult): Conversation {
  const { channelId, supportsVision, context, kept } = parts;
  const hasSeveral = hasSeveralSpeakers(channelId, remembered.events, triggers);
  const reader = { channelId, supportsVision, participants: context.participants };
  const before = kept?.value instanceof Reading ? kept.value : undefined;
  const reading = new Reading(reader, hasSeveral, allOf(remembered, triggers), before);
  if (kept !== undefined) kept.value = reading;
  const { messages, askedFrom } = wordsOf(remembered, reading);
  return { messages, askedFrom, hasSeveralSpeakers: hasSeveral, remembered, triggers };
}

function allOf(remembered: MemoryResult, triggers: readonly RoomEvent[]): readonly RoomEvent[] {
  return remembered.events.concat(triggers);
}

/** The memory's own words, then those of the events; what there is nothing to read of is left out. */
function wordsOf({ messages, events }: MemoryResult, reading: Reading): Pick<Conversation, 'messages' | 'askedFrom'> {
  if (messages.length === 0 && reading.isWhole) return { messages: reading.words(), askedFrom: events.length };
  const history = reading.words(0, events.length);
  const shown = messages.length === 0 ? history : messages.concat(history);
  return { messages: shown.concat(reading.words(events.length)), askedFrom: shown.length };
}

/** What the memory shows; when it fails, the plain window (MEM-04). */
function recall(
  parts: ConversationParts,
  triggers: readonly RoomEvent[],
  trigger: RoomEvent,
  readable: readonly RoomEvent[],
): Awaitable<MemoryResult> {
  const { context, channelId, memory, cancellation } = parts;
  const filtered = new RoomContextView(withoutSummaries(context.room), context.bindings, context.participants, () => readable);
  const instead = (error: unknown): MemoryResult => {
    if (cancellation.reason !== undefined) throw cancellation.reason;
    parts.services.logger.warn('A memory failed; the newest events take its place.', {
      channelId,
      roomId: context.room.id,
      memory: memory.name,
      error,
    });
    return { messages: EMPTY_LIST, events: newest(readable, parts.maxContextEvents) };
  };
  try {
    const result = memory.retrieve(context.room.id, trigger, filtered, channelId, new OptionsOfTurn(parts, triggers));
    return isPromise(result) ? cancellation.guard(result).then(checkResult).catch(instead) : checkResult(result);
  } catch (error) {
    return instead(error);
  }
}

/** What a memory is told; what costs something is made when it is asked for. */
class OptionsOfTurn implements MemoryOptions {
  readonly systemPrompt?: string;
  readonly tools: readonly AITool[];
  readonly #parts: ConversationParts;

  constructor(
    parts: ConversationParts,
    readonly triggers: readonly RoomEvent[],
  ) {
    this.#parts = parts;
    this.tools = parts.tools;
    if (parts.systemPrompt !== undefined) this.systemPrompt = parts.systemPrompt;
  }

  get signal(): AbortSignal {
    return this.#parts.cancellation.signal;
  }

  get store(): MemoryStore | undefined {
    const { services, context, channelId, turnId } = this.#parts;
    return services.memory === undefined ? undefined : new ReadersStore(services, services.memory, context, channelId, turnId, this.triggers);
  }
}

/** A memory of plain JavaScript may answer anything at all. */
function checkResult(result: MemoryResult | undefined): MemoryResult {
  if (Array.isArray(result?.messages) && Array.isArray(result.events)) return result;
  throw new ValidationError('retrieve() has to give { messages: [], events: [] }.');
}

/** Messages only: nothing of the system's, nothing of orchestration's inner life, nothing internal but one's own. */
export function isConversation(event: RoomEvent, channelId: string): boolean {
  return (
    event.type === 'message' &&
    event.content.type !== 'system' &&
    event.metadata['_orchestration_internal'] !== true &&
    (event.visibility !== 'internal' || event.source.channelId === channelId)
  );
}

/** An index tells most events apart, and is compared faster than an id. */
function isAmong(event: RoomEvent, triggers: readonly RoomEvent[]): boolean {
  for (const trigger of triggers) if (trigger.index === event.index && trigger.id === event.id) return true;
  return false;
}

/** The triggers as they are now: edited ones in their new words, deleted ones gone (EDT-04). */
function currentVersions(triggers: readonly RoomEvent[], recent: readonly RoomEvent[]): readonly RoomEvent[] {
  let changed: RoomEvent[] | undefined;
  triggers.forEach((trigger, at) => {
    const now = findBackwards(recent, trigger) ?? trigger;
    const isGone = now.metadata['deleted'] === true; // also before a turn that is run again began
    if (now !== trigger || isGone) changed ??= triggers.slice(0, at);
    if (!isGone) changed?.push(now);
  });
  return changed ?? triggers;
}

function findBackwards(recent: readonly RoomEvent[], trigger: RoomEvent): RoomEvent | undefined {
  for (let at = recent.length - 1; at >= 0; at--) {
    const event = recent[at];
    if (event === undefined || event.index < trigger.index) return undefined;
    if (event.id === trigger.id) return event;
  }
  return undefined;
}

/** What a model is shown of a conversation (AI-03, AI-04): the history as this agent may see it, then what it answers. */
import type { TakenMessages } from '../core/channel.js';
import { ValidationError } from '../core/errors.js';
import type { ChannelServices } from '../core/channel.js';
import type { AIMessage, AITool } from '../core/models/ai.js';
import type { EventContent } from '../core/models/content.js';
import type { RoomEvent } from '../core/models/event.js';
import type { Participant } from '../core/models/people.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import { canSeeEvent } from '../core/delivery/visibility.js';
import { RoomContextView, type RoomContext } from '../core/rooms/context.js';
import { withoutSummaries } from '../core/rooms/summaries.js';
import type { Cancellation } from '../core/async/cancellation.js';
import { readContent } from './content-parts.js';
import type { LoopRecord } from './loop-record.js';
import type { MemoryOptions, MemoryProvider, MemoryResult, MemoryStore } from './memory/memory.js';
import { ReadersStore } from './memory/readers-store.js';
import { newest } from './memory/sliding-window.js';
import { hasSeveralSpeakers, withSpeaker } from './speakers.js';

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
  return hasSeveral && !hadSeveral ? { messages, renamed: wordsOf(words, remembered, triggers, true).messages } : { messages };
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
  const { channelId, supportsVision, context } = parts;
  const hasSeveral = hasSeveralSpeakers(channelId, remembered.events, triggers);
  const { messages, askedFrom } = wordsOf({ channelId, supportsVision, participants: context.participants }, remembered, triggers, hasSeveral);
  return { messages, askedFrom, hasSeveralSpeakers: hasSeveral, remembered, triggers };
}

/** Who reads, and whom it knows by name. */
interface Reader {
  readonly channelId: string;
  readonly supportsVision: boolean;
  readonly participants: readonly Participant[];
}

function wordsOf(
  reader: Reader,
  remembered: MemoryResult,
  triggers: readonly RoomEvent[],
  hasSeveral: boolean,
): Pick<Conversation, 'messages' | 'askedFrom'> {
  const { events } = remembered;
  // As long as it will be in most cases: a list that grows is copied again and again.
  const messages = remembered.messages.slice();
  let length = messages.length;
  messages.length += events.length + triggers.length;
  const add = (event: RoomEvent): void => {
    const message = read(reader, event, hasSeveral);
    if (message !== undefined) messages[length++] = message;
  };
  for (const event of events) add(event);
  const askedFrom = length;
  for (const event of triggers) add(event);
  messages.length = length;
  return { messages, askedFrom };
}

/**
 * Plain texts in the form of messages, one of a user and one of the reader itself. A window moves on by a message or two each
 * turn: what stays in it is not made anew, and what a model's adapter still holds of earlier turns holds no copies.
 */
const SPOKEN = new WeakMap<EventContent, AIMessage>();
const OWN = new WeakMap<EventContent, AIMessage>();

/** An event's message; undefined when there is nothing to read. */
function read(reader: Reader, event: RoomEvent, withSpeakers: boolean): AIMessage | undefined {
  const { content } = event;
  const isOwn = event.source.channelId === reader.channelId;
  if (content.type !== 'text' || (withSpeakers && !isOwn)) return readNow(reader, event, withSpeakers);
  const known = isOwn ? OWN : SPOKEN;
  let message = known.get(content);
  if (message === undefined) {
    message = readNow(reader, event, withSpeakers);
    if (message !== undefined) known.set(content, message);
  }
  return message;
}

function readNow({ channelId, participants, supportsVision }: Reader, event: RoomEvent, withSpeakers: boolean): AIMessage | undefined {
  const content = readContent(event.content, supportsVision);
  if (content === null || content.length === 0) return undefined;
  if (event.source.channelId === channelId) return Object.freeze({ role: 'assistant', content } as const);
  return Object.freeze({ role: 'user', content: withSpeakers ? withSpeaker(content, event, participants) : content } as const);
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

function isAmong(event: RoomEvent, triggers: readonly RoomEvent[]): boolean {
  return triggers.length === 1 ? triggers[0]?.id === event.id : triggers.some((trigger) => trigger.id === event.id);
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

/** What a model is shown of a conversation (AI-03, AI-04): the history as this agent may see it, then what it answers. */
import { ValidationError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { AIMessage } from '../core/models/ai.js';
import type { RoomEvent } from '../core/models/event.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import { RoomContextView, type RoomContext } from '../core/rooms/context.js';
import type { Cancellation } from './cancellation.js';
import { readContent } from './content-parts.js';
import type { MemoryOptions, MemoryProvider, MemoryResult } from './memory/memory.js';
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
  readonly logger: Logger;
  readonly memoryOptions: MemoryOptions;
  readonly cancellation: Cancellation;
}

export interface Conversation {
  /** May be shortened when it does not fit the model. */
  readonly history: readonly AIMessage[];
  /** What the turn answers: every trigger, in order. Empty when all of them were deleted meanwhile. */
  readonly asked: readonly AIMessage[];
  readonly hasSeveralSpeakers: boolean;
}

export async function buildConversation(parts: ConversationParts): Promise<Conversation> {
  const { channelId, context } = parts;
  const triggers = currentVersions(parts.triggers, context.recentEvents);
  const trigger = triggers.at(-1);
  if (trigger === undefined) return { history: EMPTY_LIST, asked: EMPTY_LIST, hasSeveralSpeakers: false };
  const readable = context.visibleTo(channelId).filter((event) => isConversation(event, channelId) && !isAmong(event, triggers));
  const recalled = recall(parts, trigger, readable);
  const remembered = isPromise(recalled) ? await recalled : recalled;
  const severalSpeakers = hasSeveralSpeakers(channelId, remembered.events, triggers);
  const read = (event: RoomEvent, into: AIMessage[]): void => {
    const content = readContent(event.content, parts.supportsVision);
    if (content === null || content.length === 0) return;
    if (event.source.channelId === channelId) into.push({ role: 'assistant', content });
    else into.push({ role: 'user', content: severalSpeakers ? withSpeaker(content, event, context.participants) : content });
  };
  const history: AIMessage[] = [...remembered.messages];
  for (const event of remembered.events) read(event, history);
  const asked: AIMessage[] = [];
  for (const event of triggers) read(event, asked);
  return { history, asked, hasSeveralSpeakers: severalSpeakers };
}

/** What the memory shows; when it fails, the plain window (MEM-04). */
function recall(parts: ConversationParts, trigger: RoomEvent, readable: readonly RoomEvent[]): Awaitable<MemoryResult> {
  const { context, channelId, memory, cancellation } = parts;
  const filtered = new RoomContextView(context.room, context.bindings, context.participants, () => readable);
  const instead = (error: unknown): MemoryResult => {
    if (cancellation.reason !== undefined) throw cancellation.reason;
    parts.logger.warn('A memory failed; the newest events take its place.', { channelId, roomId: context.room.id, memory: memory.name, error });
    return { messages: EMPTY_LIST, events: newest(readable, parts.maxContextEvents) };
  };
  try {
    const result = memory.retrieve(context.room.id, trigger, filtered, channelId, parts.memoryOptions);
    return isPromise(result) ? cancellation.guard(result).then(checkResult).catch(instead) : checkResult(result);
  } catch (error) {
    return instead(error);
  }
}

/** A memory of plain JavaScript may answer anything at all. */
function checkResult(result: MemoryResult | undefined): MemoryResult {
  if (Array.isArray(result?.messages) && Array.isArray(result.events)) return result;
  throw new ValidationError('retrieve() has to give { messages: [], events: [] }.');
}

/** Messages only: nothing of the system's, nothing of orchestration's inner life, nothing internal but one's own. */
function isConversation(event: RoomEvent, channelId: string): boolean {
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

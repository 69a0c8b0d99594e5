/** Tells an agent that takes over what the one before it left (MEM-03). */
import type { RoomEvent } from '../../core/models/event.js';
import { getConversationState } from '../../core/models/conversation-state.js';
import { isPromise, type Awaitable } from '../../core/models/json.js';
import type { RoomContext } from '../../core/rooms/context.js';
import { escapeMarks, HANDOFF_MARK, singleLine } from '../escape.js';
import type { MemoryOptions, MemoryProvider, MemoryResult } from './memory.js';

/** Puts the handoff's summary and reason before what `inner` shows; as a user's message, for they are data (AI-10). */
export class HandoffMemoryProvider implements MemoryProvider {
  readonly name: string;
  readonly ingest?: (event: RoomEvent) => Awaitable<void>;

  constructor(private readonly inner: MemoryProvider) {
    this.name = `Handoff(${inner.name})`;
    if (inner.ingest !== undefined) this.ingest = (event) => inner.ingest?.(event);
  }

  get maxEvents(): number | undefined {
    return this.inner.maxEvents;
  }

  retrieve(roomId: string, event: RoomEvent, context: RoomContext, channelId: string, options: MemoryOptions): Awaitable<MemoryResult> {
    const note = handoffNote(context);
    const result = this.inner.retrieve(roomId, event, context, channelId, options);
    if (note === undefined) return result;
    const add = (shown: MemoryResult): MemoryResult => ({ messages: [{ role: 'user', content: note }, ...shown.messages], events: shown.events });
    return isPromise(result) ? result.then(add) : add(result);
  }

  clear(roomId: string): Awaitable<void> {
    return this.inner.clear?.(roomId);
  }

  close(): Awaitable<void> {
    return this.inner.close?.();
  }
}

function handoffNote(context: RoomContext): string | undefined {
  const { handoff_from: from, handoff_summary: summary, handoff_reason: reason } = getConversationState(context.room).context;
  if (!isText(from) || (!isText(summary) && !isText(reason))) return undefined;
  const head = `${HANDOFF_MARK} (${singleLine(from, 255)})]:`;
  if (!isText(summary)) return `${head} ${escapeMarks(String(reason))}`;
  return isText(reason) ? `${head} ${escapeMarks(summary)} Reason: ${escapeMarks(reason)}` : `${head} ${escapeMarks(summary)}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

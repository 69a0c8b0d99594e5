/** What happened in a room, in the order it happened, and how it reads. */
import type { RoomKit } from '../../core/kit.js';
import type { ToolCallEvent } from '../../core/models/ai.js';
import type { RoomEvent } from '../../core/models/event.js';
import { HANDOFF_TOOL_NAME } from '../../orchestration/handoff-tool.js';
import { extractText } from '../../core/rooms/visible-text.js';

/** A handoff that was accepted. */
export interface RecordedHandoff {
  readonly from: string;
  readonly to: string;
  readonly reason: string | undefined;
}

/** One thing that happened. */
export type LogEntry =
  | { readonly kind: 'event'; readonly event: RoomEvent }
  | { readonly kind: 'tool'; readonly call: ToolCallEvent }
  | { readonly kind: 'handoff'; readonly handoff: RecordedHandoff }
  | { readonly kind: 'note'; readonly text: string };

/** Longest piece of an argument or a result that is printed. */
const MAX_SHOWN = 160;

/** Listens to one room until it is told to stop. */
export class ConversationLog {
  readonly entries: LogEntry[] = [];
  readonly #stops: (() => void)[];

  constructor(kit: RoomKit, roomId: string) {
    this.#stops = [
      kit.onCommitted((event) => {
        if (event.roomId === roomId) this.entries.push({ kind: 'event', event });
      }),
      kit.addRoomHook(roomId, 'on_tool_call', { name: 'conversation_log' }, (call) => void this.entries.push({ kind: 'tool', call })),
      kit.addRoomHook(roomId, 'on_handoff', { name: 'conversation_log' }, (event) => {
        const handoff = handoffOf(event);
        if (handoff !== undefined) this.entries.push({ kind: 'handoff', handoff });
      }),
    ];
  }

  note(text: string): void {
    this.entries.push({ kind: 'note', text });
  }

  get toolCalls(): readonly ToolCallEvent[] {
    return this.entries.flatMap((entry) => (entry.kind === 'tool' ? [entry.call] : []));
  }

  get handoffs(): readonly RecordedHandoff[] {
    return this.entries.flatMap((entry) => (entry.kind === 'handoff' ? [entry.handoff] : []));
  }

  /** A line for each thing, as people read a conversation. */
  print(): string {
    return this.entries.flatMap((entry) => lineOf(entry) ?? []).join('\n');
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

function lineOf(entry: LogEntry): string | undefined {
  switch (entry.kind) {
    case 'note':
      return `      ${entry.text}`;
    case 'tool': {
      const { channelId, tool, arguments: args, result, isError } = entry.call;
      if (tool === HANDOFF_TOOL_NAME && !isError && result.startsWith('{"accepted":true')) return undefined; // the handoff has its own line
      return `      ${channelId} calls ${tool}(${cut(JSON.stringify(args))}) → ${isError ? 'error ' : ''}${cut(result)}`;
    }
    case 'handoff': {
      const { from, to, reason } = entry.handoff;
      return `      ${from} hands over to ${to}${reason === undefined ? '' : ` (${reason})`}`;
    }
    case 'event':
      return lineOfEvent(entry.event);
  }
}

function lineOfEvent(event: RoomEvent): string | undefined {
  const { index, source, status, blockedBy, visibility } = event;
  const words = extractText(event);
  if ((event.type !== 'message' && words === '') || event.metadata['_orchestration_internal'] === true) return undefined;
  const who = source.participantId === undefined ? source.channelId : `${source.participantId} (${source.channelId})`;
  const marks = [
    event.type === 'message' ? '' : event.type,
    status === 'blocked' ? `blocked by ${blockedBy ?? 'a hook'}` : '',
    visibility === 'all' ? '' : `seen by ${visibility}`,
  ];
  const notes = marks.filter((mark) => mark !== '');
  return `${String(index).padStart(4)}  ${who}${notes.length === 0 ? '' : ` [${notes.join(', ')}]`}: ${words}`;
}

function handoffOf({ metadata }: RoomEvent): RecordedHandoff | undefined {
  const [from, to, reason] = [metadata['from_agent'], metadata['to_agent'], metadata['reason']];
  if (typeof from !== 'string' || typeof to !== 'string') return undefined;
  return { from, to, reason: typeof reason === 'string' && reason !== '' ? reason : undefined };
}

function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

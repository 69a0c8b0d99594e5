/** The few REST calls the page makes; all of them go to the server it came from. */
import type { WireEvent } from '../wire-client.js';

export interface ConversationState {
  readonly phase: string;
  readonly activeAgentId?: string | null;
  readonly handoffCount: number;
  readonly phaseHistory: readonly {
    readonly fromPhase: string;
    readonly toPhase: string;
    readonly fromAgent?: string | null;
    readonly toAgent?: string | null;
  }[];
  readonly context: Readonly<Record<string, unknown>>;
}

export interface Room {
  readonly id: string;
  readonly status: string;
  readonly createdAt: string;
  readonly eventCount: number;
}

export interface RoomNow {
  readonly room: Room;
  readonly state: ConversationState;
}

export interface Trace {
  readonly startedAt: string;
  readonly lockWaitMs: number;
  readonly commitMs: number;
  readonly hooks: readonly {
    readonly hook: string;
    readonly trigger: string;
    readonly verdict: 'allow' | 'block' | 'modify' | 'failed' | 'timeout';
    readonly ms: number;
  }[];
  readonly targets: readonly { readonly channelId: string; readonly decision: string }[];
  readonly deliveries: readonly {
    readonly channelId: string;
    readonly attempt: number;
    readonly startedAt: string;
    readonly ms: number;
    readonly code: string;
  }[];
  readonly turnSteps: readonly {
    readonly channelId: string;
    readonly kind: 'generation' | 'tool';
    readonly name: string;
    readonly startedAt: string;
    readonly ms: number;
    readonly tokens?: Readonly<Record<string, number>>;
    readonly code?: string;
  }[];
}

export function readRoom(roomId: string): Promise<RoomNow> {
  return call<RoomNow>(`/api/rooms/${encodeURIComponent(roomId)}`);
}

export const PAGE = 200;

/** The newest events before an index, or of all; oldest first. */
export async function readNewest(roomId: string, token?: string, beforeIndex?: number): Promise<WireEvent[]> {
  const before = beforeIndex === undefined ? '' : `&beforeIndex=${beforeIndex}`;
  const path = `/api/rooms/${encodeURIComponent(roomId)}/events?limit=${PAGE}&newestFirst=true${before}`;
  return (await call<{ events: WireEvent[] }>(path, { token })).events.reverse();
}

/** What was decided about an event; null when the server keeps no trace of it (any more). */
export async function readTrace(roomId: string, eventId: string): Promise<Trace | null> {
  try {
    return (await call<{ trace: Trace | null }>(`/api/rooms/${encodeURIComponent(roomId)}/events/${encodeURIComponent(eventId)}/trace`)).trace;
  } catch {
    return null;
  }
}

/** A token that lets the holder speak as this participant of this room, and as nobody else. */
export async function mintToken(roomId: string, channelId: string, participantId: string, displayName: string): Promise<string> {
  const answer = await call<{ token: string }>('/api/client-tokens', { body: { rooms: [roomId], channelId, participantId, displayName } });
  return answer.token;
}

async function call<Answer>(path: string, options: { body?: unknown; token?: string | undefined } = {}): Promise<Answer> {
  const response = await fetch(path, {
    method: options.body === undefined ? 'GET' : 'POST',
    headers: {
      ...(options.body !== undefined && { 'content-type': 'application/json' }),
      ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
    },
    ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}.`);
  return (await response.json()) as Answer; // our own server's shape
}

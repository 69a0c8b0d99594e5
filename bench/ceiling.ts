/**
 * The plain-JS ceiling: the least that any program must do to get a message into an ordered timeline and out to its
 * targets. No validation, no timeouts, no copies, no hooks, no store behind an interface. It bounds what is possible here.
 */
import { randomUUID } from 'node:crypto';

export interface CeilingEvent {
  id: string;
  roomId: string;
  index: number;
  type: 'message';
  source: { channelId: string; participantId: string };
  content: { type: 'text'; body: string };
  createdAt: string;
}

export type CeilingSend = (event: CeilingEvent) => Promise<void>;

export interface CeilingRoom {
  readonly id: string;
  readonly events: CeilingEvent[];
  readonly targets: { readonly channelId: string; readonly connections: readonly CeilingSend[] }[];
  tail: Promise<unknown> | undefined;
}

export function ceilingRoom(id: string): CeilingRoom {
  return { id, events: [], targets: [], tail: undefined };
}

/** One message: a keyed lock, an event with id, index and time, one delivery per target, a result per target. */
export async function ceilingInbound(room: CeilingRoom, channelId: string, participantId: string, body: string): Promise<{ event: CeilingEvent; results: Map<string, string> }> {
  while (room.tail !== undefined) await room.tail;
  const event: CeilingEvent = {
    id: randomUUID(),
    roomId: room.id,
    index: room.events.length,
    type: 'message',
    source: { channelId, participantId },
    content: { type: 'text', body },
    createdAt: new Date().toISOString(),
  };
  room.events.push(event);
  const results = new Map<string, string>();
  const pending: Promise<void>[] = [];
  for (const target of room.targets) {
    if (target.channelId === channelId) continue;
    for (const send of target.connections) pending.push(send(event));
    results.set(target.channelId, 'sent');
  }
  if (pending.length > 0) await Promise.all(pending);
  return { event, results };
}

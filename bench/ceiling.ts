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

export interface CeilingResult {
  readonly event: CeilingEvent;
  /** One outcome per target: a failing target must not hide the others'. */
  readonly results: Record<string, { channelId: string; status: 'sent' | 'failed'; attempts: number }>;
}

/** One message: a keyed lock, an event with id, index and time, deliveries side by side, a result per target. */
export async function ceilingInbound(room: CeilingRoom, channelId: string, participantId: string, body: string): Promise<CeilingResult> {
  while (room.tail !== undefined) await room.tail;
  let free: () => void = () => undefined;
  room.tail = new Promise<void>((resolve) => {
    free = resolve;
  });
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
  room.tail = undefined;
  free();
  const results: CeilingResult['results'] = {};
  if (room.targets.length > 1 || room.targets[0]?.channelId !== channelId) {
    await Promise.all(room.targets.map((target) => (target.channelId === channelId ? DONE : deliver(target, event, results))));
  }
  return { event, results };
}

/** One message that came before: under the same lock, the event of its key. */
export async function ceilingRepeat(
  room: CeilingRoom,
  keys: ReadonlyMap<string, CeilingEvent>,
  key: string,
): Promise<{ event: CeilingEvent | undefined; duplicate: boolean; results: CeilingResult['results'] }> {
  while (room.tail !== undefined) await room.tail;
  let free: () => void = () => undefined;
  room.tail = new Promise<void>((resolve) => {
    free = resolve;
  });
  const event = keys.get(key);
  room.tail = undefined;
  free();
  return { event, duplicate: event !== undefined, results: {} };
}

const DONE = Promise.resolve();

async function deliver(target: CeilingRoom['targets'][number], event: CeilingEvent, results: CeilingResult['results']): Promise<void> {
  try {
    if (target.connections.length === 1) await target.connections[0]?.(event);
    else await Promise.all(target.connections.map((send) => send(event)));
    results[target.channelId] = { channelId: target.channelId, status: 'sent', attempts: 1 };
  } catch {
    results[target.channelId] = { channelId: target.channelId, status: 'failed', attempts: 1 };
  }
}

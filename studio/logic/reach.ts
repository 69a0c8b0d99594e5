/** Whom an event reached, and how far it came there. */
import type { OutboxRow, WireEvent } from '../types.js';

export type ReachState = 'waiting' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | 'cancelled';

export interface Reach {
  readonly channelId: string;
  readonly state: ReachState;
  readonly detail: string;
}

const OF_ROW: Readonly<Record<OutboxRow['state'], ReachState>> = {
  queued: 'waiting',
  sending: 'waiting',
  sent: 'sent',
  unknown: 'unknown',
  delivered: 'delivered',
  read: 'read',
  failed: 'failed',
  expired: 'failed',
  cancelled: 'cancelled',
};

/** What the outbox knows is newer than the first outcome; live channels have no row there. `order`: the room's channels. */
export function reachOf(event: WireEvent, rows: readonly OutboxRow[] = [], order: readonly string[] = []): Reach[] {
  const reached = new Map<string, Reach>();
  for (const [channelId, { status, error, attempts }] of Object.entries(event.deliveryResults ?? {})) {
    if (status === 'skipped') continue;
    const state: ReachState = status === 'queued' ? 'waiting' : status;
    reached.set(channelId, { channelId, state, detail: describe(state, attempts, error?.message ?? error?.code) });
  }
  for (const { channelId, state, attempts, lastError } of rows) {
    const known = OF_ROW[state];
    reached.set(channelId, { channelId, state: known, detail: describe(known, attempts, state === 'sent' ? undefined : lastError?.message) });
  }
  return [...reached.values()].sort((a, b) => order.indexOf(a.channelId) - order.indexOf(b.channelId));
}

function describe(state: ReachState, attempts: number, reason: string | undefined): string {
  const words = {
    waiting: 'waiting',
    sent: 'sent',
    delivered: 'delivered',
    read: 'read',
    failed: 'failed',
    unknown: 'may have gone out',
    cancelled: 'cancelled',
  };
  return `${words[state]}${attempts > 1 ? ` after ${attempts} attempts` : ''}${reason === undefined || reason === '' ? '' : `: ${reason}`}`;
}

/**
 * Several messages, one turn (COL-02, COL-03). The rows in the store are merged first: from then on the messages share what
 * becomes of that turn, whatever happens to this process.
 */
import { insist } from '../async/insist.js';
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import { noteTurn } from './notes.js';
import { tellEnded } from './outcome.js';
import { linkTurnSpan } from './span.js';
import { triggersOf, type TurnWork } from './turn-work.js';

/**
 * Merges the others into `into`. Resolves to those that are part of it now; those that were no longer queued are told so.
 * Undefined: `into` itself has ended meanwhile, and nothing was merged.
 */
export async function mergeInto(parts: KitParts, into: TurnWork, others: readonly TurnWork[]): Promise<readonly TurnWork[] | undefined> {
  const turnIds = others.map(({ row }) => row.id);
  const made = await insist(parts, { turnId: into.row.id }, () =>
    parts.store.mergeTurns({ intoId: into.row.id, turnIds, ...(parts.store.shared && { owner: parts.owner }) }),
  );
  if (made === null) return undefined;
  const ids = new Set(made.merged.map(({ id }) => id));
  // Asked again because the answer was lost, the store has merged them already.
  for (const { row } of others) {
    if (ids.has(row.id)) continue;
    const stored = await insist(parts, { turnId: row.id }, () => parts.store.getTurn(row.id));
    if (stored?.state === 'merged' && stored.mergedInto === into.row.id) ids.add(row.id);
  }
  const joined = others.filter(({ row }) => ids.has(row.id));
  into.row = { ...into.row, triggerEventIds: made.turn.triggerEventIds, triggerIndex: made.turn.triggerIndex };
  into.triggers = inOrder([...triggersOf(into), ...joined.flatMap(triggersOf)]);
  const all = joined.flatMap((work) => [work, ...(work.merged ?? [])]);
  into.merged = [...(into.merged ?? []), ...all];
  if (into.span !== undefined) linkTurnSpan(parts.tracer, into, all);
  for (const work of joined) noteMerged(parts, work, into);
  for (const work of others) {
    if (!ids.has(work.row.id)) tellEnded(work, { state: 'cancelled', reason: 'turn_already_ended' });
  }
  return joined;
}

function noteMerged(parts: KitParts, { row, trigger, collision }: TurnWork, into: TurnWork): void {
  noteTurn(parts, { row, trigger, collision }, 'merged', { mergedInto: into.row.id, answeredWith: into.trigger.id });
  if (parts.framework.has('turn_merged')) {
    const data = { turn_id: row.id, merged_into: into.row.id, policy: collision.policy };
    parts.framework.emit('turn_merged', { roomId: row.roomId, channelId: row.channelId, eventId: trigger.id, data });
  }
}

function inOrder(events: readonly RoomEvent[]): readonly RoomEvent[] {
  return [...events].sort((a, b) => a.index - b.index);
}

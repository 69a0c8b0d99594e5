/** What goes of one room, in batches under its lock; nothing that is open (RET-03, RET-04). */
import { isoTime } from '../clock.js';
import type { ErasureParts } from '../erasure/person.js';
import { idsOf } from '../media/media-records.js';
import type { OutboxRow, TurnRow } from '../models/delivery.js';
import type { RoomEvent } from '../models/event.js';
import type { Room } from '../models/room.js';
import { tellChanged } from '../pipeline/edit-delete.js';
import type { Section } from '../pipeline/section.js';
import { inRoom } from '../rooms/lifecycle.js';
import { SUMMARIES } from '../rooms/summaries.js';
import type { RemovedRecord } from '../store/records.js';
import type { RoomState } from '../store/store.js';
import type { RetentionRules } from './rules.js';
import type { RetentionReport } from './sweep.js';

const BATCH = 200;
const OPEN_ROWS: readonly OutboxRow['state'][] = ['queued', 'sending', 'unknown'];
const OPEN_TURNS: readonly TurnRow['state'][] = ['queued', 'running', 'waiting'];

/** Closed for long enough, with nothing in it that somebody waits for. */
export async function isDueAsAWhole(parts: ErasureParts, room: Room, rules: RetentionRules, now: number): Promise<boolean> {
  if (rules.closedRooms === undefined) return false;
  return inRoom(parts, room.id, async (_section, { room: current }) => {
    if (current.status !== 'closed' && current.status !== 'archived') return false;
    if (Date.parse(current.closedAt ?? current.updatedAt) > now - (rules.closedRooms ?? Infinity) * 1000) return false;
    const { store } = parts;
    const roomId = room.id;
    if ((await store.listRows({ roomId, state: OPEN_ROWS, limit: 1 })).length > 0) return false;
    if ((await store.listTurns({ roomId, state: OPEN_TURNS, limit: 1 })).length > 0) return false;
    return (await store.listApprovals({ roomId, state: 'pending', limit: 1 })).length === 0;
  });
}

export async function expireInRoom(parts: ErasureParts, roomId: string, rules: RetentionRules, now: number, report: RetentionReport): Promise<void> {
  await expireEvents(parts, roomId, rules, now, report);
  await inRoom(parts, roomId, async (section) => {
    const before = (seconds: number | undefined): string => (seconds === undefined ? '' : isoTime(now - seconds * 1000));
    const rows = rules.deliveries === undefined ? [] : await endedRows(parts, roomId);
    const turns = rules.turns === undefined ? [] : await endedTurns(parts, roomId);
    const observations = rules.observations === undefined ? [] : await parts.store.listObservations(roomId);
    await remove(parts, section, report, {
      rows: rows.filter(({ createdAt }) => createdAt < before(rules.deliveries)),
      turns: turns.filter(({ createdAt }) => createdAt < before(rules.turns)),
      others: observations.filter(({ createdAt }) => createdAt < before(rules.observations)).map(({ id }) => ({ kind: 'observation', id })),
      ...(rules.usage !== undefined && { usageBefore: before(rules.usage) }),
    });
  });
}

/** From the oldest on. The newest stays, so that the room knows where it is. */
async function expireEvents(parts: ErasureParts, roomId: string, rules: RetentionRules, now: number, report: RetentionReport): Promise<void> {
  const { events, blockedEvents } = rules;
  if (events === undefined && blockedEvents === undefined) return;
  const isDue = ({ createdAt, status }: RoomEvent): boolean => {
    const age = now - Date.parse(createdAt);
    return age > (events ?? Infinity) * 1000 || (status === 'blocked' && age > (blockedEvents ?? Infinity) * 1000);
  };
  const youngest = now - Math.min(events ?? Infinity, blockedEvents ?? Infinity) * 1000;
  for (let afterIndex = -1; ;) {
    const next = await inRoom(parts, roomId, async (section, state) => {
      const page = await parts.store.listEvents(roomId, { afterIndex, limit: BATCH });
      const due = page.filter((event) => event.index < state.room.latestIndex && isDue(event));
      if (due.length > 0) await removeEvents(parts, section, state, due, report);
      const last = page.at(-1);
      return last === undefined || page.length < BATCH || Date.parse(last.createdAt) > youngest ? undefined : last.index;
    });
    if (next === undefined || parts.draining.aborted) return;
    afterIndex = next;
  }
}

async function removeEvents(
  parts: ErasureParts,
  section: Section,
  state: RoomState,
  due: readonly RoomEvent[],
  report: RetentionReport,
): Promise<void> {
  const { store } = parts;
  const { roomId } = section;
  const busy = new Set<string>();
  for (const { eventId } of await store.listRows({ roomId, state: OPEN_ROWS })) busy.add(eventId);
  for (const { triggerEventIds } of await store.listTurns({ roomId, state: OPEN_TURNS })) for (const id of triggerEventIds) busy.add(id);
  const gone = due.filter(({ id }) => !busy.has(id));
  if (gone.length === 0) return;
  const ids = new Set(gone.map(({ id }) => id));
  const rows = (await endedRows(parts, roomId)).filter(({ eventId }) => ids.has(eventId));
  const turns = (await endedTurns(parts, roomId)).filter(({ triggerEventIds }) => triggerEventIds.every((id) => ids.has(id)));
  await remove(parts, section, report, { rows, turns, others: gone.map(({ id }) => ({ kind: 'event', id })) });
  // Summaries were made of what is gone.
  if (state.room.metadata[SUMMARIES] !== undefined) await store.patchRoomMetadata(roomId, { [SUMMARIES]: undefined }, section.writeOptions);
  report.media += gone.reduce((sum, event) => sum + idsOf(event).length, 0);
  for (const event of gone) {
    parts.traces.forget(event.id);
    tellChanged(parts, section, event, 'deleted', state); // its media go with it
  }
}

async function endedRows({ store }: ErasureParts, roomId: string): Promise<readonly OutboxRow[]> {
  return (await store.listRows({ roomId })).filter(({ state }) => !OPEN_ROWS.includes(state));
}

async function endedTurns({ store }: ErasureParts, roomId: string): Promise<readonly TurnRow[]> {
  return (await store.listTurns({ roomId })).filter(({ state }) => !OPEN_TURNS.includes(state));
}

interface Expired {
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  readonly others: readonly RemovedRecord[];
  readonly usageBefore?: string;
}

/** With the approvals of turns; in one step. */
async function remove(parts: ErasureParts, section: Section, report: RetentionReport, { rows, turns, others, usageBefore }: Expired): Promise<void> {
  const { roomId } = section;
  const turnIds = new Set(turns.map(({ id }) => id));
  const approvals = turns.length === 0 ? [] : (await parts.store.listApprovals({ roomId })).filter(({ turnId }) => turnIds.has(turnId));
  const removed: RemovedRecord[] = [
    ...others,
    ...rows.map(({ id }) => ({ kind: 'row', id }) as const),
    ...turns.map(({ id }) => ({ kind: 'turn', id }) as const),
    ...approvals.map(({ id }) => ({ kind: 'approval', id }) as const),
  ];
  if (removed.length === 0 && usageBefore === undefined) return;
  await parts.store.changeRecords({ roomId, ...section.writeOptions, remove: removed, ...(usageBefore !== undefined && { usageBefore }) });
  report.events += others.filter(({ kind }) => kind === 'event').length;
  report.observations += others.filter(({ kind }) => kind === 'observation').length;
  report.deliveries += rows.length;
  report.turns += turns.length;
  report.approvals += approvals.length;
}

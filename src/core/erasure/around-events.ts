/** What hangs on a person's events: members, deliveries, turns, approvals, tasks, observations, the room's own data (ERA-07). */
import { isoTime } from '../clock.js';
import { CONVERSATION_STATE_KEY, type ConversationState } from '../models/conversation-state.js';
import type { ApprovalRow } from '../models/approval.js';
import type { TurnRow } from '../models/delivery.js';
import type { Metadata } from '../models/json.js';
import { EMPTY } from '../models/json.js';
import type { Section } from '../pipeline/section.js';
import { TOMBSTONES, tombstones } from '../rooms/channel-operations.js';
import { SUMMARIES } from '../rooms/summaries.js';
import type { RemovedRecord, RewrittenRecord } from '../store/records.js';
import type { RoomState, TurnPatch } from '../store/store.js';
import { ERASED_WORDS, isMarked, scrubbed } from './marks.js';
import type { ErasureReport } from './report.js';
import type { ErasureParts } from './person.js';
import type { RoomSurvey } from './survey.js';

const OPEN_ROWS = ['queued', 'sending', 'unknown'] as const;
const OPEN_TURNS: readonly TurnRow['state'][] = ['queued', 'running', 'waiting'];
const ERROR = { code: 'cancelled', message: 'The person was erased.', retryable: false };

/** Deliveries, turns and what waits with them, tasks and observations. */
export async function eraseWork(
  parts: ErasureParts,
  section: Section,
  survey: RoomSurvey,
  erasesAll: boolean,
  report: ErasureReport,
): Promise<boolean> {
  const { roomId } = section;
  const { store } = parts;
  const { marks } = survey;
  let hasChanged = await eraseRows(parts, roomId, survey, erasesAll, report);
  const put: RewrittenRecord[] = [];
  const remove: RemovedRecord[] = [];
  const turns = new Set<string>();
  for (const turn of await store.listTurns({ roomId })) {
    const isTheirs = erasesAll || turn.triggerEventIds.some((id) => survey.ownIds.has(id)) || isMarked(turn.suspended, marks);
    if (!isTheirs) continue;
    turns.add(turn.id);
    const patch = turnPatch(turn);
    if (Object.keys(patch).length === 0) continue;
    await store.updateTurn(turn.id, patch);
    report.turns++;
    hasChanged = true;
  }
  for (const approval of await store.listApprovals({ roomId })) {
    const left = turns.has(approval.turnId) ? emptied(approval, isoTime(parts.clock.now())) : approval;
    const record = scrubbed(left, marks, { names: false });
    if (JSON.stringify(record) === JSON.stringify(approval)) continue;
    put.push({ kind: 'approval', approval: record });
    report.approvals++;
  }
  for (const task of await store.listTasks(roomId)) {
    if (!erasesAll && !isMarked(task, marks)) continue;
    remove.push({ kind: 'task', id: task.id });
    report.tasks++;
  }
  for (const observation of await store.listObservations(roomId)) {
    if (!erasesAll && !isMarked(observation, marks)) continue;
    remove.push({ kind: 'observation', id: observation.id });
    report.observations++;
  }
  if (put.length + remove.length > 0) await store.changeRecords({ roomId, ...section.writeOptions, put, remove });
  return hasChanged || put.length + remove.length > 0;
}

/** What a turn loses: what it would have gone on with, and what went wrong with it, in words. One that is open ends. */
function turnPatch({ state, suspended, error }: TurnRow): TurnPatch {
  return {
    ...(OPEN_TURNS.includes(state) && { state: 'cancelled', endReason: 'cancelled' }),
    ...(suspended !== undefined && Object.keys(suspended.loop).length > 0 && { suspended: { ...suspended, loop: EMPTY } }),
    ...(error !== undefined && error.message !== ERASED_WORDS && { error: { code: error.code, message: ERASED_WORDS } }),
  };
}

function emptied(approval: ApprovalRow, at: string): ApprovalRow {
  const { approvedArguments, changedBy: _changed, reason, ...row } = approval;
  const isPending = row.state === 'pending';
  if (!isPending && Object.keys(row.arguments).length === 0 && approvedArguments === undefined && reason === undefined) return approval;
  return { ...row, arguments: EMPTY, ...(isPending && { state: 'cancelled', resolvedAt: at }) };
}

/** What goes to the person, and what carries their words, is not sent any more; the vendor's ids of it name people, too. */
async function eraseRows(parts: ErasureParts, roomId: string, survey: RoomSurvey, erasesAll: boolean, report: ErasureReport): Promise<boolean> {
  const channels = new Set(survey.ownBindings.map(({ channelId }) => channelId));
  let hasChanged = false;
  for (const row of await parts.store.listRows({ roomId })) {
    const isTheirs = erasesAll || channels.has(row.channelId) || survey.ownIds.has(row.eventId);
    if (!isTheirs && !isMarked(row, survey.marks)) continue;
    const isOpen = isTheirs && OPEN_ROWS.some((state) => state === row.state);
    const lastError = row.lastError && { ...row.lastError, message: ERASED_WORDS };
    const holds = row.providerMessageId !== undefined || row.partMessageIds !== undefined || lastError?.message !== row.lastError?.message;
    if (!isOpen && (!holds || row.lastError?.message === ERROR.message)) continue;
    const forgotten = { providerMessageId: undefined, partMessageIds: undefined } as const;
    // A row may move on meanwhile: only one that is still open is cancelled.
    const cancelled = isOpen ? await parts.store.updateRow(row.id, { ...forgotten, state: 'cancelled', lastError: ERROR }, OPEN_ROWS) : null;
    if (cancelled === null) await parts.store.updateRow(row.id, { ...forgotten, ...(lastError !== undefined && { lastError }) });
    report.deliveries++;
    hasChanged = true;
  }
  return hasChanged;
}

/** Summaries were made of what was said; a handoff's and its reasons, too. */
export async function eraseMetadata(
  parts: ErasureParts,
  section: Section,
  { room }: RoomState,
  survey: RoomSurvey,
  erasesAll: boolean,
): Promise<boolean> {
  const { isTheirs } = survey;
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(room.metadata)) {
    if (key === SUMMARIES) {
      if (isTheirs) patch[key] = undefined;
      continue;
    }
    const kept = key === CONVERSATION_STATE_KEY && isTheirs ? stateWithout(value as ConversationState, erasesAll) : value;
    const [[place, left] = [key, kept]] = Object.entries(scrubbed({ [key]: kept }, survey.marks, { names: true }));
    if (place !== key) patch[key] = undefined;
    if (place !== key || JSON.stringify(left) !== JSON.stringify(value)) patch[place] = left;
  }
  let hasChanged = false;
  if (Object.keys(patch).length > 0) {
    await parts.store.patchRoomMetadata(room.id, patch, section.writeOptions);
    hasChanged = true;
  }
  const aiConfig = scrubbed(room.aiConfig, survey.marks, { names: true });
  if (aiConfig !== undefined && aiConfig !== room.aiConfig) {
    const now = await parts.store.getRoom(room.id);
    if (now !== null) await parts.store.updateRoom({ ...now, aiConfig }, section.writeOptions);
    hasChanged = true;
  }
  return hasChanged;
}

/** Written by models from what was said; who leads, and in which phase, stays. */
function stateWithout(state: ConversationState, erasesAll: boolean): ConversationState {
  const { handoff_summary: _summary, handoff_reason: _reason, ...context } = state.context;
  const { language, handled_by } = state.context;
  const only: Metadata = { ...(language !== undefined && { language }), ...(handled_by !== undefined && { handled_by }) };
  return {
    ...state,
    phaseHistory: state.phaseHistory.map((one) => ({ ...one, reason: '', metadata: EMPTY })),
    context: erasesAll ? only : context,
  };
}

/** The participant comes last: by it, a call that goes on finds the room. */
export async function eraseMembers(
  parts: ErasureParts,
  section: Section,
  state: RoomState,
  survey: RoomSurvey,
  report: ErasureReport,
): Promise<boolean> {
  const put: RewrittenRecord[] = [];
  const remove: RemovedRecord[] = survey.participants.map(({ id }) => ({ kind: 'participant', id }));
  const { marks } = survey;
  for (const participant of state.participants) {
    if (survey.participants.includes(participant)) continue;
    const candidates = participant.candidates?.filter(({ id }) => !marks.ids.has(id));
    const isCandidate = candidates?.length !== participant.candidates?.length;
    const left = scrubbed(isCandidate && candidates !== undefined ? { ...participant, candidates } : participant, marks, { names: false });
    // Who they are in their room is not ours to change.
    if (left !== participant) put.push({ kind: 'participant', participant: { ...left, id: participant.id } });
  }
  const gone = survey.ownBindings;
  for (const binding of state.bindings) {
    if (gone.includes(binding)) {
      remove.push({ kind: 'binding', id: binding.channelId });
      continue;
    }
    const left = scrubbed(binding, marks, { names: true });
    if (left === binding) continue;
    const { address, participantId, ...rest } = left;
    // A socket that was named after the person is everybody's.
    const isNamed = address !== binding.address || participantId !== binding.participantId;
    put.push({ kind: 'binding', binding: isNamed ? rest : left });
  }
  if (put.length + remove.length === 0) return false;
  if (gone.length > 0) {
    // A message that comes once more does not attach its channel again, with its sender's address (CHO-04).
    const detached = [...new Set([...tombstones(state.room), ...gone.map(({ channelId }) => channelId)])];
    await parts.store.patchRoomMetadata(section.roomId, { [TOMBSTONES]: detached }, section.writeOptions);
  }
  await parts.store.changeRecords({ roomId: section.roomId, ...section.writeOptions, put, remove });
  report.participants += survey.participants.length;
  report.bindings += gone.length;
  return true;
}

/** A turn that has to wait for people (APR-01): one commit keeps how it goes on, asks for their leave, and frees its lane. */
import { newSecret } from '../approvals/tokens.js';
import { commitNotice, isForHosts, requestEvent } from '../approvals/notices.js';
import { insist } from '../async/insist.js';
import { isoTime } from '../clock.js';
import type { ApprovalRequest, ApprovalRow, SuspendedTurn, SuspendRequest } from '../models/approval.js';
import { ownJson } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { loadHeld } from '../pipeline/commit.js';
import { withSection, type Section } from '../pipeline/section.js';
import { bindingOf, type RoomState } from '../store/store.js';
import { tasksOf, tasksStored } from './later.js';
import { noteTurn } from './notes.js';
import type { TurnOutcome } from './outcome.js';
import { isTakenOver } from './takeover.js';
import { triggersOf, type TurnWork } from './turn-work.js';

const DAY_SECONDS = 86_400;

/** What it has said and cost until now. */
export interface SaidSoFar {
  readonly replyEventIds: readonly string[];
  readonly usage: Readonly<Record<string, number>>;
}

/** What it asks is asked, also when the store is away for a moment, or its lock was lost. */
export async function suspendTurn(parts: KitParts, work: TurnWork, request: SuspendRequest, said: SaidSoFar): Promise<TurnOutcome> {
  const rows = request.approvals.map((one) => approvalRow(parts, work, one));
  const suspension: Suspension = { work, request, said, rows, asked: 0 };
  const suspend = async (section: Section): Promise<TurnOutcome> => {
    const state = await loadHeld(parts, section);
    const reason = suspension.asked > 0 ? undefined : whyNot(state, work);
    // Nobody is asked for what would come to nothing (TURN-06).
    if (reason !== undefined) return { ...said, state: 'cancelled', reason, recorded: false };
    await commitRequests(parts, section, state, suspension);
    return { ...said, state: 'waiting', recorded: true };
  };
  return insist(parts, { turnId: work.row.id }, () => withSection(parts, work.row.roomId, suspend));
}

function whyNot({ room, bindings, participants }: RoomState, { row }: TurnWork): string | undefined {
  const binding = bindingOf({ room, bindings, participants }, row.channelId);
  if (binding === undefined) return 'channel_detached';
  if (room.status === 'closed' || room.status === 'archived') return 'room_closed';
  if (binding.muted) return 'source_muted';
  return isTakenOver(room, row) ? 'taken_over' : undefined;
}

interface Suspension {
  readonly work: TurnWork;
  readonly request: SuspendRequest;
  readonly said: SaidSoFar;
  readonly rows: readonly ApprovalRow[];
  /** How many of its notices are in the timeline already. */
  asked: number;
}

async function commitRequests(parts: KitParts, section: Section, state: RoomState, suspension: Suspension): Promise<void> {
  const { work, request, said, rows } = suspension;
  const cost = costOf(work);
  const suspended: SuspendedTurn = ownJson({
    loop: request.loop,
    replyEventIds: said.replyEventIds,
    suspendedAt: isoTime(parts.clock.now()),
    ...(cost !== undefined && { cost }),
  });
  // Each leg of its way has its own attempts (TURN-03).
  const patch = { state: 'waiting', attempts: 0, suspended, usage: said.usage, replyEventIds: said.replyEventIds } as const;
  // What people may see is asked one by one, because each has its own buttons.
  const hidden = rows.filter(isForHosts);
  const groups = [hidden, ...rows.filter((row) => !isForHosts(row)).map((row) => [row])].filter(({ length }) => length > 0);
  const first: Parameters<typeof commitNotice>[4] = {
    approvals: rows,
    ...tasksOf(work),
    turnChanges: [{ turnId: work.row.id, from: ['running'], patch, ...(parts.store.shared && { owner: parts.owner }) }],
  };
  for (const [one, ...more] of groups.slice(suspension.asked)) {
    if (one === undefined) continue;
    await commitNotice(parts, section, state, await requestEvent(parts, [one, ...more]), suspension.asked === 0 ? first : {});
    suspension.asked++;
    tasksStored(parts, work);
  }
  work.row = { ...work.row, ...patch };
  noteTurn(parts, work, 'waiting');
  section.defer(() => {
    for (const row of rows) {
      parts.timeouts.watch(row.expiresAt);
      if (!parts.framework.has('approval_requested')) continue;
      const data = { approval_id: row.id, tool: row.tool, turn_id: row.turnId, expires_at: row.expiresAt };
      parts.framework.emit('approval_requested', { roomId: row.roomId, channelId: row.agentId, data });
    }
  });
}

/** Of all its legs. */
function costOf({ row, running }: TurnWork): number | undefined {
  let sum = row.suspended?.cost;
  for (const { cost } of running?.records ?? []) if (cost !== undefined) sum = (sum ?? 0) + cost;
  return sum;
}

function approvalRow(parts: KitParts, work: TurnWork, request: ApprovalRequest): ApprovalRow {
  const { row } = work;
  const now = parts.clock.now();
  const askedBy = new Set(triggersOf(work).flatMap(({ source }) => source.participantId ?? []));
  const { id, callId, tool, approvers, visibility = 'internal', expiresInSeconds = DAY_SECONDS } = request;
  return {
    id,
    roomId: row.roomId,
    turnId: row.id,
    callId,
    agentId: row.channelId,
    tool,
    arguments: request.arguments,
    requestedAt: isoTime(now),
    expiresAt: isoTime(now + expiresInSeconds * 1000),
    visibility,
    ...(approvers !== undefined && { approvers }),
    askedBy: [...askedBy],
    state: 'pending',
    secret: newSecret(),
  };
}

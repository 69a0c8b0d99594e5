/** People answer approvals (APR-03): the first valid answer counts, and when it was the last one that a turn waited for, the turn goes on. */
import { openTurn } from '../call-scope.js';
import { isoTime } from '../clock.js';
import { ConflictError, RoomNotFoundError, ValidationError } from '../errors.js';
import type { Approval, ApprovalAnswer, ApprovalResult, ApprovalRow } from '../models/approval.js';
import { checkJson } from '../models/content-validation.js';
import { ownJson } from '../models/json.js';
import type { TurnRow } from '../models/delivery.js';
import type { KitParts } from '../parts.js';
import { checkState } from '../pipeline/commit.js';
import type { Section } from '../pipeline/section.js';
import { inRoom } from '../rooms/lifecycle.js';
import type { ApprovalResolution, EventCommit, RoomState } from '../store/store.js';
import { judge } from './approvers.js';
import { commitNotice, resolvedEvent } from './notices.js';
import { resumeTurn } from './resume.js';

/** An approval without what only the kit may know of it. */
export function shown({ secret: _secret, ...approval }: ApprovalRow): Approval {
  return approval;
}

export async function resolveApproval(parts: KitParts, approvalId: string, answer: ApprovalAnswer): Promise<ApprovalResult> {
  parts.assertOpen();
  checkAnswer(answer);
  const row = await findApproval(parts, approvalId);
  if (row === null) return { status: 'not_found' };
  // What an agent does in its turn, it does for itself: it never allows anything (APR-03).
  if (openTurn() !== undefined) return { status: 'forbidden', approval: shown(row) };
  return inRoom(parts, row.roomId, (section, state) => answerInSection(parts, section, state, approvalId, answer));
}

async function answerInSection(
  parts: KitParts,
  section: Section,
  state: RoomState,
  approvalId: string,
  answer: ApprovalAnswer,
): Promise<ApprovalResult> {
  const row = await parts.store.getApproval(approvalId);
  if (row === null) return { status: 'not_found' };
  const judged = await judge(parts, state, row, answer);
  if (!judged.isAllowed) return { status: 'forbidden', approval: shown(row) };
  if (row.state !== 'pending') return { status: row.state === 'expired' ? 'expired' : 'already_resolved', approval: shown(row) };
  const now = isoTime(parts.clock.now());
  if (row.expiresAt <= now) return expired(parts, section, state, row);
  if (judged.problem !== undefined) {
    throw new ValidationError(
      `The arguments for '${row.tool}' do not fit: ${judged.problem}. Give arguments of its schema, or none to run what was asked for.`,
    );
  }
  const { by, reason } = answer;
  const changed = answer.approve && answer.arguments !== undefined ? ownJson(answer.arguments) : undefined;
  const patch: ApprovalResolution['patch'] = {
    state: answer.approve ? 'approved' : 'rejected',
    resolvedAt: now,
    resolvedBy: by,
    ...(reason !== undefined && { reason }),
    ...(changed !== undefined && { approvedArguments: changed, changedBy: by }),
  };
  const approval = await settle(parts, section, state, row, patch);
  if (approval !== undefined) return { status: 'resolved', approval };
  // Another process was faster.
  const after = await parts.store.getApproval(approvalId);
  return after === null ? { status: 'not_found' } : { status: after.state === 'expired' ? 'expired' : 'already_resolved', approval: shown(after) };
}

async function expired(parts: KitParts, section: Section, state: RoomState, row: ApprovalRow): Promise<ApprovalResult> {
  const approval = (await expireInSection(parts, section, state, row)) ?? shown((await parts.store.getApproval(row.id)) ?? row);
  return { status: 'expired', approval };
}

/** Its time is over, and nobody has answered. */
export function expireInSection(parts: KitParts, section: Section, state: RoomState, row: ApprovalRow): Promise<Approval | undefined> {
  return settle(parts, section, state, row, { state: 'expired', resolvedAt: isoTime(parts.clock.now()) });
}

/** Stores how an approval ends, with its entry in the timeline, and lets its turn go on when nothing more keeps it. Undefined when somebody else was faster. */
async function settle(
  parts: KitParts,
  section: Section,
  state: RoomState,
  row: ApprovalRow,
  patch: ApprovalResolution['patch'],
): Promise<Approval | undefined> {
  const pending = await parts.store.listApprovals({ roomId: row.roomId, turnId: row.turnId, state: 'pending' });
  const isLast = pending.every(({ id }) => id === row.id);
  const now = parts.clock.now();
  const isHere = parts.channels.get(row.agentId) !== undefined;
  const lease = isHere ? { leaseOwner: parts.owner, leaseUntil: parts.leases.end() } : { leaseUntil: isoTime(0) };
  // What it waited does not count against its time (TURN-05).
  const queued: Partial<TurnRow> = { state: 'queued', expiresAt: isoTime(now + parts.limits.turnTtlSeconds * 1000), ...lease };
  const frees: Pick<EventCommit, 'turnChanges'> = isLast ? { turnChanges: [{ turnId: row.turnId, from: ['waiting'], patch: queued }] } : {};
  const by = patch.resolvedBy ?? 'system';
  const commit = async (extra: Pick<EventCommit, 'turnChanges'>): Promise<boolean> => {
    const event = resolvedEvent(parts, row, { state: patch.state, by, isChanged: patch.approvedArguments !== undefined });
    try {
      await commitNotice(parts, section, state, event, { resolves: [{ approvalId: row.id, patch }], ...extra });
      return true;
    } catch (error) {
      if (error instanceof ConflictError) return false;
      throw error;
    }
  };
  // Its turn may have ended without it: then the approval alone is left.
  const isStored = (await commit(frees)) || (isLast && (await parts.store.getApproval(row.id))?.state === 'pending' && (await commit({})));
  if (!isStored) return undefined;
  section.defer(() => {
    const type = patch.state === 'expired' ? 'approval_expired' : 'approval_resolved';
    if (parts.framework.has(type)) {
      const data = { approval_id: row.id, tool: row.tool, turn_id: row.turnId, state: patch.state, by, approved: patch.state === 'approved' };
      parts.framework.emit(type, { roomId: row.roomId, channelId: row.agentId, data });
    }
    resumeTurn(parts, row.turnId, queued);
  });
  return shown({ ...row, ...patch });
}

/** Of another organization: not found (PERM-09). */
export async function findApproval(parts: KitParts, approvalId: string): Promise<ApprovalRow | null> {
  const row = await parts.store.getApproval(approvalId);
  if (row === null) return null;
  try {
    checkState(parts, row.roomId, await parts.store.loadRoom(row.roomId));
    return row;
  } catch (error) {
    if (error instanceof RoomNotFoundError) return null;
    throw error;
  }
}

const MAX_REASON = 4000;

function checkAnswer(answer: ApprovalAnswer): void {
  const { approve, by, reason, arguments: args }: { readonly [Field in keyof ApprovalAnswer]?: unknown } = answer;
  if (typeof approve !== 'boolean')
    throw new ValidationError(`approve is ${JSON.stringify(approve)}. Give true to allow the call, false to reject it.`);
  if (typeof by !== 'string' || by === '') {
    throw new ValidationError(`by is ${JSON.stringify(by)}. Say who answers: a participant's id, or a name of the host's own.`);
  }
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON)) {
    throw new ValidationError(
      `The reason is ${typeof reason === 'string' ? `${reason.length} characters long` : `a ${typeof reason}`}. Give a text of at most ${MAX_REASON}.`,
    );
  }
  if (args === undefined) return;
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new ValidationError('The arguments of a call are an object. Give all of them, as they are to be, or leave them out.');
  }
  checkJson(args, 'arguments');
}

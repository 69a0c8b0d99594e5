/** Who may answer an approval (APR-03): people it names, never an agent, and never the customer who asked for what is to be allowed. */
import type { ApprovalAnswer, ApprovalRow, Approver } from '../models/approval.js';
import { ParticipantRole } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { bindingOf, type RoomState } from '../store/store.js';

const ROLES: readonly string[] = Object.values(ParticipantRole);
/** They stand for the business, not for a customer. */
const STAFF: readonly string[] = ['owner', 'agent'];

/** What has come of looking at an answer, before it counts. */
export interface Judged {
  readonly isAllowed: boolean;
  /** Why the changed arguments do not fit. */
  readonly problem?: string;
}

export async function judge(parts: KitParts, state: RoomState, row: ApprovalRow, answer: ApprovalAnswer): Promise<Judged> {
  const { by, isParticipant = false } = answer;
  const participant = state.participants.find(({ id }) => id === by);
  if (isAgent(parts, state, by) || participant?.role === 'bot') return { isAllowed: false };
  if (participant === undefined && isParticipant) return { isAllowed: false };
  if (participant !== undefined && participant.status !== 'active' && participant.status !== 'inactive') return { isAllowed: false };
  const isStaff = participant !== undefined && STAFF.includes(participant.role);
  if (row.askedBy.includes(by) && !isStaff) return { isAllowed: false };
  const approver: Approver = { id: by, ...(participant !== undefined && { participant }) };
  const judged = await askAgent(parts, state, row, answer, approver);
  const { approvers } = row;
  if (approvers === 'tool') return judged;
  const isNamed =
    approvers === undefined
      ? participant === undefined || isStaff
      : approvers.some((one) => (ROLES.includes(one) ? participant?.role === one : one === by));
  return { ...judged, isAllowed: isNamed };
}

function isAgent(parts: KitParts, state: RoomState, id: string): boolean {
  return parts.channels.get(id)?.channel.category === 'intelligence' || bindingOf(state, id)?.category === 'intelligence';
}

/** A tool that is gone allows nothing; what it would be run with is looked at once more when it is run (APR-06). */
async function askAgent(parts: KitParts, state: RoomState, row: ApprovalRow, answer: ApprovalAnswer, by: Approver): Promise<Judged> {
  if (row.approvers !== 'tool' && answer.arguments === undefined) return { isAllowed: false };
  const channel = parts.channels.get(row.agentId)?.channel;
  const binding = bindingOf(state, row.agentId);
  if (channel?.judgeApproval === undefined || binding === undefined) return { isAllowed: false };
  const { secret: _secret, ...approval } = row;
  try {
    return await channel.judgeApproval(approval, {
      by,
      ...(answer.approve && answer.arguments !== undefined && { arguments: answer.arguments }),
      room: state.room,
      binding,
    });
  } catch (error) {
    parts.logger.error('Who may answer an approval could not be judged; nobody may.', { approvalId: row.id, tool: row.tool, error });
    return { isAllowed: false };
  }
}

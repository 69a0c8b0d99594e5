/** Approvals come to nothing when their room closes, their agent leaves it, or a person takes over (APR-05). */
import { isoTime } from '../clock.js';
import type { ApprovalRow } from '../models/approval.js';
import type { KitParts } from '../parts.js';
import type { Section } from '../pipeline/section.js';
import type { EventCommit } from '../store/store.js';

export interface Cancelling {
  readonly roomId: string;
  /** Only this agent's. */
  readonly agentId?: string;
  /** All but this agent's. */
  readonly exceptAgentId?: string | null;
  readonly reason: string;
}

/** What a commit has to end with them, and whom to tell afterwards. Nothing, where nothing waits. */
export async function cancelWaiting(
  parts: KitParts,
  section: Section,
  { roomId, agentId, exceptAgentId, reason }: Cancelling,
): Promise<Pick<EventCommit, 'resolves' | 'turnChanges'>> {
  const pending = await parts.store.listApprovals({ roomId, state: 'pending', ...(agentId !== undefined && { agentId }) });
  const rows = pending.filter((row) => row.agentId !== exceptAgentId);
  const waiting = await parts.store.listTurns({ roomId, state: 'waiting', ...(agentId !== undefined && { channelId: agentId }) });
  const turns = waiting.filter((turn) => turn.channelId !== exceptAgentId);
  if (rows.length === 0 && turns.length === 0) return {};
  const resolvedAt = isoTime(parts.clock.now());
  section.defer(() => tellCancelled(parts, rows, reason));
  return {
    resolves: rows.map(({ id }) => ({ approvalId: id, patch: { state: 'cancelled', resolvedAt, reason } })),
    turnChanges: turns.map(({ id }) => ({ turnId: id, from: ['waiting'], patch: { state: 'cancelled', endReason: 'cancelled' } })),
  };
}

function tellCancelled(parts: KitParts, rows: readonly ApprovalRow[], reason: string): void {
  if (!parts.framework.has('approval_resolved')) return;
  for (const row of rows) {
    const data = { approval_id: row.id, tool: row.tool, turn_id: row.turnId, state: 'cancelled', by: 'system', approved: false, reason };
    parts.framework.emit('approval_resolved', { roomId: row.roomId, channelId: row.agentId, data });
  }
}

/** Approvals as hosts see them; always within the kit's organization (PERM-09). */
import type { Approval } from '../models/approval.js';
import type { KitParts } from '../parts.js';
import { requireRoom } from '../rooms/lifecycle.js';
import type { ApprovalQuery } from '../store/store.js';
import { findApproval, shown } from './resolve.js';

export async function listApprovals(parts: KitParts, query: ApprovalQuery): Promise<readonly Approval[]> {
  const own = parts.options.organizationId;
  if (query.roomId !== undefined) await requireRoom(parts, query.roomId);
  if (own !== undefined && query.organizationId !== undefined && query.organizationId !== own) return [];
  const found = await parts.store.listApprovals(own === undefined ? query : { ...query, organizationId: own });
  return found.map(shown);
}

export async function getApproval(parts: KitParts, approvalId: string): Promise<Approval | null> {
  const row = await findApproval(parts, approvalId);
  return row === null ? null : shown(row);
}

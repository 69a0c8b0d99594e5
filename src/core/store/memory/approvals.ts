/** Approvals in memory, with those that are pending apart (APR-01). */
import { ConflictError } from '../../errors.js';
import type { ApprovalRow } from '../../models/approval.js';
import { ownJson } from '../../models/json.js';
import type { ApprovalQuery, ApprovalResolution } from '../store.js';

export class MemoryApprovals {
  readonly #rows = new Map<string, ApprovalRow>();
  readonly #pending = new Set<string>();

  add(rows: readonly ApprovalRow[]): void {
    for (const row of rows) this.#put(ownJson(row));
  }

  checkPending(resolutions: readonly ApprovalResolution[]): void {
    for (const { approvalId } of resolutions) if (!this.#pending.has(approvalId)) throw notPending(approvalId);
  }

  resolve(resolutions: readonly ApprovalResolution[]): void {
    for (const { approvalId, patch } of resolutions) {
      const row = this.#rows.get(approvalId);
      if (row !== undefined) this.#put(ownJson({ ...row, ...patch }));
    }
  }

  replace(row: ApprovalRow): void {
    if (this.#rows.has(row.id)) this.#put(ownJson(row));
  }

  remove(approvalId: string): void {
    this.#rows.delete(approvalId);
    this.#pending.delete(approvalId);
  }

  get(approvalId: string): ApprovalRow | null {
    return this.#rows.get(approvalId) ?? null;
  }

  list(query: ApprovalQuery, organizationOf: (roomId: string) => string | undefined): ApprovalRow[] {
    const found: ApprovalRow[] = [];
    for (const id of query.state === 'pending' ? this.#pending : this.#rows.keys()) {
      const row = this.#rows.get(id);
      if (row !== undefined && matches(row, query, organizationOf)) found.push(row);
    }
    found.sort((a, b) => compare(a.expiresAt, b.expiresAt) || compare(a.id, b.id));
    return query.limit === undefined ? found : found.slice(0, query.limit);
  }

  deleteRoom(roomId: string): void {
    for (const row of this.#rows.values()) {
      if (row.roomId !== roomId) continue;
      this.#rows.delete(row.id);
      this.#pending.delete(row.id);
    }
  }

  #put(row: ApprovalRow): void {
    this.#rows.set(row.id, row);
    if (row.state === 'pending') this.#pending.add(row.id);
    else this.#pending.delete(row.id);
  }
}

/** What `commitEvent` throws when it resolves an approval that somebody else has answered (APR-03). */
export function notPending(approvalId: string): ConflictError {
  return new ConflictError(`approval_not_pending: approval '${approvalId}' was answered already, or is not there.`, { retryable: false });
}

/** What `commitEvent` throws when a turn has moved on meanwhile. */
export function turnMovedOn(turnId: string, from: readonly string[]): ConflictError {
  return new ConflictError(`turn_moved_on: turn '${turnId}' is not ${from.join(' or ')} any more.`, { retryable: false });
}

/** What `commitEvent` throws when it ends a task that somebody else has ended (LTR-02). */
export function taskEnded(taskId: string): ConflictError {
  return new ConflictError(`task_ended: task '${taskId}' is not in progress any more, or is not there.`, { retryable: false });
}

function matches(row: ApprovalRow, query: ApprovalQuery, organizationOf: (roomId: string) => string | undefined): boolean {
  const { roomId, turnId, agentId, organizationId, state } = query;
  if (roomId !== undefined && row.roomId !== roomId) return false;
  if (turnId !== undefined && row.turnId !== turnId) return false;
  if (agentId !== undefined && row.agentId !== agentId) return false;
  if (organizationId !== undefined && organizationOf(row.roomId) !== organizationId) return false;
  return state === undefined || (typeof state === 'string' ? row.state === state : state.includes(row.state));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

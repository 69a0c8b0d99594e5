/** Approvals in SQLite (APR-01). */
import { notPending, type ApprovalQuery, type ApprovalResolution, type ApprovalRow } from './core.js';
import type { Statements } from './statements.js';
import { IN_LIST, Json, listOf, type Value } from './text.js';

export class SqliteApprovals {
  constructor(private readonly sql: Statements) {}

  add(rows: readonly ApprovalRow[]): void {
    const insert = this.sql.get('INSERT INTO approvals (id, room_id, turn_id, agent_id, state, expires_at, json) VALUES (?, ?, ?, ?, ?, ?, ?)');
    for (const row of rows) insert.run(row.id, row.roomId, row.turnId, row.agentId, row.state, row.expiresAt, new Json(row));
  }

  checkPending(resolutions: readonly ApprovalResolution[]): void {
    for (const { approvalId } of resolutions) if (this.get(approvalId)?.state !== 'pending') throw notPending(approvalId);
  }

  resolve(resolutions: readonly ApprovalResolution[]): void {
    const update = this.sql.get('UPDATE approvals SET state = ?, json = ? WHERE id = ?');
    for (const { approvalId, patch } of resolutions) {
      const row = this.get(approvalId);
      if (row !== null) update.run(patch.state, new Json({ ...row, ...patch }), approvalId);
    }
  }

  get(approvalId: string): ApprovalRow | null {
    return this.sql.model<ApprovalRow>('SELECT json FROM approvals WHERE id = ?', approvalId);
  }

  list(query: ApprovalQuery): ApprovalRow[] {
    const where: string[] = [];
    const values: Value[] = [];
    const equals = (column: string, value: string | undefined): void => {
      if (value === undefined) return;
      where.push(`${column} = ?`);
      values.push(value);
    };
    equals('room_id', query.roomId);
    equals('turn_id', query.turnId);
    equals('agent_id', query.agentId);
    if (query.organizationId !== undefined) {
      where.push('(SELECT organization_id FROM rooms WHERE rooms.id = room_id) = ?');
      values.push(query.organizationId);
    }
    if (query.state !== undefined) {
      const states = typeof query.state === 'string' ? [query.state] : query.state;
      if (states.length === 1 && states[0] === 'pending') where.push("state = 'pending'"); // as the index of what is pending has it
      where.push(`state ${IN_LIST}`);
      values.push(listOf(states));
    }
    values.push(query.limit ?? -1);
    const filter = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return this.sql.models<ApprovalRow>(`SELECT json FROM approvals ${filter} ORDER BY expires_at, id LIMIT ?`, ...values);
  }
}

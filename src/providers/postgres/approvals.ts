/** Approvals in PostgreSQL (APR-01). They are made and resolved by commits. */
import { model, models, type Sql } from './connection.js';
import type { ApprovalQuery, ApprovalRow } from './core.js';
import { Filter } from './filter.js';

export function getApproval(sql: Sql, approvalId: string): Promise<ApprovalRow | null> {
  return model(sql, 'SELECT json FROM @approvals WHERE id = $1', approvalId);
}

export function listApprovals(sql: Sql, query: ApprovalQuery): Promise<ApprovalRow[]> {
  const filter = new Filter()
    .add('room_id = ?', query.roomId)
    .add('turn_id = ?', query.turnId)
    .add('agent_id = ?', query.agentId)
    .add('(SELECT organization_id FROM @rooms AS rooms WHERE rooms.id = room_id) = ?', query.organizationId);
  if (query.state !== undefined) {
    const states = typeof query.state === 'string' ? [query.state] : query.state;
    if (states.length === 1 && states[0] === 'pending')
      filter.also("state = 'pending'"); // as the index of what is pending has it
    else filter.add('state = ANY (?::text[])', states);
  }
  const limit = filter.place(query.limit ?? null);
  return models(sql, `SELECT json FROM @approvals ${filter.where} ORDER BY expires_at, id LIMIT ${limit}`, ...filter.values);
}

/** What is open in PostgreSQL, counted in one statement over the indexes of what is open (OPS-02). */
import type { Sql } from './connection.js';
import type { WorkQuery, WorkSummary } from './core.js';
import { OPEN_ROWS, OPEN_TURNS } from './tables.js';

/** Only what has not ended is read; spelled out as its indexes have it. */
const SUMMARY = `
  WITH rows AS MATERIALIZED (
    SELECT state, lease_owner, lease_until, next_attempt_at > $2 AS later, created_at FROM @outbox WHERE ${OPEN_ROWS}
  ), open_turns AS MATERIALIZED (
    SELECT state, lease_owner, lease_until, (json ->> 'createdAt') COLLATE "C" AS created_at FROM @turns WHERE ${OPEN_TURNS}
  ), leased AS (
    SELECT lease_owner, lease_until FROM rows WHERE lease_until > $2
    UNION ALL SELECT lease_owner, lease_until FROM open_turns WHERE lease_until > $2
  ), ends AS (
    SELECT expires_at, true AS is_approval FROM @approvals WHERE state = 'pending'
    UNION ALL SELECT expires_at, false FROM @tasks WHERE status = 'in_progress' AND expires_at IS NOT NULL
  )
  SELECT * FROM
    (SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'sending') AS sending,
       count(*) FILTER (WHERE state = 'unknown') AS unknown, count(*) FILTER (WHERE state = 'queued' AND later) AS later,
       min(created_at) FILTER (WHERE state = 'queued' AND later IS NOT TRUE) AS due_at,
       min(created_at) FILTER (WHERE state <> 'queued') AS unanswered_at FROM rows) AS r,
    (SELECT count(*) FILTER (WHERE state = 'queued') AS waiting, count(*) FILTER (WHERE state = 'running') AS running,
       min(created_at) AS turn_at FROM open_turns) AS t,
    (SELECT count(*) FILTER (WHERE lease_owner = $1) AS held, count(*) FILTER (WHERE lease_owner <> $1) AS "foreign",
       count(DISTINCT lease_owner) FILTER (WHERE lease_owner <> $1) AS owners,
       min(lease_until) FILTER (WHERE lease_owner <> $1) AS ends_at FROM leased) AS l,
    (SELECT count(*) FILTER (WHERE is_approval) AS approvals, count(*) FILTER (WHERE NOT is_approval) AS tasks,
       count(*) FILTER (WHERE expires_at <= $2) AS overdue FROM ends) AS e`;

export async function summarizeWork(sql: Sql, { owner, now }: WorkQuery): Promise<WorkSummary> {
  const [row = {}] = await sql.all(SUMMARY, owner, now);
  const count = (name: string): number => Number(row[name] ?? 0);
  const time = <Name extends string>(name: Name, column: string): { readonly [Key in Name]?: string } => {
    const value = row[column];
    return (typeof value === 'string' ? { [name]: value } : {}) as { readonly [Key in Name]?: string };
  };
  return {
    deliveries: {
      queued: count('queued'),
      sending: count('sending'),
      unknown: count('unknown'),
      later: count('later'),
      ...time('oldestDueAt', 'due_at'),
      ...time('oldestUnansweredAt', 'unanswered_at'),
    },
    turns: { queued: count('waiting'), running: count('running'), ...time('oldestAt', 'turn_at') },
    leases: { held: count('held'), foreign: count('foreign'), foreignOwners: count('owners'), ...time('nextForeignEndAt', 'ends_at') },
    waiting: { approvals: count('approvals'), tasks: count('tasks'), overdue: count('overdue') },
  };
}

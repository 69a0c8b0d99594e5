/** What is open in SQLite, counted over the indexes of what is open (OPS-02). One process holds the file: no lease means anything. */
import type { WorkQuery, WorkSummary } from './core.js';
import type { Statements } from './statements.js';
import type { Value } from './text.js';

const ROWS = `
  SELECT SUM(state = 'queued') AS queued, SUM(state = 'sending') AS sending, SUM(state = 'unknown') AS unknown,
    SUM(state = 'queued' AND json_extract(json, '$.nextAttemptAt') > ?1) AS later,
    MIN(CASE WHEN state = 'queued' AND IFNULL(json_extract(json, '$.nextAttemptAt'), '') <= ?1 THEN json_extract(json, '$.createdAt') END) AS dueAt,
    MIN(CASE WHEN state <> 'queued' THEN json_extract(json, '$.createdAt') END) AS unansweredAt
  FROM outbox WHERE state IN ('queued', 'sending', 'unknown')`;
const TURNS = `
  SELECT SUM(state = 'queued') AS queued, SUM(state = 'running') AS running, MIN(json_extract(json, '$.createdAt')) AS oldestAt
  FROM turns WHERE state IN ('queued', 'running')`;
const APPROVALS = "SELECT COUNT(*) AS waiting, SUM(expires_at <= ?1) AS overdue FROM approvals WHERE state = 'pending'";
const TASKS = `
  SELECT COUNT(*) AS waiting, SUM(json_extract(json, '$.expiresAt') <= ?1) AS overdue
  FROM tasks WHERE status = 'in_progress' AND json_extract(json, '$.expiresAt') IS NOT NULL`;

export function summarizeWork(sql: Statements, { now }: WorkQuery): WorkSummary {
  const rows = numbers(sql, ROWS, now);
  const turns = numbers(sql, TURNS);
  const approvals = numbers(sql, APPROVALS, now);
  const tasks = numbers(sql, TASKS, now);
  return {
    deliveries: {
      queued: rows.count('queued'),
      sending: rows.count('sending'),
      unknown: rows.count('unknown'),
      later: rows.count('later'),
      ...rows.time('oldestDueAt', 'dueAt'),
      ...rows.time('oldestUnansweredAt', 'unansweredAt'),
    },
    turns: { queued: turns.count('queued'), running: turns.count('running'), ...turns.time('oldestAt', 'oldestAt') },
    leases: { held: 0, foreign: 0, foreignOwners: 0 },
    waiting: {
      approvals: approvals.count('waiting'),
      tasks: tasks.count('waiting'),
      overdue: approvals.count('overdue') + tasks.count('overdue'),
    },
  };
}

interface Numbers {
  /** Of nothing, SQLite's sum is NULL. */
  count(name: string): number;
  time<Name extends string>(name: Name, column: string): { readonly [Key in Name]?: string };
}

function numbers(sql: Statements, query: string, ...values: Value[]): Numbers {
  const row = sql.get(query).get(...values) as Readonly<Record<string, unknown>>;
  return {
    count: (name) => Number(row[name] ?? 0),
    time: <Name extends string>(name: Name, column: string) => {
      const value = row[column];
      return (typeof value === 'string' ? { [name]: value } : {}) as { readonly [Key in Name]?: string };
    },
  };
}

/** What is open in memory, counted (OPS-02). */
import type { ApprovalRow } from '../../models/approval.js';
import type { OutboxRow, TurnRow } from '../../models/delivery.js';
import type { Task } from '../../models/task.js';
import type { WorkQuery, WorkSummary } from '../store.js';

interface Open {
  readonly rows: readonly OutboxRow[];
  readonly turns: readonly TurnRow[];
  /** Those that are pending. */
  readonly approvals: readonly ApprovalRow[];
  /** Those in progress that have an end. */
  readonly tasks: readonly Task[];
}

/** `leases`: whether they count, as on a store that is shared. */
export function summaryOf({ rows, turns, approvals, tasks }: Open, { owner, now }: WorkQuery, leases: boolean): WorkSummary {
  const inState = (list: readonly { readonly state: string }[], state: string): number => list.filter((one) => one.state === state).length;
  const isLater = (row: OutboxRow): boolean => row.nextAttemptAt !== undefined && row.nextAttemptAt > now;
  const queued = rows.filter((row) => row.state === 'queued');
  const oldestDueAt = first(queued.filter((row) => !isLater(row)).map((row) => row.createdAt));
  const oldestUnansweredAt = first(rows.filter((row) => row.state !== 'queued').map((row) => row.createdAt));
  const oldestAt = first(turns.map((turn) => turn.createdAt));
  const leased = leases ? [...rows, ...turns].filter((one) => one.leaseOwner !== undefined && (one.leaseUntil ?? '') > now) : [];
  const foreign = leased.filter((one) => one.leaseOwner !== owner);
  const nextForeignEndAt = first(foreign.flatMap(({ leaseUntil }) => leaseUntil ?? []));
  return {
    deliveries: {
      queued: queued.length,
      sending: inState(rows, 'sending'),
      unknown: inState(rows, 'unknown'),
      later: queued.filter(isLater).length,
      ...(oldestDueAt !== undefined && { oldestDueAt }),
      ...(oldestUnansweredAt !== undefined && { oldestUnansweredAt }),
    },
    turns: { queued: inState(turns, 'queued'), running: inState(turns, 'running'), ...(oldestAt !== undefined && { oldestAt }) },
    leases: {
      held: leased.length - foreign.length,
      foreign: foreign.length,
      foreignOwners: new Set(foreign.map(({ leaseOwner }) => leaseOwner)).size,
      ...(nextForeignEndAt !== undefined && { nextForeignEndAt }),
    },
    waiting: {
      approvals: approvals.length,
      tasks: tasks.length,
      overdue: [...approvals, ...tasks].filter(({ expiresAt }) => expiresAt !== undefined && expiresAt <= now).length,
    },
  };
}

function first(times: readonly string[]): string | undefined {
  let earliest: string | undefined;
  for (const time of times) if (earliest === undefined || time < earliest) earliest = time;
  return earliest;
}

/** Claiming unfinished lanes for one owner (OUT-08), and the leases of what it has. */
import type { Connections, Row, Sql } from './connection.js';
import { laneKey, type ClaimedWork, type ConversationStore, type OutboxRow, type TurnRow } from './core.js';
import { OPEN_ROWS, OPEN_TURNS, rowOf, turnOf } from './outbox.js';
import { decodeText, Json } from './text.js';

type Claim = Parameters<ConversationStore['claimDue']>[0];

interface Candidate {
  readonly id: string;
  readonly kind: 'row' | 'turn';
  readonly lane: string;
  readonly isForeign: boolean;
  readonly leaseUntil: string | null;
  readonly nextAttemptAt: string | null;
  readonly isParked: boolean;
}

/** Lean: what is open may be much, and most of it belongs to somebody. */
const CANDIDATES = `
  SELECT 'row' AS kind, id, room_id, channel_id, event_index AS idx, lease_until, next_attempt_at,
    next_attempt_at IS NOT NULL AND next_attempt_at = expires_at AS parked, lease_owner <> $1 AND lease_until > $2 AS foreign
    FROM @outbox WHERE ${OPEN_ROWS}
  UNION ALL SELECT 'turn', id, room_id, channel_id, trigger_index, lease_until, NULL, false, lease_owner <> $1 AND lease_until > $2
    FROM @turns WHERE ${OPEN_TURNS}
  ORDER BY kind, room_id, idx, id`;

export async function claimDue(connections: Connections, claim: Claim): Promise<ClaimedWork> {
  // Most of the time nothing is to be had, and looking costs no transaction.
  const seen = chosen(await candidates({ all: (sql, ...values) => connections.read(sql, ...values) }, claim), claim);
  if (seen.wanted.length === 0) return { rows: [], turns: [], ...seen.due };
  return connections.transaction((sql) => take(sql, claim));
}

async function take(sql: Sql, claim: Claim): Promise<ClaimedWork> {
  // Claims come one after another: a lane is given to one owner as a whole.
  await sql.all("SELECT pg_advisory_xact_lock(hashtextextended('@outbox', 3))");
  const { wanted, due } = chosen(await candidates(sql, claim), claim);
  const ids = (kind: Candidate['kind']): string[] => wanted.filter((one) => one.kind === kind).map(({ id }) => id);
  const free = new Set([
    ...(await lockFree(sql, 'outbox', OPEN_ROWS, ids('row'), claim)),
    ...(await lockFree(sql, 'turns', OPEN_TURNS, ids('turn'), claim)),
  ]);
  // What somebody is changing right now is left to the next claim, with what is behind it in its lane.
  const left = new Set<string>();
  const taken = wanted.filter(({ id, lane }) => {
    if (!free.has(id)) left.add(lane);
    return !left.has(lane);
  });
  const order = new Map(taken.map(({ id }, n) => [id, n]));
  const byOrder = (a: { id: string }, b: { id: string }): number => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0);
  const of = (kind: Candidate['kind']): string[] => taken.filter((one) => one.kind === kind).map(({ id }) => id);
  const rows: OutboxRow[] = (await lease(sql, 'outbox', 'event_index', of('row'), claim)).map(rowOf).sort(byOrder);
  const turns: TurnRow[] = (await lease(sql, 'turns', 'trigger_index', of('turn'), claim)).map(turnOf).sort(byOrder);
  return { rows, turns, ...due };
}

async function candidates(sql: Sql, { owner, now }: Claim): Promise<Candidate[]> {
  return (await sql.all(CANDIDATES, owner, now)).map((row) => ({
    id: decodeText(row['id'] as string),
    kind: row['kind'] as Candidate['kind'],
    lane: laneKey(decodeText(row['room_id'] as string), decodeText(row['channel_id'] as string)),
    isForeign: row['foreign'] === true,
    leaseUntil: row['lease_until'] as string | null,
    nextAttemptAt: row['next_attempt_at'] as string | null,
    isParked: row['parked'] === true,
  }));
}

function chosen(open: readonly Candidate[], claim: Claim): { wanted: Candidate[]; due: Pick<ClaimedWork, 'nextDueAt'> } {
  let nextDueAt: string | undefined;
  const later = (at: string): void => {
    if (nextDueAt === undefined || at < nextDueAt) nextDueAt = at;
  };
  const blocked = new Set<string>(claim.exceptLanes);
  for (const one of open) {
    if (!one.isForeign) continue;
    blocked.add(one.lane);
    if (one.leaseUntil !== null) later(one.leaseUntil);
  }
  const wanted: Candidate[] = [];
  for (const one of open) {
    if (blocked.has(one.lane) || wanted.length >= claim.limit) continue;
    if (one.nextAttemptAt !== null && one.nextAttemptAt > claim.now) {
      // What is behind it in its lane waits too, unless it is parked (OUT-17).
      if (!one.isParked) blocked.add(one.lane);
      later(one.nextAttemptAt);
    } else wanted.push(one);
  }
  return { wanted, due: nextDueAt === undefined ? {} : { nextDueAt } };
}

async function lockFree(sql: Sql, table: 'outbox' | 'turns', open: string, ids: readonly string[], claim: Claim): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await sql.all(
    `SELECT id FROM @${table} WHERE id = ANY ($1::text[]) AND ${open}
       AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until IS NULL OR lease_until <= $3) ORDER BY id FOR UPDATE SKIP LOCKED`,
    ids,
    claim.owner,
    claim.now,
  );
  return rows.map(({ id }) => decodeText(id as string));
}

/** As they were, and from here on this owner's. */
async function lease(sql: Sql, table: 'outbox' | 'turns', index: string, ids: readonly string[], claim: Claim): Promise<Row[]> {
  if (ids.length === 0) return [];
  return sql.all(
    `WITH before AS (SELECT id, json, ${index} FROM @${table} WHERE id = ANY ($1::text[])),
       leased AS (UPDATE @${table} AS t SET json = @merged(t.json, $2) WHERE t.id = ANY ($1::text[]))
     SELECT json, ${index} FROM before`,
    ids,
    new Json({ leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }),
  );
}

/** Prolongs every lease of this owner. */
export async function renewLeases(sql: Sql, owner: string, leaseUntil: string): Promise<void> {
  await sql.all(
    `WITH rows AS (UPDATE @outbox SET json = @merged(json, $2) WHERE id IN (SELECT id FROM @outbox WHERE lease_owner = $1 AND ${OPEN_ROWS} ORDER BY id FOR UPDATE)),
       turns AS (UPDATE @turns SET json = @merged(json, $2) WHERE id IN (SELECT id FROM @turns WHERE lease_owner = $1 AND ${OPEN_TURNS} ORDER BY id FOR UPDATE))
     SELECT 1`,
    owner,
    new Json({ leaseUntil }),
  );
}

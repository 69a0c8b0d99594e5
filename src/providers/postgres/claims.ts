/** Claiming unfinished lanes for one owner (OUT-08), and the leases of what it has. */
import type { Connections, Row, Sql } from './connection.js';
import { laneKey, type ClaimedWork, type ConversationStore } from './core.js';
import { rowOf, turnOf } from './outbox.js';
import { OPEN_ROWS, OPEN_TURNS } from './tables.js';
import { decodeText, Json } from './text.js';

type Claim = Parameters<ConversationStore['claimDue']>[0];

const NO_LANES: ReadonlySet<string> = new Set();

interface Candidate {
  readonly id: string;
  readonly kind: 'row' | 'turn';
  readonly roomId: string;
  readonly channelId: string;
  readonly lane: string;
}

/** What is open belongs to few owners: one look into the index for each of them finds who they are. */
function owners(name: string, table: string, open: string): string {
  const next = (after: string): string => `(SELECT lease_owner FROM @${table} WHERE ${open} AND ${after} ORDER BY lease_owner LIMIT 1)`;
  return `${name} AS (
    SELECT ${next('lease_owner IS NOT NULL')} AS owner
    UNION ALL SELECT ${next(`lease_owner > ${name}.owner`)} FROM ${name} WHERE ${name}.owner IS NOT NULL)`;
}

/** Of what is open, what is this owner's, nobody's, or held by a lease that has ended. Of what others hold, nothing is read. */
function mayBeHad(name: string, ownersName: string, table: string, open: string, columns: string): string {
  return `${name} AS (
    SELECT own.* FROM ${ownersName}, LATERAL (SELECT ${columns} FROM @${table} WHERE ${open} AND lease_owner = ${ownersName}.owner AND ${ownersName}.owner = $1) AS own
    UNION ALL SELECT left_behind.* FROM ${ownersName}, LATERAL (
      SELECT ${columns} FROM @${table} WHERE ${open} AND lease_owner = ${ownersName}.owner AND ${ownersName}.owner <> $1 AND (lease_until IS NULL OR lease_until <= $2)
    ) AS left_behind
    UNION ALL SELECT ${columns} FROM @${table} WHERE ${open} AND lease_owner IS NULL)`;
}

const FOREIGN = 'lease_owner <> $1 AND lease_until > $2';
const SAME_LANE = 'other.room_id = one.room_id AND other.channel_id = one.channel_id';
/** Nobody holds anything of its lane, and it is none of those that work here already: their keys, in which NUL is written as in all texts. */
const IS_FREE = `NOT EXISTS (SELECT 1 FROM @outbox AS other WHERE ${OPEN_ROWS} AND ${SAME_LANE} AND ${FOREIGN})
    AND NOT EXISTS (SELECT 1 FROM @turns AS other WHERE ${OPEN_TURNS} AND ${SAME_LANE} AND ${FOREIGN})
    AND NOT EXISTS (SELECT 1 FROM busy WHERE busy.lane = (one.room_id || E'\\x010000' || one.channel_id) COLLATE "C")`;
/** What waits for its next attempt lets nothing pass, unless it is parked (OUT-17). */
const WAITS = 'next_attempt_at > $2 AND next_attempt_at IS DISTINCT FROM expires_at';
const IS_BEHIND = (before: string): string => `EXISTS (SELECT 1 FROM @outbox AS other WHERE ${OPEN_ROWS} AND ${SAME_LANE} AND ${WAITS}${before})`;

/** What may be claimed, and when something else may be. Values: owner, now, the keys of busy lanes, limit. */
export const CANDIDATES = `
  WITH RECURSIVE ${owners('row_owners', 'outbox', OPEN_ROWS)}, ${owners('turn_owners', 'turns', OPEN_TURNS)},
  busy AS (SELECT unnest($3::text[]) AS lane),
  ${mayBeHad('open_rows', 'row_owners', 'outbox', OPEN_ROWS, 'id, room_id, channel_id, event_index AS idx, next_attempt_at')},
  ${mayBeHad('open_turns', 'turn_owners', 'turns', OPEN_TURNS, 'id, room_id, channel_id, trigger_index AS idx')},
  free_rows AS (SELECT * FROM open_rows AS one WHERE ${IS_FREE} AND NOT ${IS_BEHIND(' AND (other.event_index, other.id) < (one.idx, one.id)')}),
  wanted AS (
    SELECT 'row' AS kind, id, room_id, channel_id, idx FROM free_rows WHERE next_attempt_at IS NULL OR next_attempt_at <= $2
    UNION ALL SELECT 'turn', id, room_id, channel_id, idx FROM open_turns AS one WHERE ${IS_FREE} AND NOT ${IS_BEHIND('')}
  ),
  ends AS (
    SELECT (SELECT min(lease_until) FROM @outbox WHERE ${OPEN_ROWS} AND lease_owner = row_owners.owner AND lease_until > $2) AS at FROM row_owners WHERE owner <> $1
    UNION ALL SELECT (SELECT min(lease_until) FROM @turns WHERE ${OPEN_TURNS} AND lease_owner = turn_owners.owner AND lease_until > $2) FROM turn_owners WHERE owner <> $1
    UNION ALL SELECT min(next_attempt_at) FROM free_rows WHERE next_attempt_at > $2
  )
  (SELECT kind, id, room_id, channel_id FROM wanted ORDER BY kind, wanted.room_id, idx, id LIMIT $4)
  UNION ALL SELECT 'due', min(at), NULL, NULL FROM ends`;

interface Candidates {
  readonly wanted: readonly Candidate[];
  readonly due: Pick<ClaimedWork, 'nextDueAt'>;
}

export async function claimDue(connections: Connections, claim: Claim): Promise<ClaimedWork> {
  // Most of the time nothing is to be had, and looking costs no transaction.
  const seen = await candidates({ all: (sql, ...values) => connections.read(sql, ...values) }, claim);
  if (seen.wanted.length === 0) return { rows: [], turns: [], ...seen.due };
  return connections.transaction((sql) => take(sql, claim));
}

async function take(sql: Sql, claim: Claim): Promise<ClaimedWork> {
  // Claims come one after another: a lane is given to one owner as a whole.
  await sql.all("SELECT pg_advisory_xact_lock(hashtextextended('@outbox', 3))");
  const { wanted, due } = await candidates(sql, claim);
  const of = (kind: Candidate['kind']): readonly Candidate[] => wanted.filter((one) => one.kind === kind);
  const rows = await takeLanes(sql, 'outbox', of('row'), claim);
  const turns = await takeLanes(sql, 'turns', of('turn'), claim);
  return { rows: rows.map(rowOf), turns: turns.map(turnOf), ...due };
}

async function candidates(sql: Sql, { owner, now, limit, exceptLanes = NO_LANES }: Claim): Promise<Candidates> {
  const rows = await sql.all(CANDIDATES, owner, now, [...exceptLanes], limit);
  const wanted: Candidate[] = [];
  let nextDueAt: string | null = null;
  for (const { kind, id, room_id, channel_id } of rows) {
    if (kind === 'due') {
      nextDueAt = id as string | null;
      continue;
    }
    const [roomId, channelId] = [decodeText(room_id as string), decodeText(channel_id as string)];
    wanted.push({ kind: kind as Candidate['kind'], id: decodeText(id as string), roomId, channelId, lane: laneKey(roomId, channelId) });
  }
  // With as many as were asked for, nobody waits: there may be more at once.
  return { wanted, due: nextDueAt === null || wanted.length >= limit ? {} : { nextDueAt } };
}

const TABLES = {
  outbox: { open: OPEN_ROWS, index: 'event_index', isLeased: 'next_attempt_at IS DISTINCT FROM expires_at' }, // parked rows aside (OUT-17)
  turns: { open: OPEN_TURNS, index: 'trigger_index', isLeased: 'true' },
} as const;

/**
 * What is wanted as it was, in its order, and from here on this owner's with all that is open in its lanes: also what is more than was
 * asked for, or waits for its next attempt. A lane of which somebody is changing something right now is left to the next claim.
 */
async function takeLanes(sql: Sql, table: keyof typeof TABLES, wanted: readonly Candidate[], claim: Claim): Promise<Row[]> {
  if (wanted.length === 0) return [];
  const { open, index, isLeased } = TABLES[table];
  const lanes = [...new Map(wanted.map((one) => [one.lane, one])).values()];
  const ids = wanted.map(({ id }) => id);
  const here = [ids, lanes.map(({ roomId }) => roomId), lanes.map(({ channelId }) => channelId)] as const;
  const inLanes = `FROM @${table} AS one WHERE ${open} AND (id = ANY ($1::text[])
    OR (room_id, channel_id) IN (SELECT * FROM unnest($2::text[], $3::text[])) AND ${isLeased})`;
  const locked = await sql.all(
    `SELECT id, lease_owner <> $4 AND lease_until > $5 AS foreign_lease ${inLanes} ORDER BY id FOR UPDATE SKIP LOCKED`,
    ...here,
    claim.owner,
    claim.now,
  );
  const had = new Set(locked.flatMap(({ id, foreign_lease: isForeign }) => (isForeign === true ? [] : [id as string])));
  const left = new Set<string>();
  for (const { id, room_id: roomId, channel_id: channelId } of await sql.all(`SELECT id, room_id, channel_id ${inLanes}`, ...here))
    if (!had.has(id as string)) left.add(laneKey(decodeText(roomId as string), decodeText(channelId as string)));
  const order = new Map(wanted.filter(({ lane }) => !left.has(lane)).map(({ id }, at) => [id, at]));
  if (order.size === 0) return [];
  const taken = lanes.filter(({ lane }) => !left.has(lane));
  const given = await sql.all(
    `WITH mine AS (SELECT id ${inLanes}),
       before AS (SELECT id, json, ${index} FROM @${table} WHERE id = ANY ($1::text[])),
       leased AS (UPDATE @${table} AS t SET json = @merged(t.json, $4) WHERE t.id IN (SELECT id FROM mine))
     SELECT id, json, ${index} FROM before`,
    [...order.keys()],
    taken.map(({ roomId }) => roomId),
    taken.map(({ channelId }) => channelId),
    new Json({ leaseOwner: claim.owner, leaseUntil: claim.leaseUntil }),
  );
  const place = ({ id }: Row): number => order.get(decodeText(id as string)) ?? 0;
  return [...given].sort((a, b) => place(a) - place(b));
}

/**
 * Prolongs every lease of this owner. Table by table, and each lane in its order, as commits lock them: who locks in another order
 * waits for a commit that waits for him.
 */
export async function renewLeases(sql: Sql, owner: string, leaseUntil: string): Promise<void> {
  for (const [table, index, open] of [
    ['turns', 'trigger_index', OPEN_TURNS],
    ['outbox', 'event_index', OPEN_ROWS],
  ] as const) {
    await sql.all(
      `UPDATE @${table} SET json = @merged(json, $2) WHERE id IN
         (SELECT id FROM @${table} WHERE lease_owner = $1 AND ${open} ORDER BY room_id, channel_id, ${index} FOR UPDATE)`,
      owner,
      new Json({ leaseUntil }),
    );
  }
}

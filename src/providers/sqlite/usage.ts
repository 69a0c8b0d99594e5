/** What generations cost, within the running transaction, and their sums (USG-01). */
import type { UsageQuery, UsageRecord, UsageSum } from './core.js';
import type { Statements } from './statements.js';
import { Json, type Value } from './text.js';

interface Group {
  readonly agent: string;
  readonly provider: string;
  readonly model: string;
}

/** Kinds of tokens that have a column; others are rare, and in the JSON. */
const KINDS = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens'] as const;

/** A row of the table. */
export type UsageRow = Readonly<Record<'room_id' | 'turn_id' | 'agent_id' | 'provider' | 'model' | 'at', string>> &
  Readonly<Record<(typeof KINDS)[number] | 'cost', number | null>> & { readonly ms: number; readonly json: string | null };

/** The record that was written as this row. */
export function usageOf(row: UsageRow): UsageRecord {
  const known = KINDS.flatMap((kind) => (row[kind] === null ? [] : [[kind, Number(row[kind])] as const]));
  const others = row.json === null ? {} : (JSON.parse(row.json) as Record<string, number>);
  return {
    roomId: row.room_id,
    turnId: row.turn_id,
    agentId: row.agent_id,
    provider: row.provider,
    model: row.model,
    tokens: { ...Object.fromEntries(known), ...others },
    ms: Number(row.ms),
    ...(row.cost !== null && { cost: Number(row.cost) }),
    at: row.at,
  };
}

export class SqliteUsage {
  constructor(private readonly sql: Statements) {}

  /** Nothing is kept of a room that is gone. */
  add(records: readonly UsageRecord[]): void {
    const insert = this.sql.get(
      `INSERT INTO usage (room_id, turn_id, agent_id, provider, model, at, ms, cost, ${KINDS.join(', ')}, json)
       SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM rooms WHERE id = ?)`,
    );
    for (const { roomId, turnId, agentId, provider, model, tokens, ms, cost, at } of records) {
      const others = Object.entries(tokens).filter(([kind]) => !(KINDS as readonly string[]).includes(kind));
      const counts = KINDS.map((kind) => tokens[kind] ?? null);
      const rest = others.length === 0 ? null : new Json(Object.fromEntries(others));
      insert.run(roomId, turnId, agentId, provider, model, at, ms, cost ?? null, ...counts, rest, roomId);
    }
  }

  sum(query: UsageQuery): UsageSum[] {
    const { table, clause, values } = filter(query);
    const counts = KINDS.map((kind) => `SUM(${kind}) AS ${kind}`).join(', ');
    const groups = this.sql
      .get(
        `SELECT agent_id AS agent, provider, model, COUNT(*) AS generations, SUM(ms) AS ms, SUM(cost) AS cost, COUNT(cost) AS priced, ${counts}
         FROM ${table} ${clause} GROUP BY agent_id, provider, model ORDER BY agent_id, provider, model`,
      )
      .all(...values) as (Group & Readonly<Record<string, number | null>>)[];
    const others = this.#others(query);
    return groups.map((group) => {
      const tokens: Record<string, number> = {};
      for (const kind of KINDS) {
        const count = group[kind];
        if (count !== null && count !== undefined) tokens[kind] = Number(count);
      }
      const { agent: agentId, provider, model, cost } = group;
      const generations = Number(group['generations']);
      return {
        agentId,
        provider,
        model,
        generations,
        tokens: { ...tokens, ...others.get(keyOf(group)) },
        ms: Number(group['ms']),
        ...(cost !== null && cost !== undefined && { cost: Number(cost) }),
        unpriced: generations - Number(group['priced']),
      };
    });
  }

  #others(query: UsageQuery): Map<string, Record<string, number>> {
    const { table, clause, values } = filter(query, 'usage.json IS NOT NULL');
    const found = new Map<string, Record<string, number>>();
    const rows = this.sql
      .get(
        `SELECT agent_id AS agent, provider, model, entry.key AS kind, SUM(entry.value) AS count
         FROM ${table} CROSS JOIN json_each(usage.json) AS entry ${clause} GROUP BY agent_id, provider, model, entry.key`,
      )
      .all(...values) as (Group & { readonly kind: string; readonly count: number })[];
    for (const row of rows) found.set(keyOf(row), { ...found.get(keyOf(row)), [row.kind]: Number(row.count) });
    return found;
  }
}

function keyOf({ agent, provider, model }: Group): string {
  return JSON.stringify([agent, provider, model]);
}

function filter({ roomId, agentId, organizationId, from, to }: UsageQuery, ...also: string[]): { table: string; clause: string; values: Value[] } {
  const where = also;
  const values: Value[] = [];
  const add = (condition: string, value: string | undefined): void => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  add('room_id = ?', roomId);
  add('agent_id = ?', agentId);
  add(`${roomId === undefined && agentId === undefined ? '' : '+'}room_id IN (SELECT id FROM rooms WHERE organization_id = ?)`, organizationId);
  add('at >= ?', from);
  add('at < ?', to);
  return { table: tableFor({ roomId, agentId, organizationId, from, to }), clause: where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`, values };
}

/** The planner would go through all of it in the order of the groups: what is asked for is less. */
function tableFor({ roomId, agentId, organizationId, from, to }: UsageQuery): string {
  if (roomId !== undefined) return 'usage INDEXED BY usage_by_room';
  if (agentId !== undefined) return 'usage INDEXED BY usage_by_agent';
  if (organizationId !== undefined) return 'usage INDEXED BY usage_by_room';
  return from === undefined && to === undefined ? 'usage' : 'usage INDEXED BY usage_by_time';
}

/** What generations cost, and their sums (USG-01). */
import type { Sql } from './connection.js';
import type { UsageQuery, UsageRecord, UsageSum } from './core.js';
import { Filter } from './filter.js';
import { decodeText, Json, parseJson } from './text.js';

/** Nothing is kept of a room that is gone. */
export async function addUsage(sql: Sql, records: readonly UsageRecord[]): Promise<void> {
  if (records.length > 0) await sql.all('SELECT @add_usage($1)', new Json(records));
}

export async function sumUsage(sql: Sql, query: UsageQuery): Promise<UsageSum[]> {
  const filter = new Filter()
    .add('room_id = ?', query.roomId)
    .add('agent_id = ?', query.agentId)
    .add('room_id IN (SELECT id FROM @rooms WHERE organization_id = ?)', query.organizationId)
    .add('at >= ?', query.from)
    .add('at < ?', query.to);
  const rows = await sql.all(
    `WITH found AS (SELECT * FROM @usage ${filter.where}),
       kinds AS (
         SELECT agent_id, provider, model, json_object_agg(kind, count) AS tokens FROM (
           SELECT agent_id, provider, model, entry.key AS kind, SUM(entry.value::text::numeric) AS count FROM found CROSS JOIN json_each(found.tokens) AS entry
           GROUP BY agent_id, provider, model, entry.key) AS counted
         GROUP BY agent_id, provider, model)
     SELECT found.agent_id, found.provider, found.model, COUNT(*) AS generations, SUM(ms) AS ms, SUM(cost) AS cost, COUNT(cost) AS priced,
       (SELECT tokens FROM kinds WHERE kinds.agent_id = found.agent_id AND kinds.provider = found.provider AND kinds.model = found.model) AS tokens
     FROM found GROUP BY found.agent_id, found.provider, found.model ORDER BY found.agent_id, found.provider, found.model`,
    ...filter.values,
  );
  return rows.map((row) => {
    const generations = row['generations'] as number;
    return {
      agentId: decodeText(row['agent_id'] as string),
      provider: decodeText(row['provider'] as string),
      model: decodeText(row['model'] as string),
      generations,
      tokens: row['tokens'] === null ? {} : parseJson<Record<string, number>>(row['tokens'] as string),
      ms: Number(row['ms']),
      ...(row['cost'] !== null && { cost: Number(row['cost']) }),
      unpriced: generations - (row['priced'] as number),
    };
  });
}

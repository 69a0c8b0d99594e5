/** Adding generations up. */
import type { Usage } from '../models/ai.js';
import { EMPTY } from '../models/json.js';
import type { UsageRecord, UsageReport, UsageSum, UsageTotal } from '../models/usage.js';

/** Nothing was used. */
export const NO_USAGE: UsageTotal = Object.freeze({ generations: 0, tokens: EMPTY, ms: 0, unpriced: 0 });

/** What of a record counts in a sum. */
export type CountedUsage = Pick<UsageRecord, 'agentId' | 'provider' | 'model' | 'tokens' | 'ms'> & { readonly cost?: number | undefined };

/** Per agent, provider and model, in the order of their names. For stores that add up by themselves. */
export function sumUsage(records: Iterable<CountedUsage>): UsageSum[] {
  const sums = new Map<string, UsageSum>();
  for (const record of records) {
    const { agentId, provider, model } = record;
    const key = JSON.stringify([agentId, provider, model]);
    sums.set(key, { agentId, provider, model, ...plus(sums.get(key) ?? NO_USAGE, totalOf(record)) });
  }
  return [...sums.values()].sort(
    (left, right) => compare(left.agentId, right.agentId) || compare(left.provider, right.provider) || compare(left.model, right.model),
  );
}

export function reportOf(rows: readonly UsageSum[]): UsageReport {
  let total = NO_USAGE;
  const byAgent = new Map<string, UsageTotal>();
  const byModel = new Map<string, UsageTotal>();
  for (const row of rows) {
    total = plus(total, row);
    byAgent.set(row.agentId, plus(byAgent.get(row.agentId) ?? NO_USAGE, row));
    byModel.set(row.model, plus(byModel.get(row.model) ?? NO_USAGE, row));
  }
  return { ...total, byAgent: Object.fromEntries(byAgent), byModel: Object.fromEntries(byModel), rows };
}

export function totalOf({ tokens, ms, cost }: Pick<CountedUsage, 'tokens' | 'ms' | 'cost'>): UsageTotal {
  return cost === undefined ? { generations: 1, tokens, ms, unpriced: 1 } : { generations: 1, tokens, ms, cost, unpriced: 0 };
}

/** Both together. A cost that nobody knows adds nothing, and does not become 0. */
export function plus(left: UsageTotal, right: UsageTotal): UsageTotal {
  const cost = left.cost === undefined ? right.cost : right.cost === undefined ? left.cost : left.cost + right.cost;
  return {
    generations: left.generations + right.generations,
    tokens: plusTokens(left.tokens, right.tokens),
    ms: left.ms + right.ms,
    ...(cost !== undefined && { cost }),
    unpriced: left.unpriced + right.unpriced,
  };
}

function plusTokens(left: Usage, right: Usage): Usage {
  const both: Record<string, number> = { ...left };
  for (const [kind, count] of Object.entries(right)) both[kind] = (both[kind] ?? 0) + count;
  return both;
}

/** What a budget in tokens counts: thoughts are among the output's. */
export function countedTokens(tokens: Usage): number {
  let count = 0;
  for (const kind of ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens']) count += tokens[kind] ?? 0;
  return count;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

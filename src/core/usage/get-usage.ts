/** What was used, summed where it is stored (USG-01). */
import { isoTime } from '../clock.js';
import { NotSupportedError, ValidationError } from '../errors.js';
import type { UsageQuery, UsageReport, UsageSum } from '../models/usage.js';
import type { Awaitable } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { requireRoom } from '../rooms/lifecycle.js';
import { reportOf } from './sums.js';

export async function getUsage(parts: KitParts, query: UsageQuery): Promise<UsageReport> {
  const { roomId, agentId } = query;
  if (roomId !== undefined) await requireRoom(parts, roomId);
  const organizationId = parts.options.organizationId ?? query.organizationId;
  const rows = await sumInStore(parts, {
    ...(roomId !== undefined && { roomId }),
    ...(agentId !== undefined && { agentId }),
    ...(organizationId !== undefined && { organizationId }),
    ...(query.from !== undefined && { from: time('from', query.from) }),
    ...(query.to !== undefined && { to: time('to', query.to) }),
  });
  return reportOf(rows);
}

/** Throws NotSupportedError when the store keeps no usage. */
export function sumInStore({ store }: Pick<KitParts, 'store'>, query: UsageQuery): Awaitable<readonly UsageSum[]> {
  if (store.sumUsage !== undefined) return store.sumUsage(query);
  throw new NotSupportedError(`The store '${store.name}' keeps no usage. Use one that has sumUsage(), such as InMemoryStore or SqliteStore.`);
}

function time(name: string, given: string): string {
  const ms = Date.parse(given);
  if (Number.isNaN(ms)) throw new ValidationError(`${name} is ${JSON.stringify(given)}. Give a time such as '2026-01-31T00:00:00Z'.`);
  return isoTime(ms);
}

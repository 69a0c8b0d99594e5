/** Usage in memory: one list per room, in the order of the commits. */
import type { UsageQuery, UsageRecord, UsageSum } from '../../models/usage.js';
import { EMPTY_LIST, ownJson } from '../../models/json.js';
import { sumUsage } from '../../usage/sums.js';

/** The room is the list's. */
type Kept = Omit<UsageRecord, 'roomId' | 'cost'> & { readonly cost: number | undefined };

export class MemoryUsage {
  readonly #byRoom = new Map<string, Kept[]>();

  add(records: readonly UsageRecord[]): void {
    for (const { roomId, turnId, agentId, provider, model, tokens, ms, cost, at } of records) {
      // One small object of one shape: every turn leaves at least one.
      const own: Kept = { turnId, agentId, provider, model, tokens: Object.isFrozen(tokens) ? tokens : ownJson(tokens), ms, cost, at };
      const known = this.#byRoom.get(roomId);
      // A list that begins with an element has room for one; an empty one that grows takes room for seventeen.
      if (known === undefined) this.#byRoom.set(roomId, [own]);
      else known.push(own);
    }
  }

  /** `isOf`: whether a room belongs to the organization that is asked for. */
  sum(query: UsageQuery, isOf: (roomId: string) => boolean): UsageSum[] {
    return sumUsage(this.#matching(query, isOf));
  }

  removeBefore(roomId: string, before: string): void {
    const kept = this.#byRoom.get(roomId)?.filter(({ at }) => at >= before) ?? [];
    if (kept.length > 0) this.#byRoom.set(roomId, kept);
    else this.#byRoom.delete(roomId);
  }

  /** As they were added, room by room. */
  all(): UsageRecord[] {
    const records: UsageRecord[] = [];
    for (const [roomId, kept] of this.#byRoom)
      for (const { cost, ...one } of kept) records.push({ roomId, ...one, ...(cost !== undefined && { cost }) });
    return records;
  }

  deleteRoom(roomId: string): void {
    this.#byRoom.delete(roomId);
  }

  *#matching({ roomId, agentId, from, to }: UsageQuery, isOf: (roomId: string) => boolean): Iterable<Kept> {
    const rooms: Iterable<string> = roomId === undefined ? this.#byRoom.keys() : [roomId];
    for (const id of rooms) {
      if (!isOf(id)) continue;
      for (const record of this.#byRoom.get(id) ?? EMPTY_LIST) {
        if (agentId !== undefined && record.agentId !== agentId) continue;
        if (from !== undefined && record.at < from) continue;
        if (to !== undefined && record.at >= to) continue;
        yield record;
      }
    }
  }
}

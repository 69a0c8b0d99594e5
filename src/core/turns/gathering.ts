/** Waiting for what may follow a message (COL-02): until nothing has come for a while, but not for ever. */
import { isoTime } from '../clock.js';
import type { KitParts } from '../parts.js';
import { MOST_DEBOUNCES } from './collision.js';
import { canShareAnswer, type Backlog, type TurnWork } from './turn-work.js';

export class Gathering {
  constructor(
    private readonly waiting: readonly (TurnWork | Backlog)[],
    private readonly debounceMs: number,
  ) {}

  /** Resolves when it is time to answer. A kit that shuts down waits for nobody. */
  async settled(parts: KitParts): Promise<void> {
    for (;;) {
      const ms = this.#dueIn(parts);
      if (ms <= 0 || parts.draining.aborted) return;
      try {
        await parts.clock.sleep(ms, parts.draining);
      } catch {
        return; // the kit takes no new work
      }
    }
  }

  /** What is answered together, oldest first. */
  group(parts: KitParts): readonly TurnWork[] {
    const now = isoTime(parts.clock.now());
    const works: TurnWork[] = [];
    for (const waiting of this.waiting) {
      if (!('row' in waiting)) break; // what the store still holds comes first
      works.push(waiting);
    }
    const first = works[0];
    if (first === undefined) return [];
    // What is too old ends by itself (TURN-05).
    if (first.row.expiresAt < now) return [first];
    return works.filter(
      (work) =>
        work.collision.policy === 'burst' &&
        work.row.state === 'queued' &&
        work.isGathered !== true &&
        work.row.expiresAt >= now &&
        canShareAnswer(work, first),
    );
  }

  #dueIn(parts: KitParts): number {
    const group = this.group(parts);
    const [first, last] = [group[0], group.at(-1)];
    const now = parts.clock.monotonic();
    if (first === undefined || last === undefined) return 0;
    const [begun, latest] = [first.arrivedAt ?? now, last.arrivedAt ?? now];
    return Math.min(latest + this.debounceMs, begun + MOST_DEBOUNCES * this.debounceMs) - now;
  }
}

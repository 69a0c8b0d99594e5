/** Protocol traces that came before their room (HK-16): held for a while, replayed after the first attach. */
import type { Clock } from '../clock.js';
import type { ProtocolTrace } from '../models/trace.js';

const MAX_PER_ROOM = 100;
const MAX_IN_ALL = 1000;
const KEEP_MS = 60_000;

export class ProtocolTraces {
  readonly #held = new Map<string, { trace: ProtocolTrace; atMs: number }[]>();
  #count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly tell: (roomId: string, trace: ProtocolTrace) => void,
  ) {}

  holds(roomId: string): boolean {
    return this.#held.size > 0 && this.#held.has(roomId);
  }

  hold(roomId: string, trace: ProtocolTrace): void {
    this.#expire();
    const list = this.#held.get(roomId) ?? [];
    if (list.length >= MAX_PER_ROOM || this.#count >= MAX_IN_ALL) return;
    list.push({ trace, atMs: this.clock.now() });
    this.#held.set(roomId, list);
    this.#count++;
  }

  replay(roomId: string): void {
    this.#expire();
    const list = this.#held.get(roomId);
    if (list === undefined) return;
    this.#held.delete(roomId);
    this.#count -= list.length;
    for (const { trace } of list) this.tell(roomId, trace);
  }

  #expire(): void {
    const least = this.clock.now() - KEEP_MS;
    for (const [roomId, list] of this.#held) {
      const kept = list.filter(({ atMs }) => atMs >= least);
      this.#count -= list.length - kept.length;
      if (kept.length > 0) this.#held.set(roomId, kept);
      else this.#held.delete(roomId);
    }
  }
}

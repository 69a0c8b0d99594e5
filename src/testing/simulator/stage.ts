/**
 * Where everything happens: one virtual time, and one queue of what comes next. Between two things promises settle, and
 * nothing else decides what runs when, so that a seed is a run.
 */
import type { Timer } from '../../core/clock.js';

interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** So many things happen in one turn of Node's event loop, each of which takes as long as several of them. */
const TURN_EVERY = 32;

/** The time of a run, and what happens in it. */
export class Stage {
  /** Milliseconds since the run began. */
  now = 0;
  /** How much has happened. */
  steps = 0;
  #order = 0;
  readonly #queue: Happening[] = [];

  /** Something that happens so much later. */
  after(ms: number, run: () => void): Timer {
    const happening: Happening = { at: this.now + Math.max(0, ms), order: this.#order++, run, cancelled: false };
    push(this.#queue, happening);
    return { cancel: () => (happening.cancelled = true) };
  }

  /** Lets things happen until it is so, or until that much time is over. Whether it is so. */
  async until(isSo: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.now + limitMs;
    await settle();
    while (!isSo()) {
      const next = this.#queue[0];
      if (next === undefined || next.at > end) {
        this.now = end;
        return false;
      }
      pop(this.#queue);
      if (next.cancelled) continue;
      this.now = next.at;
      this.steps++;
      next.run();
      await (this.steps % TURN_EVERY === 0 ? turn() : settle());
    }
    return true;
  }
}

/** Until no promise has anything left to do: that is when Node looks at what `nextTick` was given. */
function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** A turn of the event loop, so that Node tells of promises that were refused and nobody listened to. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

// --- a heap, the earliest first ----------------------------------------------------------------------------------------

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Happening[], happening: Happening): void {
  let place = heap.push(happening) - 1;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const other = heap[above];
    if (other === undefined || !isBefore(happening, other)) break;
    heap[place] = other;
    place = above;
  }
  heap[place] = happening;
}

function pop(heap: Happening[]): Happening | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    let other = heap[below];
    if (other === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && isBefore(right, other)) {
      below++;
      other = right;
    }
    if (!isBefore(other, last)) break;
    heap[place] = other;
    place = below;
  }
  heap[place] = last;
  return first;
}

/** The events of one room that a client has, in index order. A reader's list never changes: a change makes a new one. */
import type { WireEvent } from '../channels/index.js';

export class Timeline {
  #events: WireEvent[] = [];
  /** Somebody reads the list: the next change is made to a copy. */
  #isRead = false;
  readonly #indexes = new Map<string, number>();

  constructor(
    /** Everything visible from this index on is here; 0: all there is. */
    public from: number,
  ) {}

  get events(): readonly WireEvent[] {
    this.#isRead = true;
    return this.#events;
  }

  get size(): number {
    return this.#events.length;
  }

  get newest(): WireEvent | undefined {
    return this.#events[this.#events.length - 1];
  }

  indexOf(eventId: string): number | undefined {
    return this.#indexes.get(eventId);
  }

  /** Adds an event, or puts it in the place of what stands at its index. */
  put(event: WireEvent): void {
    const events = this.#own();
    const place = this.#placeOf(event.index);
    const present = events[place];
    if (present === undefined) events.push(event);
    else if (present.index === event.index) {
      this.#indexes.delete(present.id);
      events[place] = event;
    } else events.splice(place, 0, event);
    this.#indexes.set(event.id, event.index);
  }

  /** False when it is not here. */
  remove(eventId: string): boolean {
    const index = this.#indexes.get(eventId);
    if (index === undefined) return false;
    this.#own().splice(this.#placeOf(index), 1);
    return this.#indexes.delete(eventId);
  }

  /** What stands from `from` to below `before` is this now, and nothing else. What did not change stays the same object. */
  replace(from: number, before: number, events: readonly WireEvent[]): void {
    const start = this.#placeOf(from);
    const end = this.#placeOf(before);
    const old = new Map(this.#events.slice(start, end).map((event) => [event.id, event]));
    const kept = events.map((event) => {
      const present = old.get(event.id);
      return present !== undefined && JSON.stringify(present) === JSON.stringify(event) ? present : event;
    });
    if (kept.length === end - start && kept.every((event, offset) => event === this.#events[start + offset])) return;
    this.#own().splice(start, end - start, ...kept);
    for (const id of old.keys()) this.#indexes.delete(id);
    for (const { id, index } of kept) this.#indexes.set(id, index);
  }

  /** Lets go of the oldest, down to so many. */
  trim(most: number): void {
    const gone = this.#own().splice(0, this.#events.length - most);
    for (const { id } of gone) this.#indexes.delete(id);
    this.from = this.#events[0]?.index ?? this.from;
  }

  /** The position of the first event that is not below an index. New events go to the end, which is looked at first. */
  #placeOf(index: number): number {
    const events = this.#events;
    let high = events.length;
    if (high === 0 || (events[high - 1]?.index ?? -1) < index) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((events[middle]?.index ?? 0) < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #own(): WireEvent[] {
    if (this.#isRead) {
      this.#events = this.#events.slice();
      this.#isRead = false;
    }
    return this.#events;
  }
}

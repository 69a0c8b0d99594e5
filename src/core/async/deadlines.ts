/**
 * All time limits of a kit share one timer (bench.md): one list per duration, in which deadlines end in the order they were
 * added, and one armed timer for the earliest head. Adding and cancelling touch no timer.
 */
import type { Clock, Timer } from '../clock.js';

export interface Deadline {
  /** Idempotent; after expiry without effect. */
  cancel(): void;
}

class Entry implements Deadline {
  previous: Entry | undefined;
  next: Entry | undefined;
  active = true;

  constructor(
    readonly list: List,
    readonly at: number,
    readonly onExpire: () => void,
  ) {}

  cancel(): void {
    if (!this.active) return;
    this.active = false;
    this.list.remove(this);
  }
}

class List {
  head: Entry | undefined;
  tail: Entry | undefined;

  append(entry: Entry): void {
    entry.previous = this.tail;
    if (this.tail === undefined) this.head = entry;
    else this.tail.next = entry;
    this.tail = entry;
  }

  remove(entry: Entry): void {
    if (entry.previous === undefined) this.head = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.tail = entry.previous;
    else entry.next.previous = entry.previous;
    // Else one that has grown old would keep all that came after it, and what they hold, from being collected young.
    entry.previous = undefined;
    entry.next = undefined;
  }
}

/** A timer that fires so late was not let run: the process stood still, or its machine slept. */
const LATE_MS = 1000;
/** How long what came meanwhile may take to be heard of, before it is said that nothing came. */
const HEARING_MS = 250;

/** Durations that hardly ever repeat share a slow path: at most this many lists are kept. */
const MAX_LISTS = 64;

export class Deadlines {
  readonly #lists = new Map<number, List>();
  #timer: Timer | undefined;
  #armedFor = Infinity;
  #isHearing = false;
  #closed = false;

  constructor(private readonly clock: Clock) {}

  /** Calls `onExpire` once after `ms`, unless cancelled before. */
  add(ms: number, onExpire: () => void): Deadline {
    const at = this.clock.monotonic() + Math.max(0, ms);
    let list = this.#lists.get(ms);
    if (list === undefined) {
      if (this.#lists.size >= MAX_LISTS) this.#dropEmpty();
      this.#lists.set(ms, (list = new List()));
    }
    const entry = new Entry(list, at, onExpire);
    list.append(entry);
    if (at < this.#armedFor && !this.#closed && !this.#isHearing) this.#arm(at);
    return entry;
  }

  /** Forgets every deadline; none fires any more (KIT-04). */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lists.clear();
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.clock.setTimer(Math.max(0, at - this.clock.monotonic()), () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.clock.monotonic();
    // Timers come before what waits in sockets: an answer that is here already would be taken for one that never came.
    if (!this.#isHearing && now - this.#armedFor > LATE_MS) {
      this.#isHearing = true;
      this.#arm(now + HEARING_MS);
      return;
    }
    this.#isHearing = false;
    this.#armedFor = Infinity;
    let earliest = Infinity;
    for (const list of this.#lists.values()) {
      for (let entry = list.head; entry !== undefined && entry.at <= now; entry = list.head) {
        entry.cancel();
        entry.onExpire();
      }
      if (list.head !== undefined && list.head.at < earliest) earliest = list.head.at;
    }
    if (earliest < this.#armedFor && !this.#closed) this.#arm(earliest);
  }

  #dropEmpty(): void {
    for (const [ms, list] of this.#lists) if (list.head === undefined) this.#lists.delete(ms);
  }
}

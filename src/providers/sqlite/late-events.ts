/**
 * What has been said comes into two indexes many events at a time: that of words, and that of rooms (`places`). Alone, an event would cost each
 * of them a page of the log, and both together as much as all else. Which events wait is known without reading them again.
 */
import type { RoomEvent } from './core.js';
import type { Statements } from './statements.js';
import type { SqliteTextIndex } from './text-index.js';

/** So many events wait at most. */
const EVENTS_AT_ONCE = 1_000;

/** An event that is in no index of late ones yet. */
export interface LateEvent {
  readonly number: number;
  readonly event: RoomEvent;
}

const NONE: readonly LateEvent[] = [];

/** What is known of the waiting ones, in the order of their numbers. */
class Waiting {
  readonly byNumber = new Map<number, RoomEvent>();
  /** The highest index of rooms that somebody has asked for, or that have some here. */
  readonly highest = new Map<string, number>();
  readonly #ofRoom = new Map<string, number[]>();

  add(number: number, event: RoomEvent): void {
    this.byNumber.set(number, event);
    this.highest.set(event.roomId, Math.max(event.index, this.highest.get(event.roomId) ?? -1));
    const others = this.#ofRoom.get(event.roomId);
    if (others === undefined) this.#ofRoom.set(event.roomId, [number]);
    else others.push(number);
  }

  remove(number: number): void {
    const event = this.byNumber.get(number);
    if (event === undefined) return;
    this.byNumber.delete(number);
    this.#ofRoom.set(event.roomId, this.#ofRoom.get(event.roomId)?.filter((other) => other !== number) ?? []);
  }

  of(roomId: string): readonly LateEvent[] {
    const numbers = this.#ofRoom.get(roomId);
    if (numbers === undefined) return NONE;
    return numbers.flatMap((number) => {
      const event = this.byNumber.get(number);
      return event === undefined ? [] : [{ number, event }];
    });
  }
}

export class SqliteLateEvents {
  /** Up to which event the indexes have all, as the running transaction has it; undefined: the disk knows. */
  #upTo: number | undefined;
  /** All events after that; undefined: the disk knows. */
  #waiting: Waiting | undefined;
  /** How often anything has changed here, and up to which change the disk has it. */
  #changes = 0;
  #settled = 0;

  constructor(
    private readonly sql: Statements,
    private readonly texts: SqliteTextIndex,
  ) {}

  /** A mark, for {@link rolledBack}: what comes after it may be taken back. */
  get changes(): number {
    return this.#changes;
  }

  /** The running transaction made it durable. */
  settle(): void {
    this.#settled = this.#changes;
  }

  /** What was changed after the mark is taken back; without one, what is not settled. Where that is anything, only the disk counts from now on. */
  rolledBack(mark = this.#settled): void {
    if (this.#changes === mark) return;
    this.#upTo = undefined;
    this.#waiting = undefined;
  }

  added(number: number, event: RoomEvent): void {
    this.#changes++;
    const upTo = this.#indexedUpTo();
    // The place of one that was removed: it is behind what the indexes have already.
    if (number <= upTo) {
      this.sql.get('INSERT INTO places (room_id, idx, number) VALUES (?, ?, ?)').run(event.roomId, event.index, number);
      this.texts.added(number, event);
      return;
    }
    this.#waiting?.add(number, event);
    if (number - upTo >= EVENTS_AT_ONCE) this.catchUp();
  }

  changed(number: number, before: RoomEvent, after: RoomEvent): void {
    this.#changes++;
    if (number > this.#indexedUpTo()) this.#waiting?.byNumber.set(number, after);
    else this.texts.changed(number, before, after);
  }

  removed(number: number, event: RoomEvent): void {
    this.#changes++;
    this.#waiting?.remove(number);
    if (number > this.#indexedUpTo()) return;
    this.sql.get('DELETE FROM places WHERE room_id = ? AND idx = ?').run(event.roomId, event.index);
    this.texts.removed(number, event);
  }

  /** Those of a room that wait, in its order: they come after all that do not. */
  of(roomId: string): readonly LateEvent[] {
    return this.#known().of(roomId);
  }

  /** The highest index that is taken in a room, whatever its counters say (STO-03); -1 without events. */
  highestOf(roomId: string): number {
    const { highest } = this.#known();
    let known = highest.get(roomId);
    if (known === undefined) {
      const row = this.sql.get('SELECT MAX(idx) AS idx FROM places WHERE room_id = ?').get(roomId) as { idx: number | null };
      highest.set(roomId, (known = Number(row.idx ?? -1)));
    }
    return known;
  }

  all(): ReadonlyMap<number, RoomEvent> {
    return this.#known().byNumber;
  }

  get isBehind(): boolean {
    return this.#known().byNumber.size > 0;
  }

  /** Within a transaction: the indexes have everything. */
  catchUp(): void {
    this.#changes++;
    const upTo = this.#indexedUpTo();
    let last = upTo;
    for (const [number, event] of this.all()) {
      this.texts.added(number, event);
      last = number;
    }
    if (last > upTo) {
      // Room by room, and no more than the words have.
      const places = 'SELECT room_id, idx, number FROM events WHERE number > ? AND number <= ? ORDER BY room_id, idx';
      this.sql.get(`INSERT INTO places (room_id, idx, number) ${places}`).run(upTo, last);
      this.sql.get('UPDATE searched SET up_to = ? WHERE id = 1').run(last);
      this.#upTo = last;
    }
    this.#waiting = new Waiting();
  }

  #known(): Waiting {
    if (this.#waiting !== undefined) return this.#waiting;
    const waiting = new Waiting();
    const rows = this.sql.get('SELECT number, json FROM events WHERE number > ? ORDER BY number').all(this.#indexedUpTo());
    for (const { number, json } of rows as { number: number; json: string }[]) waiting.add(Number(number), JSON.parse(json) as RoomEvent);
    return (this.#waiting = waiting);
  }

  #indexedUpTo(): number {
    if (this.#upTo !== undefined) return this.#upTo;
    const row = this.sql.get('SELECT up_to FROM searched WHERE id = 1').get() as { up_to: number } | undefined;
    return (this.#upTo = Number(row?.up_to ?? 0));
  }
}

/**
 * What has become of deliveries and turns, told to hosts who follow the room, whichever process it happened in (OUT-19). A process
 * says which rooms its hosts follow; nobody tells of rooms that nobody follows. What is lost on the way is read with the next.
 */
import type { Timer } from '../clock.js';
import type { KitParts } from '../parts.js';
import type { RealtimeMessage } from '../realtime/backend.js';
import { EVERY_KIT } from './elsewhere.js';
import type { RoomFollower } from './followers.js';

/** Whose outcome is another now: deliveries of an event, or turns that answer it. */
export type OutcomeKind = 'delivery' | 'turn';

/** Events of one room, by their ids. */
export interface RoomOutcomes {
  readonly deliveries: readonly string[];
  readonly turns: readonly string[];
}

/** Outcomes are told ten times a second at most, so many of one room at once. */
const GATHER_MS = 100;
const MOST_EVENTS = 100;
/** How often a process says what it follows, and how long that holds when it says no more. */
const REPEAT_MS = 10_000;
const HOLDS_MS = 30_000;
/** Rooms in one message, and those that are known of in all. */
const ROOMS_AT_ONCE = 100;
const MOST_ROOMS = 10_000;

export class OutcomeNews {
  /** Hosts of this process, by room. */
  readonly #here = new Map<string, Set<RoomFollower>>();
  /** Rooms that other processes follow: which ones, and until when that holds. */
  readonly #elsewhere = new Map<string, Map<string, number>>();
  readonly #gathered = new Map<string, Record<OutcomeKind, Set<string>>>();
  #gathering: Timer | undefined;
  #repeating: Timer | undefined;
  #isStopped = false;

  constructor(private readonly parts: KitParts) {}

  /** Others may have said what they follow before this process was there. */
  start(): void {
    if (!this.#isStopped) this.#say({ type: 'who_follows' });
  }

  /** A host of this process is told; the answer ends it. */
  follow(roomId: string, follower: RoomFollower): () => void {
    if (follower.outcome === undefined || this.#isStopped) return () => undefined;
    let followers = this.#here.get(roomId);
    if (followers === undefined) {
      this.#here.set(roomId, (followers = new Set()));
      this.#announce([roomId]);
      this.#repeat();
    }
    followers.add(follower);
    return () => {
      if (!followers.delete(follower) || followers.size > 0 || this.#here.get(roomId) !== followers) return;
      this.#here.delete(roomId);
      if (this.#reachesOthers) this.#say({ type: 'followed', ended: [roomId] });
    };
  }

  /** Something came to an end, or is tried again. As long as nobody follows the room this is all that happens. */
  tell(roomId: string, eventId: string, kind: OutcomeKind): void {
    if (this.#here.size === 0 && this.#elsewhere.size === 0) return;
    if (this.#isStopped || !(this.#here.has(roomId) || this.#isFollowedElsewhere(roomId))) return;
    let gathered = this.#gathered.get(roomId);
    if (gathered === undefined) this.#gathered.set(roomId, (gathered = { delivery: new Set(), turn: new Set() }));
    gathered[kind].add(eventId);
    if (gathered[kind].size >= MOST_EVENTS) this.#tellGathered();
    else this.#gathering ??= this.parts.clock.setTimer(GATHER_MS, () => this.#tellGathered());
  }

  /** Another process has told of outcomes. */
  heard(roomId: string, outcomes: RoomOutcomes): void {
    for (const follower of this.#here.get(roomId) ?? []) {
      for (const eventId of outcomes.deliveries) follower.outcome?.(eventId, 'delivery');
      for (const eventId of outcomes.turns) follower.outcome?.(eventId, 'turn');
    }
  }

  /** Another process says what it follows, or asks who follows. */
  hear(message: RealtimeMessage): void {
    const { type, from, roomIds, ended } = message as Readonly<Record<string, unknown>>;
    if (typeof from !== 'string' || from === this.parts.owner || this.#isStopped) return;
    if (type === 'who_follows') return this.#announce([...this.#here.keys()]);
    const until = this.parts.clock.monotonic() + HOLDS_MS;
    for (const roomId of namesOf(roomIds)) {
      const known = this.#elsewhere.get(roomId);
      if (known !== undefined) known.set(from, until);
      else if (this.#hasPlace()) this.#elsewhere.set(roomId, new Map([[from, until]]));
    }
    for (const roomId of namesOf(ended)) {
      const known = this.#elsewhere.get(roomId);
      if (known?.delete(from) === true && known.size === 0) this.#elsewhere.delete(roomId);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#gathering?.cancel();
    this.#repeating?.cancel();
    this.#here.clear();
    this.#elsewhere.clear();
    this.#gathered.clear();
  }

  get #reachesOthers(): boolean {
    const { store, realtime } = this.parts;
    return store.shared === true && realtime.distributed;
  }

  /** Who has said nothing for long is gone. */
  #isFollowedElsewhere(roomId: string): boolean {
    const known = this.#elsewhere.get(roomId);
    if (known === undefined) return false;
    const now = this.parts.clock.monotonic();
    for (const [owner, until] of known) if (until < now) known.delete(owner);
    if (known.size > 0) return true;
    this.#elsewhere.delete(roomId);
    return false;
  }

  #hasPlace(): boolean {
    if (this.#elsewhere.size >= MOST_ROOMS) for (const roomId of [...this.#elsewhere.keys()]) this.#isFollowedElsewhere(roomId);
    return this.#elsewhere.size < MOST_ROOMS;
  }

  #tellGathered(): void {
    this.#gathering?.cancel();
    this.#gathering = undefined;
    const all = [...this.#gathered];
    this.#gathered.clear();
    for (const [roomId, { delivery, turn }] of all) {
      const outcomes = { deliveries: [...delivery], turns: [...turn] };
      this.heard(roomId, outcomes);
      if (this.#isFollowedElsewhere(roomId)) this.parts.wire.outcomes(roomId, outcomes);
    }
  }

  #announce(roomIds: readonly string[]): void {
    if (!this.#reachesOthers) return;
    for (let at = 0; at < roomIds.length; at += ROOMS_AT_ONCE) this.#say({ type: 'followed', roomIds: roomIds.slice(at, at + ROOMS_AT_ONCE) });
  }

  #repeat(): void {
    if (!this.#reachesOthers) return;
    this.#repeating ??= this.parts.clock.setTimer(REPEAT_MS, () => {
      this.#repeating = undefined;
      if (this.#isStopped || this.#here.size === 0) return;
      this.#announce([...this.#here.keys()]);
      this.#repeat();
    });
  }

  #say(message: Readonly<Record<string, unknown>>): void {
    const { realtime, tasks, logger, owner } = this.parts;
    void tasks.run(async () => {
      try {
        await realtime.publish(EVERY_KIT, { ...message, from: owner });
      } catch (error) {
        logger.debug('Other processes could not be told which rooms are followed; it is said again.', { error });
      }
    });
  }
}

function namesOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

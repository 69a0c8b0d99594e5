/**
 * What the process keeps of a room while it is active: its lanes, the plan of who gets what, and the newest events. All of
 * it can be rebuilt from the store; idle rooms are forgotten.
 */
import { withoutStamps } from '../delivery/forms.js';
import { Lane } from '../delivery/lane.js';
import type { Plan } from '../delivery/plan.js';
import type { Awaitable } from '../models/json.js';
import type { RoomEvent } from '../models/event.js';
import type { ConversationStore, RoomState } from '../store/store.js';
import { TurnLane } from '../turns/lane.js';
import { Offers } from './offers.js';

const MAX_ROOMS = 16_384;
const MAX_TAIL = 500;
/** Below that, cutting a tail costs more than what it keeps. */
const MIN_TAIL = 32;

/** The newest events of a room, ascending. */
interface Tail {
  events: RoomEvent[];
  /** The same without stamps, as far as agents have read them; made once per event and not once per turn. */
  plain: (RoomEvent | undefined)[];
  latestIndex: number;
  complete: boolean;
  /** The most that was asked for so far: twice as many are kept at most. */
  asked: number;
}

export class RoomRuntime {
  readonly #lanes = new Map<string, Lane>();
  #turnLanes: Map<string, TurnLane> | undefined;
  readonly #plans = new Map<string, Plan>();
  #lastPlan: Plan | undefined;
  #planState: RoomState['bindings'] | undefined;
  #planVersion = -1;
  #tail: Tail | undefined;
  /** How often stored events were changed. */
  #changes = 0;
  /**
   * Commits that hold this room's lanes and have not filled them yet: until they have, the room is not forgotten, or what
   * comes next would get lanes of its own and overtake them.
   */
  commits = 0;

  /** What it was lately given to choose from. */
  readonly offers: Offers;

  constructor(
    readonly roomId: string,
    /** Whether an earlier process may have left work of this room in the store. */
    private readonly mayHaveBacklog: boolean,
    /** Whether something may have been offered before this was made. */
    mayHaveOffers: boolean,
  ) {
    this.offers = new Offers(mayHaveOffers);
  }

  lane(channelId: string): Lane {
    let lane = this.#lanes.get(channelId);
    if (lane === undefined) this.#lanes.set(channelId, (lane = new Lane(this.mayHaveBacklog)));
    return lane;
  }

  peekLane(channelId: string): Lane | undefined {
    return this.#lanes.get(channelId);
  }

  turnLane(channelId: string): TurnLane {
    const lanes = (this.#turnLanes ??= new Map<string, TurnLane>());
    let lane = lanes.get(channelId);
    if (lane === undefined) lanes.set(channelId, (lane = new TurnLane(this.mayHaveBacklog)));
    return lane;
  }

  get lanes(): ReadonlyMap<string, Lane> {
    return this.#lanes;
  }

  get turnLanes(): ReadonlyMap<string, TurnLane> {
    return this.#turnLanes ?? NO_TURN_LANES;
  }

  get idle(): boolean {
    if (this.commits > 0) return false;
    for (const lane of this.#lanes.values()) if (!lane.idle) return false;
    for (const lane of this.turnLanes.values()) if (!lane.idle) return false;
    return true;
  }

  /** The plan for events of this source and visibility, while bindings and registered channels stay as they are. */
  cachedPlan(bindings: RoomState['bindings'], version: number, sourceId: string, visibility: string): Plan | undefined {
    if (this.#planState !== bindings || this.#planVersion !== version) {
      this.#plans.clear();
      this.#lastPlan = undefined;
      this.#planState = bindings;
      this.#planVersion = version;
      return undefined;
    }
    const last = this.#lastPlan;
    if (last !== undefined && last.sourceId === sourceId && last.visibility === visibility) return last;
    return (this.#lastPlan = this.#plans.get(`${sourceId}|${visibility}`));
  }

  keepPlan(plan: Plan): void {
    if (this.#plans.size >= 256) this.#plans.clear();
    this.#plans.set(`${plan.sourceId}|${plan.visibility}`, plan);
    this.#lastPlan = plan;
  }

  /** Brings the newest events into memory; at once when they are there (INB-04). */
  loadTail(store: ConversationStore, latestIndex: number, size: number): Awaitable<void> {
    const wanted = Math.min(size, MAX_TAIL);
    const tail = this.#tail;
    if (tail !== undefined && tail.asked < wanted) tail.asked = wanted;
    return this.#reaches(latestIndex, wanted) ? undefined : this.#readTail(store, latestIndex, wanted);
  }

  /** The newest `size` events known, ascending. Call after {@link loadTail}. */
  recent(size: number): readonly RoomEvent[] {
    const events = this.#tail?.events ?? [];
    return events.length <= size ? events.slice() : events.slice(events.length - size);
  }

  /** The same as agents see them: without where they were routed (ORC-02). */
  recentWithoutStamps(size: number): RoomEvent[] {
    const tail = this.#tail;
    if (tail === undefined) return [];
    const { events, plain } = tail;
    const from = Math.max(0, events.length - size);
    for (let position = from; position < events.length; position++) {
      const event = events[position];
      if (event !== undefined) plain[position] ??= withoutStamps(event);
    }
    return plain.slice(from) as RoomEvent[]; // all of them are there now
  }

  /** A committed event joins the tail, if there is one. */
  appended(event: RoomEvent): void {
    this.offers.appended(event);
    const tail = this.#tail;
    if (tail === undefined) return;
    if (event.index !== tail.latestIndex + 1) {
      if (event.index > tail.latestIndex) this.#tail = undefined;
      return;
    }
    tail.latestIndex = event.index;
    tail.events.push(event);
    tail.plain.push(undefined);
    const kept = Math.max(tail.asked, MIN_TAIL);
    if (tail.events.length > 2 * kept) {
      tail.events = tail.events.slice(-kept);
      tail.plain = tail.plain.slice(-kept);
      tail.complete = false;
    }
  }

  /** A stored event was changed: history is read again, also by agents. */
  dropTail(): void {
    this.offers.changed();
    this.#changes++;
    this.#tail = undefined;
    for (const lane of this.turnLanes.values()) lane.kept.value = undefined;
  }

  async #readTail(store: ConversationStore, latestIndex: number, size: number): Promise<void> {
    // Nobody waits for another's read, which may hang.
    while (!this.#reaches(latestIndex, size)) {
      const changes = this.#changes;
      const newest = await store.listEvents(this.roomId, { newestFirst: true, limit: size });
      if (changes !== this.#changes) continue; // what was read may be what was there before the change
      const events = newest.slice().reverse();
      const readIndex = Math.max(latestIndex, events.at(-1)?.index ?? -1);
      // Meanwhile somebody may have read more, and commits may have joined it.
      if ((this.#tail?.latestIndex ?? -1) <= readIndex) {
        const plain = events.map(() => undefined);
        const asked = Math.max(size, this.#tail?.asked ?? 0);
        this.#tail = { events, plain, latestIndex: readIndex, complete: events.length < size, asked };
      }
    }
  }

  #reaches(latestIndex: number, size: number): boolean {
    const tail = this.#tail;
    return tail !== undefined && tail.latestIndex >= latestIndex && (tail.complete || tail.events.length >= size);
  }
}

const NO_TURN_LANES: ReadonlyMap<string, TurnLane> = new Map();

/** The active rooms, least recently created first out. */
export class RoomRuntimes {
  readonly #rooms = new Map<string, RoomRuntime>();
  /** Whether a room was forgotten: what it was offered has to be read again. */
  #hasForgotten = false;

  constructor(
    private readonly mayHaveBacklog: boolean,
    /** Whether the store may know of events that this kit has not committed. */
    private readonly hasOthers: boolean,
  ) {}

  get(roomId: string): RoomRuntime {
    let runtime = this.#rooms.get(roomId);
    if (runtime === undefined) {
      if (this.#rooms.size >= MAX_ROOMS) this.#evict();
      this.#rooms.set(roomId, (runtime = new RoomRuntime(roomId, this.mayHaveBacklog, this.hasOthers || this.#hasForgotten)));
    }
    return runtime;
  }

  peek(roomId: string): RoomRuntime | undefined {
    return this.#rooms.get(roomId);
  }

  forget(roomId: string): void {
    if (this.#rooms.get(roomId)?.idle !== true) return;
    this.#rooms.delete(roomId);
    this.#hasForgotten = true;
  }

  all(): Iterable<RoomRuntime> {
    return this.#rooms.values();
  }

  get size(): number {
    return this.#rooms.size;
  }

  /** Forgets the oldest eighth of the rooms that have nothing to do. */
  #evict(): void {
    let left = MAX_ROOMS / 8;
    for (const [roomId, runtime] of this.#rooms) {
      if (!runtime.idle) continue;
      this.#rooms.delete(roomId);
      this.#hasForgotten = true;
      if (--left === 0) return;
    }
  }
}

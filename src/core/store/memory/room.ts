/** One room in memory: its snapshot, its timeline and what hangs on it. Snapshots are replaced, never changed. */
import { ConflictError, FencedError } from '../../errors.js';
import type { ChannelBinding } from '../../models/binding.js';
import type { RoomEvent } from '../../models/event.js';
import { copyJson, EMPTY_LIST, freezeJson } from '../../models/json.js';
import type { Participant } from '../../models/people.js';
import type { Room } from '../../models/room.js';
import type { Observation, Task } from '../../models/task.js';
import { frozenEvent, keyTaken, roomChanged } from '../stored-event.js';
import { erasedKey, isErasedKey } from '../erased-key.js';
import { patchedRoom } from '../room-patch.js';
import type { RoomRecord } from '../records.js';
import type { EventCommit, EventQuery, RoomState } from '../store.js';

/** What few rooms have. */
interface Extras {
  tasks?: Map<string, Task>;
  observations?: Map<string, Observation>;
  markers?: Map<string, number>;
}

/** Never the same twice, also for a room that is made anew under its old id. */
let revisions = 0;

/** Shared by rooms without events; never changed. */
const NO_EVENTS: RoomEvent[] = [];

export class MemoryRoom {
  state: RoomState & { readonly revision: number };
  private timeline: RoomEvent[] = NO_EVENTS;
  /** Set once an event was removed: positions and indexes differ from then on. */
  private hasGaps = false;
  private ids: Map<string, number> | undefined = undefined;
  private keys: Map<string, number> | undefined = undefined;
  /** Whether an event of it stands under the digest of its key. */
  private hasErased = false;
  private fence = -1;
  private extras: Extras | undefined = undefined;

  constructor(room: Room) {
    this.state = frozenState(room, EMPTY_LIST, EMPTY_LIST, ++revisions);
  }

  /** As it was read (STO-20). Its events come one by one. */
  static from({ room, bindings, participants, markers, fence }: RoomRecord): MemoryRoom {
    const own = new MemoryRoom(room);
    for (const binding of bindings) own.putBinding(binding);
    for (const participant of participants) own.putParticipant(participant);
    for (const [channelId, index] of Object.entries(markers)) own.mark(channelId, index);
    own.fence = fence;
    own.hasGaps = true; // positions are indexes only where all events have come
    return own;
  }

  record(): RoomRecord {
    const markers = Object.fromEntries(this.extras?.markers ?? []);
    const { room, bindings, participants } = this.state;
    return { kind: 'room', room, bindings, participants, markers, fence: this.fence };
  }

  /** Puts a stored event where its index belongs. */
  insert(event: RoomEvent): void {
    const at = this.positionAfter(event.index);
    if (this.timeline === NO_EVENTS) this.timeline = [];
    this.timeline.splice(at, 0, event);
    this.hasGaps = true;
    this.ids?.set(event.id, event.index);
    if (event.idempotencyKey !== undefined) (this.keys ??= new Map()).set(event.idempotencyKey, event.index);
  }

  atIndex(index: number): RoomEvent | undefined {
    const event = this.timeline[this.positionAfter(index - 1)];
    return event?.index === index ? event : undefined;
  }

  /** `onlyCounts`: nothing has changed but counters. */
  setRoom(room: Room, onlyCounts = false): void {
    const { bindings, participants, revision } = this.state;
    this.state = frozenState(room, bindings, participants, onlyCounts ? revision : ++revisions);
  }

  checkFence(token: number | undefined): void {
    if (token === undefined) return;
    if (token < this.fence) throw new FencedError(this.state.room.id, token, this.fence);
    this.fence = token;
  }

  checkExpected({ expectedVersion: version, expectedLatestIndex: latestIndex, expectedRevision }: EventCommit): void {
    const { room, revision } = this.state;
    if (expectedRevision !== undefined && revision !== expectedRevision) throw roomChanged(room.id);
    if (version !== undefined && room.version !== version) {
      throw new ConflictError(`Room '${room.id}' has version ${room.version}, not ${version}. Read it again and repeat the call.`);
    }
    if (latestIndex !== undefined && room.latestIndex !== latestIndex) {
      throw new ConflictError(`Room '${room.id}' has events up to ${room.latestIndex}, not ${latestIndex}. Read them and decide again.`);
    }
  }

  /** Gives the event its index, freezes it and moves the counters on. */
  append(commit: EventCommit): RoomEvent {
    const draft = commit.event;
    const { room } = this.state;
    const index = room.latestIndex + 1;
    draft.index = index;
    const event = frozenEvent(draft);
    this.ids?.set(event.id, index);
    if (event.idempotencyKey !== undefined) (this.keys ??= new Map()).set(event.idempotencyKey, index);
    // A list that begins with an element has room for one; an empty one that grows takes room for seventeen.
    if (this.timeline === NO_EVENTS) this.timeline = [event];
    else this.timeline.push(event);
    this.setRoom(patchedRoom(room, commit.roomPatch, index, event.createdAt), commit.roomPatch === undefined);
    return event;
  }

  /** Binding and participant of a commit. */
  applyMembers(commit: EventCommit): void {
    if (commit.binding !== undefined) this.putBinding(commit.binding);
    if (commit.removeBinding !== undefined) this.removeBinding(commit.removeBinding);
    if (commit.participant !== undefined) this.putParticipant(commit.participant);
  }

  binding(channelId: string): ChannelBinding | undefined {
    return this.state.bindings.find((binding) => binding.channelId === channelId);
  }

  putBinding(binding: ChannelBinding): void {
    const own = ownBinding(binding);
    const { bindings } = this.state;
    const at = bindings.findIndex((other) => other.channelId === binding.channelId);
    const changed = at === -1 ? [...bindings, own] : bindings.map((other, position) => (position === at ? own : other));
    this.setMembers({ bindings: changed });
  }

  putParticipant(participant: Participant): void {
    const own = freezeJson(copyJson(participant));
    const { participants } = this.state;
    const at = participants.findIndex((other) => other.id === participant.id);
    const changed = at === -1 ? [...participants, own] : participants.map((other, position) => (position === at ? own : other));
    this.setMembers({ participants: changed });
  }

  removeBinding(channelId: string): void {
    this.setMembers({ bindings: this.state.bindings.filter((binding) => binding.channelId !== channelId) });
  }

  removeParticipant(participantId: string): void {
    this.setMembers({ participants: this.state.participants.filter(({ id }) => id !== participantId) });
  }

  byId(eventId: string): RoomEvent | undefined {
    if (this.ids === undefined) {
      // Most rooms are never asked by id; the newest events are looked at first.
      const from = Math.max(0, this.timeline.length - 8);
      for (let at = this.timeline.length - 1; at >= from; at--) if (this.timeline[at]?.id === eventId) return this.timeline[at];
      this.ids = new Map(this.timeline.map((event) => [event.id, event.index]));
    }
    const index = this.ids.get(eventId);
    return index === undefined ? undefined : this.timeline[this.position(index)];
  }

  byKey(key: string): RoomEvent | undefined {
    const index = this.keys?.get(key) ?? (this.hasErased ? this.keys?.get(erasedKey(key)) : undefined);
    return index === undefined ? undefined : this.timeline[this.position(index)];
  }

  /** The effect of an edit or delete on its target. */
  change(target: NonNullable<EventCommit['target']>): RoomEvent | undefined {
    const event = this.byId(target.eventId);
    if (event === undefined) return undefined;
    return this.replace({
      ...event,
      ...(target.content !== undefined && { content: target.content }),
      metadata: { ...event.metadata, ...target.metadata },
    });
  }

  replace(event: RoomEvent): RoomEvent | undefined {
    const current = this.byId(event.id);
    if (current === undefined) return undefined;
    const key = event.idempotencyKey;
    if (key !== undefined && key !== current.idempotencyKey && this.keys?.has(key) === true) throw keyTaken(current.roomId, key);
    const { deliveryResults: _results, ...fields } = event;
    const changed: RoomEvent = freezeJson(
      copyJson({ ...fields, id: current.id, roomId: current.roomId, index: current.index, createdAt: current.createdAt }),
    );
    this.timeline[this.position(current.index)] = changed;
    if (current.idempotencyKey !== changed.idempotencyKey) {
      if (current.idempotencyKey !== undefined) this.keys?.delete(current.idempotencyKey);
      if (changed.idempotencyKey !== undefined) {
        (this.keys ??= new Map()).set(changed.idempotencyKey, changed.index);
        if (isErasedKey(changed.idempotencyKey)) this.hasErased = true;
      }
    }
    return changed;
  }

  /** Removes an event and, when told so, everything that answers it, to any depth. */
  remove(eventId: string, withReplies: boolean): RoomEvent[] {
    const first = this.byId(eventId);
    if (first === undefined) return [];
    const gone = new Set([first.id]);
    if (withReplies) {
      // Replies come after what they answer, so one pass in order finds all of them.
      for (const event of this.timeline) if (event.parentEventId !== undefined && gone.has(event.parentEventId)) gone.add(event.id);
    }
    const removed = this.timeline.filter((event) => gone.has(event.id));
    this.timeline = this.timeline.filter((event) => !gone.has(event.id));
    this.hasGaps = true;
    for (const event of removed) {
      this.ids?.delete(event.id);
      if (event.idempotencyKey !== undefined) this.keys?.delete(event.idempotencyKey);
    }
    const { room } = this.state;
    this.setRoom({ ...room, eventCount: this.timeline.length, version: room.version + 1 }, true);
    return removed;
  }

  list(query: EventQuery): readonly RoomEvent[] {
    const from = query.afterIndex === undefined ? 0 : this.positionAfter(query.afterIndex);
    const to = query.beforeIndex === undefined ? this.timeline.length : this.positionAfter(query.beforeIndex - 1);
    const offset = query.offset ?? 0;
    const { limit, visibility } = query;
    if (visibility !== undefined) {
      const matching = this.timeline.slice(from, to).filter((event) => event.visibility === visibility);
      if (query.newestFirst === true) matching.reverse();
      return matching.slice(offset, limit === undefined ? undefined : offset + limit);
    }
    if (query.newestFirst === true) {
      const end = Math.max(from, to - offset);
      return this.timeline.slice(limit === undefined ? from : Math.max(from, end - limit), end).reverse();
    }
    const begin = Math.min(to, from + offset);
    return this.timeline.slice(begin, limit === undefined ? to : Math.min(to, begin + limit));
  }

  count(afterIndex: number | undefined): number {
    return afterIndex === undefined ? this.timeline.length : this.timeline.length - this.positionAfter(afterIndex);
  }

  events(): readonly RoomEvent[] {
    return this.timeline;
  }

  // --- tasks, observations, markers ----------------------------------------------------------------------------------

  putTask(task: Task): void {
    const extras = (this.extras ??= {});
    (extras.tasks ??= new Map()).set(task.id, copyJson(task));
  }

  task(taskId: string): Task | undefined {
    return copyJson(this.extras?.tasks?.get(taskId));
  }

  listTasks(query: { status?: Task['status'] } = {}): Task[] {
    const tasks = [...(this.extras?.tasks?.values() ?? [])];
    return copyJson(query.status === undefined ? tasks : tasks.filter((task) => task.status === query.status));
  }

  forgetTask(taskId: string): void {
    this.extras?.tasks?.delete(taskId);
  }

  hasObservation(id: string): boolean {
    return this.extras?.observations?.has(id) === true;
  }

  forgetObservation(id: string): void {
    this.extras?.observations?.delete(id);
  }

  addObservation(observation: Observation): void {
    const extras = (this.extras ??= {});
    (extras.observations ??= new Map()).set(observation.id, copyJson(observation));
  }

  listObservations(): Observation[] {
    return copyJson([...(this.extras?.observations?.values() ?? [])]);
  }

  mark(channelId: string, index: number): void {
    const extras = (this.extras ??= {});
    const markers = (extras.markers ??= new Map<string, number>());
    if (index > (markers.get(channelId) ?? -1)) markers.set(channelId, index);
  }

  marker(channelId: string): number | undefined {
    return this.extras?.markers?.get(channelId);
  }

  private setMembers(members: { bindings?: readonly ChannelBinding[]; participants?: readonly Participant[] }): void {
    const { room, bindings, participants } = this.state;
    this.state = frozenState(room, Object.freeze(members.bindings ?? bindings), Object.freeze(members.participants ?? participants), ++revisions);
  }

  private position(index: number): number {
    if (!this.hasGaps) return index;
    const at = this.positionAfter(index - 1);
    return this.timeline[at]?.index === index ? at : -1;
  }

  /** Position of the first event with an index above `index`. */
  private positionAfter(index: number): number {
    if (!this.hasGaps) return Math.min(Math.max(0, index + 1), this.timeline.length);
    let low = 0;
    let high = this.timeline.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.timeline[middle]?.index ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Given to whoever asks, so nobody may change it (STO-06). */
function frozenState(
  room: Room,
  bindings: readonly ChannelBinding[],
  participants: readonly Participant[],
  revision: number,
): RoomState & { readonly revision: number } {
  return Object.freeze({ room: Object.freeze(room), bindings, participants, revision });
}

/** Frozen, and shared with its channel's capabilities: ten thousand rooms of one channel hold them once. */
function ownBinding(binding: ChannelBinding): ChannelBinding {
  const { capabilities, metadata, rateLimit, retryPolicy, collision } = binding;
  if (Object.isFrozen(binding) && [capabilities, metadata, rateLimit, retryPolicy, collision].every(Object.isFrozen)) return binding;
  return Object.freeze({
    ...binding,
    capabilities: Object.isFrozen(capabilities) ? capabilities : freezeJson(copyJson(capabilities)),
    metadata: freezeJson(copyJson(metadata)),
    ...(rateLimit !== undefined && { rateLimit: freezeJson(copyJson(rateLimit)) }),
    ...(retryPolicy !== undefined && { retryPolicy: freezeJson(copyJson(retryPolicy)) }),
    ...(collision !== undefined && { collision: freezeJson(copyJson(collision)) }),
  });
}

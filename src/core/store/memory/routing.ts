/** Indexes by which the router finds a room in constant time (RTR-01), and events by key and vendor's id. */
import type { ChannelBinding } from '../../models/binding.js';
import type { RoomEvent } from '../../models/event.js';
import { EMPTY_LIST } from '../../models/json.js';
import type { Participant } from '../../models/people.js';
import type { Room } from '../../models/room.js';
import type { ChannelType } from '../../models/vocabulary.js';
import type { RoomState, RouteCandidate, RouteCandidates, RouteQuery } from '../store.js';
import { erasedKey, isErasedKey } from '../erased-key.js';
import { EventPlaces, type EventPlace } from './event-places.js';

interface ChannelRooms {
  /** Room → the address its binding names. */
  readonly all: Map<string, string | undefined>;
  /** Active and paused rooms: closed ones pile up and are not looked at. */
  readonly open: Set<string>;
}

const NONE: readonly never[] = EMPTY_LIST;

export class RoutingIndex {
  readonly #channels = new Map<string, ChannelRooms>();
  /** Channel → address → rooms. */
  readonly #addresses = new Map<string, Map<string, Set<string>>>();
  /** Channel type (empty: any) → participant's id or external id → rooms. */
  readonly #participants = new Map<string, Map<string, Set<string>>>();
  readonly #keys = new EventPlaces();
  readonly #externals = new EventPlaces();
  /** Whether an event anywhere stands under the digest of its key. */
  #hasErased = false;

  constructor(private readonly roomOf: (roomId: string) => Room | undefined) {}

  /** Takes in what has changed of a room; `undefined` after it is gone. */
  update(before: RoomState, after: RoomState | undefined): void {
    const bindings = after?.bindings ?? NONE;
    const participants = after?.participants ?? NONE;
    const routesChanged = before.bindings !== bindings && this.#rebind(before, bindings, after !== undefined && isOpen(after.room));
    if (routesChanged || before.participants !== participants) this.#rejoin(before, participants, bindings, routesChanged);
    if (after !== undefined && isOpen(before.room) !== isOpen(after.room)) this.#reopen(after);
  }

  keep(event: RoomEvent): void {
    const key = event.idempotencyKey;
    if (key !== undefined) {
      this.#keys.add(event.source.channelId, key, event);
      if (!this.#hasErased && isErasedKey(key)) this.#hasErased = true;
    }
    if (event.source.externalId !== undefined) this.#externals.add(event.source.channelId, event.source.externalId, event);
  }

  forget(event: RoomEvent): void {
    if (event.idempotencyKey !== undefined) this.#keys.remove(event.source.channelId, event.idempotencyKey, event.id);
    if (event.source.externalId !== undefined) this.#externals.remove(event.source.channelId, event.source.externalId, event.id);
  }

  keyed(channelId: string, key: string, test?: (place: EventPlace) => boolean): EventPlace | undefined {
    return this.#keys.newest(channelId, key, test) ?? (this.#hasErased ? this.#keys.newest(channelId, erasedKey(key), test) : undefined);
  }

  external(channelId: string, externalId: string): EventPlace | undefined {
    return this.#externals.newest(channelId, externalId);
  }

  roomsOfChannel(channelId: string): string[] {
    return [...(this.#channels.get(channelId)?.all.keys() ?? NONE)];
  }

  roomsOfParticipant(participantId: string, channelType: ChannelType | undefined): string[] {
    return [...(this.#participants.get(channelType ?? '')?.get(participantId) ?? NONE)];
  }

  find(query: RouteQuery): RouteCandidates {
    if (query.idempotencyKey !== undefined) {
      const place = this.keyed(query.channelId, query.idempotencyKey, ({ roomId }) => belongs(this.roomOf(roomId), query));
      if (place !== undefined) return { keyed: place.roomId, addressed: NONE, participating: NONE, bound: NONE };
    }
    const addressed = this.#newest(this.#addresses.get(query.channelId)?.get(query.address), query);
    if (addressed.length > 0) return { addressed, participating: NONE, bound: NONE };
    const participating = this.#newest(this.#participants.get(query.channelType)?.get(query.senderId), query);
    if (participating.length > 0) return { addressed, participating, bound: NONE };
    return { addressed, participating, bound: this.#bound(query) };
  }

  #bound(query: RouteQuery): RouteCandidates['bound'] {
    const rooms = this.#channels.get(query.channelId);
    if (rooms === undefined) return NONE;
    const found: RouteCandidates['bound'][number][] = [];
    for (const roomId of rooms.open) {
      const room = this.roomOf(roomId);
      if (room === undefined || !belongs(room, query)) continue;
      const address = rooms.all.get(roomId);
      found.push({ roomId, createdAt: room.createdAt, ...(address !== undefined && { address }) });
      if (found.length === 2) break;
    }
    return found;
  }

  #newest(rooms: ReadonlySet<string> | undefined, query: RouteQuery): readonly RouteCandidate[] {
    if (rooms === undefined) return NONE;
    const found: RouteCandidate[] = [];
    for (const roomId of rooms) {
      const room = this.roomOf(roomId);
      if (room !== undefined && isOpen(room) && belongs(room, query)) found.push({ roomId, createdAt: room.createdAt });
    }
    if (found.length > 1) found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
    return found.slice(0, 2);
  }

  /** Answers whether somebody may now be reached through another type of channel. */
  #rebind(before: RoomState, bindings: readonly ChannelBinding[], isRoomOpen: boolean): boolean {
    const one = theOneAdded(before.bindings, bindings);
    if (one !== undefined) {
      this.#bind(one, isRoomOpen);
      return true;
    }
    const stay = new Set(bindings);
    const gone = before.bindings.filter((binding) => !stay.has(binding));
    for (const binding of gone) this.#unbind(binding);
    const known = new Set(before.bindings);
    const added = bindings.filter((binding) => !known.has(binding));
    for (const binding of added) this.#bind(binding, isRoomOpen);
    const typesOf = (list: readonly ChannelBinding[]): string => list.map(({ channelId, channelType }) => `${channelId} ${channelType}`).join('\n');
    return typesOf(gone) !== typesOf(added);
  }

  #bind(binding: ChannelBinding, isRoomOpen: boolean): void {
    let rooms = this.#channels.get(binding.channelId);
    if (rooms === undefined) this.#channels.set(binding.channelId, (rooms = { all: new Map(), open: new Set() }));
    rooms.all.set(binding.roomId, binding.address);
    if (isRoomOpen) rooms.open.add(binding.roomId);
    if (binding.address !== undefined) addTo(this.#addresses, binding.channelId, binding.address, binding.roomId);
  }

  #unbind(binding: ChannelBinding): void {
    const rooms = this.#channels.get(binding.channelId);
    rooms?.all.delete(binding.roomId);
    rooms?.open.delete(binding.roomId);
    if (rooms?.all.size === 0) this.#channels.delete(binding.channelId);
    if (binding.address !== undefined) removeFrom(this.#addresses, binding.channelId, binding.address, binding.roomId);
  }

  /** A participant is found by id and by the address it came from, through each channel type it is reached by. */
  #rejoin(before: RoomState, participants: readonly Participant[], bindings: readonly ChannelBinding[], routesChanged: boolean): void {
    if (before.participants.length === 0 && participants.length === 0) return;
    const stay = new Set(participants);
    const gone = routesChanged ? before.participants : before.participants.filter((participant) => !stay.has(participant));
    for (const participant of gone)
      for (const type of participantTypes(participant, before.bindings))
        for (const name of participantNames(participant)) removeFrom(this.#participants, type, name, participant.roomId);
    // Two people of a room may share a name: after one has left, all who are there join again.
    const known = new Set(gone.length > 0 ? [] : before.participants);
    for (const participant of participants) {
      if (known.has(participant)) continue;
      for (const type of participantTypes(participant, bindings))
        for (const name of participantNames(participant)) addTo(this.#participants, type, name, participant.roomId);
    }
  }

  #reopen(state: RoomState): void {
    for (const { channelId, roomId } of state.bindings) {
      const rooms = this.#channels.get(channelId);
      if (isOpen(state.room)) rooms?.open.add(roomId);
      else rooms?.open.delete(roomId);
    }
  }
}

/** The common change: one more binding behind those that were there. */
function theOneAdded(before: readonly ChannelBinding[], after: readonly ChannelBinding[]): ChannelBinding | undefined {
  if (after.length !== before.length + 1) return undefined;
  for (let position = 0; position < before.length; position++) if (before[position] !== after[position]) return undefined;
  return after[before.length];
}

function isOpen(room: Room): boolean {
  return room.status === 'active' || room.status === 'paused';
}

function belongs(room: Room | undefined, query: RouteQuery): boolean {
  return room !== undefined && (query.organizationId === undefined || room.organizationId === query.organizationId);
}

function participantNames(participant: Participant): string[] {
  return participant.externalId === undefined ? [participant.id] : [participant.id, participant.externalId];
}

function participantTypes(participant: Participant, bindings: readonly ChannelBinding[]): string[] {
  const types = bindings
    .filter((binding) => binding.channelId === participant.channelId || participant.connectedVia.includes(binding.channelId))
    .map((binding) => binding.channelType);
  return ['', ...types];
}

function addTo(map: Map<string, Map<string, Set<string>>>, outer: string, inner: string, value: string): void {
  let sets = map.get(outer);
  if (sets === undefined) map.set(outer, (sets = new Map<string, Set<string>>()));
  const set = sets.get(inner);
  if (set === undefined) sets.set(inner, new Set([value]));
  else set.add(value);
}

function removeFrom(map: Map<string, Map<string, Set<string>>>, outer: string, inner: string, value: string): void {
  const sets = map.get(outer);
  const set = sets?.get(inner);
  set?.delete(value);
  if (set?.size === 0) sets?.delete(inner);
  if (sets?.size === 0) map.delete(outer);
}

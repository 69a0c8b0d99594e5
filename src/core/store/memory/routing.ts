/** Indexes by which the router finds a room in constant time (RTR-01), and events by key and vendor's id. */
import type { ChannelBinding } from '../../models/binding.js';
import type { RoomEvent } from '../../models/event.js';
import type { Participant } from '../../models/people.js';
import type { Room } from '../../models/room.js';
import type { ChannelType } from '../../models/vocabulary.js';
import type { RouteCandidate, RouteCandidates, RouteQuery } from '../store.js';

interface EventPlace {
  readonly roomId: string;
  readonly eventId: string;
}

const NONE: readonly never[] = [];
const SEPARATOR = '\u0000';

export class RoutingIndex {
  /** Channel → room → the address its binding names. */
  readonly #channels = new Map<string, Map<string, string | undefined>>();
  /** Channel → address → rooms. */
  readonly #addresses = new Map<string, Map<string, Set<string>>>();
  /** Channel type (empty: any) → participant's id or external id → rooms. */
  readonly #participants = new Map<string, Map<string, Set<string>>>();
  readonly #keys = new Map<string, EventPlace>();
  readonly #externals = new Map<string, EventPlace>();

  constructor(private readonly roomOf: (roomId: string) => Room | undefined) {}

  rebind(before: ChannelBinding | undefined, after: ChannelBinding | undefined): void {
    if (before !== undefined) this.unbind(before);
    if (after === undefined) return;
    let rooms = this.#channels.get(after.channelId);
    if (rooms === undefined) this.#channels.set(after.channelId, (rooms = new Map<string, string | undefined>()));
    rooms.set(after.roomId, after.address);
    if (after.address !== undefined) addTo(this.#addresses, after.channelId, after.address, after.roomId);
  }

  unbind(binding: ChannelBinding): void {
    const rooms = this.#channels.get(binding.channelId);
    rooms?.delete(binding.roomId);
    if (rooms?.size === 0) this.#channels.delete(binding.channelId);
    if (binding.address !== undefined) removeFrom(this.#addresses, binding.channelId, binding.address, binding.roomId);
  }

  /** A participant is found by id and by the address it came from, through each channel type it is reached by. */
  join(participant: Participant, bindings: readonly ChannelBinding[]): void {
    for (const type of participantTypes(participant, bindings))
      for (const name of participantNames(participant)) addTo(this.#participants, type, name, participant.roomId);
  }

  leave(participant: Participant): void {
    for (const type of [...this.#participants.keys()])
      for (const name of participantNames(participant)) removeFrom(this.#participants, type, name, participant.roomId);
  }

  keep(event: RoomEvent): void {
    this.#keys.set(event.source.channelId + SEPARATOR + (event.idempotencyKey ?? ''), { roomId: event.roomId, eventId: event.id });
  }

  keepExternal(event: RoomEvent): void {
    this.#externals.set(event.source.channelId + SEPARATOR + (event.source.externalId ?? ''), { roomId: event.roomId, eventId: event.id });
  }

  keyed(channelId: string, key: string): EventPlace | undefined {
    return this.#keys.get(channelId + SEPARATOR + key);
  }

  external(channelId: string, externalId: string): EventPlace | undefined {
    return this.#externals.get(channelId + SEPARATOR + externalId);
  }

  forgetKeys(events: readonly RoomEvent[]): void {
    for (const event of events) {
      if (event.idempotencyKey !== undefined) forget(this.#keys, event.source.channelId + SEPARATOR + event.idempotencyKey, event.id);
      if (event.source.externalId !== undefined) forget(this.#externals, event.source.channelId + SEPARATOR + event.source.externalId, event.id);
    }
  }

  roomsOfChannel(channelId: string): string[] {
    return [...(this.#channels.get(channelId)?.keys() ?? NONE)];
  }

  roomsOfParticipant(participantId: string, channelType: ChannelType | undefined): string[] {
    return [...(this.#participants.get(channelType ?? '')?.get(participantId) ?? NONE)];
  }

  find(query: RouteQuery): RouteCandidates {
    if (query.idempotencyKey !== undefined) {
      const place = this.keyed(query.channelId, query.idempotencyKey);
      if (place !== undefined && this.#belongs(place.roomId, query))
        return { keyed: place.roomId, addressed: NONE, participating: NONE, bound: NONE };
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
    for (const [roomId, address] of rooms) {
      const room = this.#open(roomId, query);
      if (room === undefined) continue;
      found.push(address === undefined ? { roomId, createdAt: room.createdAt } : { roomId, createdAt: room.createdAt, address });
      if (found.length === 2) break;
    }
    return found;
  }

  #newest(rooms: ReadonlySet<string> | undefined, query: RouteQuery): readonly RouteCandidate[] {
    if (rooms === undefined) return NONE;
    const found: RouteCandidate[] = [];
    for (const roomId of rooms) {
      const room = this.#open(roomId, query);
      if (room !== undefined) found.push({ roomId, createdAt: room.createdAt });
    }
    if (found.length > 1) found.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
    return found.slice(0, 2);
  }

  #open(roomId: string, query: RouteQuery): Room | undefined {
    const room = this.roomOf(roomId);
    if (room === undefined || (room.status !== 'active' && room.status !== 'paused')) return undefined;
    return query.organizationId === undefined || room.organizationId === query.organizationId ? room : undefined;
  }

  #belongs(roomId: string, query: RouteQuery): boolean {
    const room = this.roomOf(roomId);
    return room !== undefined && (query.organizationId === undefined || room.organizationId === query.organizationId);
  }
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

function forget(map: Map<string, EventPlace>, key: string, eventId: string): void {
  if (map.get(key)?.eventId === eventId) map.delete(key);
}

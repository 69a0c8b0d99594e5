/** What one room holds of a person, before anything of it is changed (ERA-02). */
import type { ChannelBinding } from '../models/binding.js';
import type { RoomEvent } from '../models/event.js';
import type { Participant } from '../models/people.js';
import { extractText } from '../rooms/visible-text.js';
import type { RoomState } from '../store/store.js';
import { ERASED, marksOf, type Marks } from './marks.js';
import type { Person } from './person.js';
import { isTombstone } from './tombstone.js';

/** A message this long that comes again is a quote; a shorter one may be anybody's. */
const SHORTEST_QUOTE = 20;
/** Who is no outsider: the room is theirs, or they answer in it. */
const INSIDERS: readonly string[] = ['owner', 'agent', 'bot'];

export class RoomSurvey {
  readonly marks: Marks;
  readonly participants: readonly Participant[];
  readonly bindings: readonly ChannelBinding[];
  /** Events of the person, those included that are tombstones already. */
  readonly ownIds = new Set<string>();
  /** What the person said, by event: for answers that quote it. */
  readonly texts = new Map<string, string>();
  readonly #quotes = new Set<string>();
  readonly #participantIds: ReadonlySet<string>;
  readonly #ownChannels: ReadonlySet<string>;
  readonly #insiders: ReadonlySet<string>;
  #hasOthers: boolean;
  #hasWritten: boolean;

  /** `before`: what an earlier look has found goes with it. */
  constructor(person: Person, state: RoomState, before?: RoomSurvey) {
    this.#hasWritten = before?.isTheirs === true;
    for (const id of before?.ownIds ?? []) this.ownIds.add(id);
    for (const [id, text] of before?.texts ?? []) this.texts.set(id, text);
    for (const quote of before?.marks.quotes ?? []) this.#quotes.add(quote);
    const isOwn = (one: Participant): boolean =>
      one.identityId === undefined
        ? person.addresses.has(one.id) || person.identityIds.has(one.id) || (one.externalId !== undefined && person.addresses.has(one.externalId))
        : person.identityIds.has(one.identityId) || person.identityIds.has(one.id);
    this.participants = state.participants.filter(isOwn);
    const ids = this.participants.flatMap(({ id, externalId }) => (externalId === undefined ? [id] : [id, externalId]));
    this.#participantIds = new Set([...person.identityIds, ...person.addresses, ...ids]);
    const isKnown = (address: string | undefined): boolean => address !== undefined && this.#participantIds.has(address);
    this.bindings = state.bindings.filter(({ address, participantId }) => isKnown(address) || isKnown(participantId));
    this.#ownChannels = new Set(this.bindings.filter(reachesOne).map(({ channelId }) => channelId));
    const others = state.participants.filter((one) => !this.participants.includes(one));
    this.#insiders = new Set(others.filter(({ role }) => INSIDERS.includes(role)).map(({ id }) => id));
    this.#hasOthers = others.some(({ role }) => !INSIDERS.includes(role));
    const names = this.participants.flatMap(({ displayName }) => (displayName === undefined ? [] : [displayName]));
    this.marks = { ...marksOf(person, { ids, names }), quotes: this.#quotes };
  }

  /** Takes in an event of the room, in order. */
  take(event: RoomEvent): void {
    if (this.isOwn(event)) {
      this.ownIds.add(event.id);
      if (!isTombstone(event)) this.#hasWritten = true;
      const text = extractText(event.content);
      if (text === '') return;
      this.texts.set(event.id, text);
      if (text.length >= SHORTEST_QUOTE) this.#quotes.add(text);
      return;
    }
    const { participantId, channelType, direction } = event.source;
    if (direction !== 'inbound' || channelType === 'system' || channelType === 'ai') return;
    if (participantId !== undefined && participantId !== ERASED && !this.#insiders.has(participantId)) this.#hasOthers = true;
  }

  /** Whether the person wrote it, or it changes what they wrote. */
  isOwn(event: RoomEvent): boolean {
    const { participantId, channelType, channelId, direction } = event.source;
    if (isTombstone(event)) return participantId === ERASED;
    if (channelType === 'ai' || channelType === 'system') return false;
    const { content } = event;
    if ((content.type === 'edit' || content.type === 'delete') && this.ownIds.has(content.targetEventId)) return true;
    if (participantId !== undefined) return this.#participantIds.has(participantId);
    return direction === 'inbound' && this.#ownChannels.has(channelId);
  }

  /** Whether all that was said here was said to them, or by them (ERA-04). */
  get isAlone(): boolean {
    return !this.#hasOthers && this.isTheirs;
  }

  /** Whether they take part, or wrote here. */
  get isTheirs(): boolean {
    return this.participants.length > 0 || this.#hasWritten;
  }

  /** Bindings that reach the person and nobody else. */
  get ownBindings(): readonly ChannelBinding[] {
    return this.bindings.filter(reachesOne);
  }
}

/** A socket is everybody's in the room; what goes to an address goes to one. */
function reachesOne({ channelType, category, address }: ChannelBinding): boolean {
  return address !== undefined && category === 'transport' && channelType !== 'websocket';
}

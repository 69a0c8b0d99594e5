/** Where events with a key or a vendor's id are, per channel. Nearly always there is one. */
import type { RoomEvent } from '../../models/event.js';

export interface EventPlace {
  readonly roomId: string;
  readonly eventId: string;
}

export class EventPlaces {
  /** Channel and name → a place, or several in the order they came: keys are unique in a room only. */
  readonly #places = new Map<string, EventPlace | EventPlace[]>();

  add(channelId: string, name: string, event: RoomEvent): void {
    const key = keyOf(channelId, name);
    const place: EventPlace = { roomId: event.roomId, eventId: event.id };
    const known = this.#places.get(key);
    if (known === undefined) this.#places.set(key, place);
    else if (Array.isArray(known)) known.push(place);
    else this.#places.set(key, [known, place]);
  }

  remove(channelId: string, name: string, eventId: string): void {
    const key = keyOf(channelId, name);
    const left = [this.#places.get(key) ?? []].flat().filter((place) => place.eventId !== eventId);
    if (left.length > 0) this.#places.set(key, left);
    else this.#places.delete(key);
  }

  /** The newest one that passes the test. */
  newest(channelId: string, name: string, test?: (place: EventPlace) => boolean): EventPlace | undefined {
    const known = this.#places.get(keyOf(channelId, name));
    if (known === undefined) return undefined;
    if (Array.isArray(known)) return test === undefined ? known.at(-1) : known.findLast(test);
    return test === undefined || test(known) ? known : undefined;
  }
}

function keyOf(channelId: string, name: string): string {
  return `${channelId}\u0000${name}`;
}

/**
 * What a room was lately given to choose from, for those who answer with a number or a label (§3.1). Rooms in which nobody
 * offers anything keep nothing, and nothing is read for them, unless an earlier process may have offered it.
 */
import type { EventContent } from '../models/content.js';
import type { RoomEvent } from '../models/event.js';
import type { Awaitable } from '../models/json.js';
import type { ConversationStore } from '../store/store.js';

/** How many entries a choice stays in sight; those that nobody sees are among them. */
const WINDOW_EVENTS = 50;

export class Offers {
  /** From the oldest choice in sight on, ascending. */
  #events: RoomEvent[] = [];
  #isKnown: boolean;
  /** The newest event that was seen; undefined before the first. */
  #upTo: number | undefined;
  /** What came while somebody reads. */
  readonly #readers = new Set<RoomEvent[]>();

  constructor(mayHaveEarlier: boolean) {
    this.#isKnown = !mayHaveEarlier;
  }

  appended(event: RoomEvent): void {
    for (const reader of this.#readers) reader.push(event);
    if (!this.#isKnown) return;
    if (this.#upTo !== undefined && event.index > this.#upTo + 1) return this.changed();
    this.#upTo = event.index;
    if (this.#events.length > 0 || hasChoices(event.content)) {
      this.#events.push(event);
      if (this.#events.length > 2 * WINDOW_EVENTS) this.#events = inSight(this.#events);
    }
  }

  /** A stored event was changed: what is kept may not be so any more. */
  changed(): void {
    if (this.#isKnown && this.#upTo !== undefined && this.#events.length === 0 && this.#readers.size === 0) return;
    this.#isKnown = false;
    this.#events = [];
    // Who reads now may have read what was there before.
    this.#readers.clear();
  }

  /** The newest events of the room, if there is a choice among them; else nothing. At once when nothing has to be read. */
  among(store: ConversationStore, roomId: string, latestIndex: number): Awaitable<readonly RoomEvent[]> {
    if (!this.#isKnown || (this.#upTo !== undefined && latestIndex > this.#upTo)) return this.#read(store, roomId);
    this.#upTo ??= latestIndex;
    return this.#events.length === 0 ? this.#events : inSight(this.#events);
  }

  async #read(store: ConversationStore, roomId: string): Promise<readonly RoomEvent[]> {
    const meanwhile: RoomEvent[] = [];
    this.#readers.add(meanwhile);
    try {
      const newest = await store.listEvents(roomId, { newestFirst: true, limit: WINDOW_EVENTS });
      const stored = newest.slice().reverse();
      const last = stored.at(-1)?.index ?? -1;
      const events = [...stored, ...meanwhile.filter(({ index }) => index > last)];
      // Unless something was changed meanwhile, this is what there is; the next one need not read again.
      if (this.#readers.has(meanwhile)) {
        this.#isKnown = true;
        this.#upTo = events.at(-1)?.index ?? -1;
        this.#events = inSight(events);
      }
      return inSight(events);
    } finally {
      this.#readers.delete(meanwhile);
    }
  }
}

/** Without what lies before the oldest choice, and without what is too old. */
function inSight(events: readonly RoomEvent[]): RoomEvent[] {
  const newest = events.slice(-WINDOW_EVENTS);
  const first = newest.findIndex(({ content }) => hasChoices(content));
  return first === -1 ? [] : newest.slice(first);
}

function hasChoices(content: EventContent): boolean {
  switch (content.type) {
    case 'rich':
      return (content.buttons?.length ?? 0) + (content.quickReplies?.length ?? 0) + (content.cards?.length ?? 0) > 0;
    case 'composite':
      return content.parts.some(hasChoices);
    case 'edit':
      return hasChoices(content.newContent);
    default:
      return false;
  }
}

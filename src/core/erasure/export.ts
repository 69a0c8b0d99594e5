/** What is kept of a person, as one value that can be handed to them (ERA-12). */
import type { RoomEvent } from '../models/event.js';
import { copyJson } from '../models/json.js';
import type { Identity, IdentityMerge, Participant } from '../models/people.js';
import type { KitParts } from '../parts.js';
import { erasable, findPerson, type PersonQuery } from './person.js';
import { roomsOf } from './search.js';
import { RoomSurvey } from './survey.js';
import { isTombstone } from './tombstone.js';

/** A person's data. JSON-safe, and a copy. */
export interface PersonExport {
  /** Absent for somebody without an identity. */
  readonly identity?: Identity;
  /** What was merged into it. */
  readonly merges: readonly IdentityMerge[];
  readonly rooms: readonly PersonRoomExport[];
}

/** What one room holds of the person, and nothing of others. */
export interface PersonRoomExport {
  readonly roomId: string;
  readonly createdAt: string;
  readonly participants: readonly Participant[];
  /** What they wrote, in order; with the vendor's payloads. */
  readonly events: readonly RoomEvent[];
}

const PAGE = 200;

export async function exportPerson(parts: KitParts, query: PersonQuery): Promise<PersonExport> {
  const own = erasable(parts, 'nothing can be exported from it');
  const { store } = own;
  const person = await findPerson(parts, query);
  if (person === null) return { merges: [], rooms: [] };
  const rooms: PersonRoomExport[] = [];
  for (const roomId of await roomsOf(own, person)) {
    const state = await store.loadRoom(roomId);
    if (state === null) continue;
    const survey = new RoomSurvey(person, state);
    const events: RoomEvent[] = [];
    for (let afterIndex = -1; ;) {
      const page = await store.listEvents(roomId, { afterIndex, limit: PAGE });
      for (const event of page) {
        survey.take(event);
        if (survey.isOwn(event) && !isTombstone(event)) events.push(event);
        afterIndex = event.index;
      }
      if (page.length < PAGE) break;
    }
    const participants = survey.participants.map(({ candidates: _others, ...participant }) => participant);
    if (participants.length + events.length > 0) rooms.push(copyJson({ roomId, createdAt: state.room.createdAt, participants, events }));
  }
  const { identity } = person;
  const merges = identity === null ? [] : await store.listMerges(identity.id);
  return { ...(identity !== null && { identity: copyJson(identity) }), merges: copyJson(merges), rooms };
}

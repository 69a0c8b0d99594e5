/** Takes a person out of one room, in batches under its lock (ERA-02…ERA-07). */
import type { SystemContent } from '../models/content.js';
import type { RoomEvent } from '../models/event.js';
import type { Metadata } from '../models/json.js';
import { idsOf } from '../media/media-records.js';
import { commitSystem } from '../pipeline/commit.js';
import { tellChanged } from '../pipeline/edit-delete.js';
import type { Section } from '../pipeline/section.js';
import { inRoom } from '../rooms/lifecycle.js';
import type { RewrittenRecord } from '../store/records.js';
import type { RoomState } from '../store/store.js';
import { eraseMembers, eraseMetadata, eraseWork } from './around-events.js';
import { ERASED, ERASED_WORDS, isMarked, scrubbed } from './marks.js';
import type { ErasureParts, Person } from './person.js';
import type { EraseOptions, ErasureReport } from './report.js';
import { RoomSurvey } from './survey.js';
import { isTombstone, tombstone } from './tombstone.js';

const BATCH = 200;

/** Adds to the report what it has done. Answers whether the room shall go as a whole. */
export async function eraseInRoom(
  parts: ErasureParts,
  roomId: string,
  person: Person,
  options: EraseOptions,
  report: ErasureReport,
): Promise<'changed' | 'untouched' | 'to_be_deleted'> {
  const state = await parts.store.loadRoom(roomId);
  if (state === null) return 'untouched';
  const survey = new RoomSurvey(person, state);
  const upTo = await look(parts, roomId, survey, -1);
  if (survey.isAlone && options.whereAlone === 'room') return 'to_be_deleted';
  const erasesAll = survey.isAlone && options.whereAlone !== 'own';
  // What others wrote comes first: who goes on after a crash still knows the words that are looked for in it. What the person
  // wrote, and the participant, come last: by them the room is found.
  let hasChanged = await walk(parts, roomId, upTo, (event) => changeOfOthers(event, survey, erasesAll), report);
  hasChanged = (await inRoom(parts, roomId, (section, now) => eraseAround(parts, section, now, survey, erasesAll, report))) || hasChanged;
  hasChanged = (await walk(parts, roomId, upTo, (event) => changeOfOwn(event, survey, erasesAll), report)) || hasChanged;
  return inRoom(parts, roomId, async (section, now) => {
    const latest = new RoomSurvey(person, now, survey); // with whoever has joined, and what was said meanwhile
    await look(parts, roomId, latest, upTo);
    const rest = await parts.store.listEvents(roomId, { afterIndex: upTo });
    const isLate = (event: RoomEvent): RoomEvent => changeOfOwn(changeOfOthers(event, latest, erasesAll), latest, erasesAll);
    hasChanged = (await eraseAround(parts, section, now, latest, erasesAll, report)) || hasChanged;
    hasChanged = (await change(parts, section, now, rest, isLate, report)) || hasChanged;
    hasChanged = (await eraseMembers(parts, section, now, latest, report)) || hasChanged;
    if (!hasChanged) return 'untouched';
    // Other processes read the room anew once it has grown (ERA-09).
    await commitSystem(parts, section, { code: 'person_erased', body: 'What was known of a person was erased.' });
    parts.rooms.peek(roomId)?.dropTail();
    return 'changed';
  });
}

async function eraseAround(
  parts: ErasureParts,
  section: Section,
  state: RoomState,
  survey: RoomSurvey,
  erasesAll: boolean,
  report: ErasureReport,
): Promise<boolean> {
  const hasWorked = await eraseWork(parts, section, survey, erasesAll, report);
  return (await eraseMetadata(parts, section, state, survey, erasesAll)) || hasWorked;
}

/** Takes in every event behind an index; answers the newest one's. */
async function look(parts: ErasureParts, roomId: string, survey: RoomSurvey, afterIndex: number): Promise<number> {
  for (let last = afterIndex; ;) {
    const page = await parts.store.listEvents(roomId, { afterIndex: last, limit: BATCH });
    for (const event of page) {
      survey.take(event);
      last = event.index;
    }
    if (page.length < BATCH) return last;
  }
}

/** Batch by batch, each under the lock: between two of them others have their turn. */
async function walk(
  parts: ErasureParts,
  roomId: string,
  upTo: number,
  changed: (event: RoomEvent) => RoomEvent,
  report: ErasureReport,
): Promise<boolean> {
  let hasChanged = false;
  for (let last = -1; last < upTo;) {
    const seen = await inRoom(parts, roomId, async (section, state) => {
      const page = await parts.store.listEvents(roomId, { afterIndex: last, beforeIndex: upTo + 1, limit: BATCH });
      hasChanged = (await change(parts, section, state, page, changed, report)) || hasChanged;
      return page.at(-1)?.index;
    });
    if (seen === undefined) break;
    last = seen;
  }
  return hasChanged;
}

async function change(
  parts: ErasureParts,
  section: Section,
  state: RoomState,
  events: readonly RoomEvent[],
  changed: (event: RoomEvent) => RoomEvent,
  report: ErasureReport,
): Promise<boolean> {
  const pairs = events.map((before) => ({ before, after: changed(before) })).filter(({ before, after }) => after !== before);
  if (pairs.length === 0) return false;
  const gone = pairs.filter(({ after }) => isTombstone(after));
  await parts.store.changeRecords({
    roomId: section.roomId,
    ...section.writeOptions,
    put: pairs.map(({ after }): RewrittenRecord => ({ kind: 'event', event: after })),
    remove: gone.map(({ after }) => ({ kind: 'outcome', id: after.id })),
  });
  report.events += gone.length;
  report.mentions += pairs.length - gone.length;
  const media = gone.flatMap(({ before }) => idsOf(before));
  report.media += media.length;
  parts.media?.remove(media);
  for (const { after } of gone) parts.traces.forget(after.id);
  parts.rooms.peek(section.roomId)?.dropTail();
  for (const { after } of gone) tellChanged(parts, section, Object.freeze(after), 'deleted', state);
  return true;
}

/** A message of the person; where they are alone, everybody's. */
function changeOfOwn(event: RoomEvent, survey: RoomSurvey, erasesAll: boolean): RoomEvent {
  if (isTombstone(event)) return event;
  if (survey.isOwn(event)) return tombstone(event, ERASED);
  if (!erasesAll || event.source.channelType === 'system') return event;
  return tombstone(event, event.source.participantId);
}

/** What is known to be the person's in what others wrote (ERA-04). */
function changeOfOthers(event: RoomEvent, survey: RoomSurvey, erasesAll: boolean): RoomEvent {
  const { channelType } = event.source;
  if (isTombstone(event) || survey.isOwn(event) || (erasesAll && channelType !== 'system')) return event;
  const { id: _id, roomId: _roomId, index: _index, createdAt: _createdAt, idempotencyKey, content, ...rest } = event;
  const { marks } = survey;
  const quoted = event.parentEventId === undefined ? undefined : survey.texts.get(event.parentEventId);
  const around = quoted === undefined ? rest : { ...rest, source: { ...rest.source, rawPayload: {} } };
  const isOfKit = channelType === 'system' || channelType === 'ai';
  const isNotice = content.type === 'system' && survey.isTheirs;
  const left = scrubbed(withoutQuote(isNotice ? { ...around, metadata: withoutWords(around.metadata, erasesAll) } : around, quoted), marks, {
    names: isOfKit,
  });
  const said = scrubbed(withoutQuote(isNotice ? noticeWithoutWords(content, erasesAll) : content, quoted), marks, { names: isOfKit });
  const key = idempotencyKey !== undefined && isMarked(idempotencyKey, marks) ? tombstone(event, undefined).idempotencyKey : idempotencyKey;
  const isSame = left === rest && said === content && key === idempotencyKey;
  if (isSame || JSON.stringify([left, said, key]) === JSON.stringify([rest, content, idempotencyKey])) return event;
  return { ...event, ...left, content: said, ...(key !== undefined && { idempotencyKey: key }) };
}

/** What models and people say of a change, in their own words: why, and what was before. Where all of it is about one person, nothing is left. */
function withoutWords(data: Metadata, erasesAll: boolean): Metadata {
  const { reason, summary, ...rest } = data;
  if (erasesAll) return Object.fromEntries(Object.entries(rest).filter(([, value]) => typeof value !== 'string' || /^[a-z0-9_.-]*$/.test(value)));
  return reason === undefined && summary === undefined ? data : rest;
}

function noticeWithoutWords(content: SystemContent, erasesAll: boolean): SystemContent {
  const { body, code, data } = content;
  return {
    ...content,
    // Bodies are for people, and codes say the same; those of channels name nobody.
    ...(erasesAll && code !== undefined && !/^(?:channel|room|person)_/.test(code) && { body: ERASED_WORDS }),
    ...(body !== '' && data !== undefined && { data: withoutWords(data, erasesAll) }),
  };
}

/** Answers repeat what they answer: the message above, in whole. */
function withoutQuote<T>(value: T, quoted: string | undefined): T {
  if (quoted === undefined || quoted.length < 4) return value;
  const cut = (one: unknown): unknown => {
    if (typeof one === 'string') return one.includes(quoted) ? one.replaceAll(quoted, ERASED_WORDS) : one;
    if (Array.isArray(one)) return one.map(cut);
    if (one === null || typeof one !== 'object') return one;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, cut(inner)]));
  };
  return cut(value) as T; // texts become texts, and everything else keeps its shape
}

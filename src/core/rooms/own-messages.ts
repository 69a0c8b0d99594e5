/** What a channel asks about messages that came or went over itself: their ids at the vendor, and which one an event answers. */
import type { Answering, Channel } from '../channel.js';
import type { RoomEvent } from '../models/event.js';
import { EMPTY_LIST } from '../models/json.js';
import type { KitParts } from '../parts.js';

const PAGE = 50;
/** How far back a message of the channel is looked for. */
const MAX_PAGES = 4;

/** The vendor's id of a message that came or went over this channel. */
export async function messageIdOf(parts: KitParts, channelId: string, roomId: string, eventId: string): Promise<string | undefined> {
  const event = await parts.store.getEvent(roomId, eventId);
  if (event === null) return undefined;
  if (event.source.channelId === channelId) return event.source.providerMessageId ?? event.source.externalId;
  const [row] = await parts.store.listRows({ roomId, channelId, eventId, limit: 1 });
  return row?.providerMessageId;
}

/** The vendor's ids of all messages that an event became on this channel; none where one of them has none. */
export async function messageIdsOf(parts: KitParts, channelId: string, roomId: string, eventId: string): Promise<readonly string[]> {
  const [row] = await parts.store.listRows({ roomId, channelId, eventId, limit: 1 });
  const ofParts = row?.partMessageIds ?? EMPTY_LIST;
  if (ofParts.length > 0) return ofParts.includes('') ? EMPTY_LIST : ofParts;
  const id = await messageIdOf(parts, channelId, roomId, eventId);
  return id === undefined ? EMPTY_LIST : [id];
}

/** An edit has made more or fewer messages of an event (TRC-06). */
export async function noteMessageIds(
  parts: KitParts,
  channelId: string,
  roomId: string,
  eventId: string,
  messageIds: readonly string[],
): Promise<void> {
  const [row] = await parts.store.listRows({ roomId, channelId, eventId, limit: 1 });
  if (row !== undefined) await parts.store.updateRow(row.id, { partMessageIds: messageIds });
}

/** The event of this room that the vendor knows by this id, because it came or went over the channel. */
export async function eventIdOf(
  parts: KitParts,
  { channelId, providerName }: Pick<Channel, 'channelId' | 'providerName'>,
  roomId: string,
  externalId: string,
): Promise<string | undefined> {
  const came = await parts.store.getEventByExternalId(channelId, externalId);
  if (came !== null) return came.roomId === roomId ? came.id : undefined;
  const row = providerName === undefined ? null : await parts.store.findRowByProviderMessage(providerName, externalId);
  return row !== null && row.roomId === roomId && row.channelId === channelId ? row.eventId : undefined;
}

/** The event's parent where it came over this channel, else the channel's newest message before it, if it is not long ago. */
export async function answeredBy(parts: KitParts, channelId: string, event: Answering): Promise<RoomEvent | undefined> {
  if (event.parentEventId !== undefined) {
    const parent = await parts.store.getEvent(event.roomId, event.parentEventId);
    if (parent !== null && isMessageOf(channelId, parent)) return parent;
  }
  let beforeIndex = event.index;
  for (let page = 0; page < MAX_PAGES && beforeIndex !== 0; page++) {
    const events = await parts.store.listEvents(event.roomId, { ...(beforeIndex !== undefined && { beforeIndex }), newestFirst: true, limit: PAGE });
    const found = events.find((earlier) => isMessageOf(channelId, earlier));
    if (found !== undefined) return found;
    if (events.length < PAGE) return undefined;
    beforeIndex = events.at(-1)?.index ?? 0;
  }
  return undefined;
}

function isMessageOf(channelId: string, { type, status, source }: RoomEvent): boolean {
  return source.channelId === channelId && type === 'message' && status !== 'blocked';
}

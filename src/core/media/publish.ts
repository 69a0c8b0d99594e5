/** A link that a vendor can fetch, for media it is to be given by its address (PV-05). */
import type { RoomEvent } from '../models/event.js';
import type { KitParts } from '../parts.js';
import type { FileContent } from './content-media.js';
import { fromDataUrl, isDataUrl } from './data-url.js';
import { GRACE_MS, type MediaKeeper } from './media-keeper.js';
import { recordsOf } from './media-records.js';
import type { MediaStore } from './media-store.js';

/**
 * The stored file's link, anew: of media that came in by a link only its own vendor opens, once it is stored. `data:` urls are
 * stored for this, and an ordinary link is what it is.
 */
export async function publishMedia(parts: KitParts, keeper: MediaKeeper, content: FileContent, event: RoomEvent): Promise<string> {
  const { url } = content;
  if (isDataUrl(url)) return published(keeper, content, event);
  await keeper.settled(event.id);
  const now = (await parts.store.getEvent(event.roomId, event.id)) ?? event;
  const record = recordsOf(now).find((candidate) => candidate.id !== undefined && (candidate.original_url === url || candidate.url === url));
  if (record?.id !== undefined) return link(keeper.store, record.id, record.url ?? url);
  return url;
}

/** Event → `data:` url → its link: a delivery is tried several times, and several channels send one event. */
const links = new WeakMap<RoomEvent, Map<string, { readonly link: Promise<string>; readonly until: number }>>();

function published(keeper: MediaKeeper, content: FileContent, event: RoomEvent): Promise<string> {
  const now = keeper.now();
  const ofEvent = links.get(event) ?? new Map<string, { readonly link: Promise<string>; readonly until: number }>();
  links.set(event, ofEvent);
  const before = ofEvent.get(content.url);
  if (before !== undefined && before.until > now) return before.link;
  const made = put(keeper, content, event);
  ofEvent.set(content.url, { link: made, until: now + GRACE_MS / 2 });
  made.catch(() => ofEvent.delete(content.url));
  return made;
}

async function put(keeper: MediaKeeper, content: FileContent, { id: eventId, roomId }: RoomEvent): Promise<string> {
  const { data, mimeType } = fromDataUrl(content.url);
  const filename = content.type === 'media' ? content.filename : undefined;
  const info = {
    mimeType: content.mimeType ?? mimeType,
    ...(filename !== undefined && { filename }),
    roomId,
    eventId,
    keepUntil: keeper.keepUntil(),
  };
  const kept = await keeper.store.put(data, info);
  return link(keeper.store, kept.id, kept.url);
}

async function link(store: MediaStore, id: string, url: string): Promise<string> {
  return store.link === undefined ? url : store.link(id, { seconds: GRACE_MS / 1000 });
}

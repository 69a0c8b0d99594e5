/** Files by addresses that a vendor can open, where the kit has a media store (PV-05). */
import type { ChannelServices } from '../core/channel.js';
import { filesIn, withStoredFiles } from '../core/media/content-media.js';
import type { EventContent } from '../core/models/content.js';
import type { RoomEvent } from '../core/models/event.js';

/**
 * The content as it can be sent: a file that only another vendor opens by the link of the stored one, and, for vendors that
 * fetch all files themselves, the bytes of a `data:` url by a link as well. The same object when nothing has to be done.
 */
export async function withReachableMedia(
  content: EventContent,
  event: RoomEvent,
  publish: NonNullable<ChannelServices['publishMedia']>,
  fetchesMedia: boolean,
): Promise<EventContent> {
  const links = new Map<string, string>();
  for (const file of filesIn(content)) {
    if (fetchesMedia || !/^data:/i.test(file.url)) links.set(file.url, await publish(file, event));
  }
  return withStoredFiles(content, (url) => {
    const link = links.get(url);
    return link === undefined || link === url ? undefined : { url: link };
  });
}

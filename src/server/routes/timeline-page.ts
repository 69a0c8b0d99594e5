/** A page of a timeline that is bounded in bytes as well as in events: a thousand large ones would be a gigabyte. */
import type { WireEvent } from '../../channels/index.js';
import type { Room, RoomEvent, RoomKit, TimelineQuery } from '../../core/index.js';
import type { Answer } from './route.js';

/** JSON of the events of one page, in bytes; a single event may be larger. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;
/** Read from the store at once: what a page turns out not to have room for was read in vain. */
const READ_AT_ONCE = 100;

/**
 * Reads until the limit, the end, or the bound in bytes is reached, whichever is first; in the last case the answer says
 * where to go on. What follows an event that was read but left out is read again by the next page.
 */
export async function readPage(
  kit: Pick<RoomKit, 'getTimeline'>,
  { id, latestIndex }: Pick<Room, 'id' | 'latestIndex'>,
  query: TimelineQuery & { readonly limit: number },
  show: (events: readonly RoomEvent[]) => readonly WireEvent[],
): Promise<Answer> {
  const events: WireEvent[] = [];
  const texts: string[] = [];
  let bytes = 0;
  let rest: TimelineQuery = query;
  while (events.length < query.limit) {
    const limit = Math.min(READ_AT_ONCE, query.limit - events.length);
    const found = await kit.getTimeline(id, { ...rest, limit });
    for (const event of show(found)) {
      const text = JSON.stringify(event);
      bytes += encoder.encode(text).byteLength;
      const last = events.at(-1);
      if (bytes > MAX_PAGE_BYTES && last !== undefined) return answer(events, texts, latestIndex, goOn(query, last.index));
      events.push(event);
      texts.push(text);
    }
    const last = found.at(-1);
    if (last === undefined || found.length < limit) break;
    rest = { ...query, ...(query.newestFirst === true ? { beforeIndex: last.index } : { afterIndex: last.index }) };
  }
  return answer(events, texts, latestIndex, {});
}

function goOn({ newestFirst }: TimelineQuery, index: number): { readonly nextBeforeIndex?: number; readonly nextAfterIndex?: number } {
  return newestFirst === true ? { nextBeforeIndex: index } : { nextAfterIndex: index };
}

/** The events were written as JSON to be weighed: they are not written twice. */
function answer(events: readonly WireEvent[], texts: readonly string[], latestIndex: number, next: object): Answer {
  const more = { latestIndex, ...next };
  return { status: 200, body: { events, ...more }, text: `{"events":[${texts.join(',')}],${JSON.stringify(more).slice(1)}` };
}

const encoder = new TextEncoder();

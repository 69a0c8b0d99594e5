/** Stored files by their signed links (§14.1). Who has a link may fetch that file: browsers and vendors show no other credential. */
import { z } from 'zod';
import type { MediaInfo, StoredMedia } from '../../core/index.js';
import { Refusal } from '../problem.js';
import { route, type Route } from './route.js';

/** What browsers show or play without running anything of it; all else is a file to be saved. */
const INLINE = /^(image\/(?!svg)|audio\/|video\/)[\w.+-]+$/;

/** Longest time a browser keeps a file: one that is deleted here is gone there as well, soon. */
const MAX_AGE_SECONDS = 300;

/** Beside the table: not part of the API, and there only where the kit has a media store. */
export const mediaRoute: Route = route({
  id: 'getMedia',
  method: 'get',
  path: '/media/{mediaId}',
  tag: 'media',
  scope: 'open',
  summary: 'Fetch a stored file by its signed link.',
  query: z.object({ expires: z.string().max(64).default(''), signature: z.string().max(256).default('') }),
  answers: { 200: { description: 'The file.' }, 206: { description: 'The part of it that was asked for.' } },
  refusals: ['media_link_invalid', 'media_link_expired', 'media_not_found'],
  async handle({ parts: { kit }, params, query, header, isHead }) {
    const media = await kit.mediaStore?.openLink?.({ id: params.mediaId, ...query });
    if (media === undefined) throw new Refusal('media_not_found', 'This server keeps no media.');
    const range = rangeOf(header('range'), media.sizeBytes);
    const headers = headersOf(media);
    if (range !== undefined) headers['content-range'] = `bytes ${range.first}-${range.last}/${String(media.sizeBytes)}`;
    const length = range === undefined ? media.sizeBytes : range.last - range.first + 1;
    if (length !== undefined) headers['content-length'] = String(length);
    const body = isHead === true ? null : streamOf(range === undefined ? media.data : sliced(media.data, range.first, range.last));
    return new Response(body, { status: range === undefined ? 200 : 206, headers });
  },
});

function headersOf({ info, secondsLeft = MAX_AGE_SECONDS }: StoredMedia): Record<string, string> {
  return {
    'content-type': info.mimeType,
    'content-disposition': dispositionOf(info),
    // Whatever it is and however it is opened: nothing in it runs, and nothing is loaded by it.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'; sandbox",
    'x-content-type-options': 'nosniff',
    // Pages elsewhere show it, too: the link says who may.
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': `private, max-age=${Math.min(secondsLeft, MAX_AGE_SECONDS)}`,
    'accept-ranges': 'bytes',
  };
}

function dispositionOf({ mimeType, filename }: MediaInfo): string {
  const kind = INLINE.test(mimeType) ? 'inline' : 'attachment';
  if (filename === undefined) return kind;
  const ascii = filename.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(filename).replace(/['()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16)}`)}`;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One range that lies within the file; anything else is answered with all of it, as the standard allows. */
function rangeOf(header: string | undefined, size: number | undefined): Range | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || size === undefined || (from === '' && to === '')) return undefined;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first <= last ? { first, last } : undefined;
}

async function* sliced(data: AsyncIterable<Uint8Array>, first: number, last: number): AsyncGenerator<Uint8Array, void> {
  let at = 0;
  for await (const piece of data) {
    const part = piece.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
    at += piece.byteLength;
    if (part.byteLength > 0) yield part;
    if (at > last) return;
  }
}

/** Read as it is asked for; let go when nobody asks any more. */
function streamOf(data: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const pieces = data[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await pieces.return?.();
    },
  });
}

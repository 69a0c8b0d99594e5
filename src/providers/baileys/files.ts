/** The bytes of a file that is to be sent: out of its `data:` url, or fetched by its address (PV-05, PV-14). */
import { RoomKitError } from '../../core/errors.js';
import { fromDataUrl, isDataUrl } from '../../core/media/data-url.js';
import type { FetchedMedia, MediaFetch } from '../../core/media/media-store.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { OutboundMedia } from '../../channels/outbound-text.js';
import { MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import type { HeldMedia } from './held-media.js';

/** What files are read with. */
export interface FileFrame {
  readonly fetch: MediaFetch;
  readonly held: HeldMedia;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** The bytes, or why there are none. */
export async function bytesOf(file: OutboundMedia, frame: FileFrame): Promise<{ readonly bytes: Uint8Array } | { readonly failure: ProviderResult }> {
  try {
    const bytes = await gathered(await opened(file, frame), frame.maxBytes);
    return bytes.byteLength === 0 ? { failure: MEDIA_NOT_SUPPORTED } : { bytes };
  } catch (error) {
    if (!(error instanceof RoomKitError)) throw error;
    return { failure: { success: false, error: error.code, retryable: error.retryable, metadata: { message: error.message } } };
  }
}

async function opened({ url, mimeType }: OutboundMedia, { fetch, held, signal }: FileFrame): Promise<FetchedMedia> {
  if (isDataUrl(url)) return fromDataUrl(url);
  if (!held.isNamed(url)) return fetch(url, { signal, mimeType });
  const file = held.fetch(url);
  if (file !== undefined) return file;
  throw new RoomKitError('media_unavailable', 'A file of WhatsApp is not kept any more. Give the kit a mediaStore: it keeps what people send.');
}

async function gathered({ data }: FetchedMedia, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of data) {
    size += piece.byteLength;
    if (size > maxBytes)
      throw new RoomKitError('media_too_large', `A file to be sent has more than ${maxBytes} bytes. Raise maxMediaBytes, or send its link.`);
    pieces.push(piece);
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : new Uint8Array(Buffer.concat(pieces));
}

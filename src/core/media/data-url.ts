/** A file that stands in its own address. */
import { RoomKitError } from '../errors.js';
import type { FetchedMedia } from './media-store.js';

export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url);
}

/** The bytes of a `data:` url. Throws `media_unavailable` when there are none to be read. */
export function fromDataUrl(url: string): FetchedMedia {
  const [, type = '', base64, body = ''] = /^data:([^,]*?)(;base64)?,(.*)$/is.exec(url) ?? [];
  let bytes: Uint8Array;
  try {
    if (!url.includes(',')) throw new Error('no comma');
    const text = decodeURIComponent(body);
    bytes = base64 === undefined ? new TextEncoder().encode(text) : Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  } catch (error) {
    throw new RoomKitError('media_unavailable', 'A data: url of a message cannot be read. Give data:TYPE;base64,… with whole bytes.', {
      cause: error,
    });
  }
  const mimeType = /^[\w.+-]+\/[\w.+-]+/.exec(type)?.[0].toLowerCase() ?? 'text/plain';
  return { data: once(bytes), mimeType, sizeBytes: bytes.byteLength };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}

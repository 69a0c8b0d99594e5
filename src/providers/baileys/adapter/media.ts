/**
 * Files of messages. They lie encrypted on WhatsApp's servers, at an address that the sender of the message has written: it is held to
 * WhatsApp's own hosts, fetched under guard (PV-14), and opened only when it is what was sealed with the key in the message.
 */
import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { RoomKitError } from '../../../core/errors.js';
import type { MediaFetch } from '../../../core/media/media-store.js';
import type { WhatsAppFileMessage } from '../driver.js';
import { fieldsOf } from '../../_shared/http/reading.js';
import type { BaileysModule } from './library.js';
import type { MediaHandle } from './read-content.js';

const HOST = 'mmg.whatsapp.net';
const MAC_BYTES = 10;
/** What encryption adds at most. */
const OVERHEAD_BYTES = MAC_BYTES + 16;

export async function downloadMedia(
  { handle }: WhatsAppFileMessage,
  { getMediaKeys, fetch, maxBytes, signal }: Pick<BaileysModule, 'getMediaKeys'> & { fetch: MediaFetch; maxBytes: number; signal: AbortSignal },
): Promise<Uint8Array> {
  const { mediaType, mediaKey, directPath, url } = fieldsOf(handle) as unknown as MediaHandle; // made by readContent
  const address = addressOf(directPath, url);
  if (address === undefined || !(mediaKey instanceof Uint8Array)) throw unavailable('its message names no place at WhatsApp');
  const sealed = await gathered(await fetch(address, { signal }), maxBytes + OVERHEAD_BYTES);
  const { iv, cipherKey, macKey } = await getMediaKeys(mediaKey, mediaType);
  const bytes = macKey === undefined ? undefined : opened(sealed, iv, cipherKey, macKey);
  if (bytes === undefined) throw unavailable('it is not what the message says it is');
  return bytes;
}

/** Where the file lies, whatever host the sender has named. */
function addressOf(directPath: unknown, url: unknown): string | undefined {
  const named = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  const path = typeof directPath === 'string' && directPath !== '' ? directPath : named === undefined ? '' : `${named.pathname}${named.search}`;
  if (!/^\/[^/\\\s]/.test(path)) return undefined;
  const whole = new URL(path, `https://${HOST}`);
  return whole.host === HOST ? whole.href : undefined;
}

/** AES-256-CBC, with the first ten bytes of an HMAC-SHA256 behind it. */
function opened(sealed: Uint8Array, iv: Uint8Array, cipherKey: Uint8Array, macKey: Uint8Array): Uint8Array | undefined {
  if (sealed.byteLength <= MAC_BYTES) return undefined;
  const [body, mac] = [sealed.subarray(0, -MAC_BYTES), sealed.subarray(-MAC_BYTES)];
  const expected = createHmac('sha256', macKey).update(iv).update(body).digest().subarray(0, MAC_BYTES);
  if (!timingSafeEqual(expected, mac)) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-cbc', cipherKey, iv);
    return new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]));
  } catch {
    return undefined;
  }
}

async function gathered({ data }: Awaited<ReturnType<MediaFetch>>, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of data) {
    size += piece.byteLength;
    if (size > maxBytes) throw new RoomKitError('media_too_large', `A file of WhatsApp has more than ${maxBytes} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function unavailable(why: string): RoomKitError {
  return new RoomKitError('media_unavailable', `A file of WhatsApp cannot be read: ${why}.`);
}

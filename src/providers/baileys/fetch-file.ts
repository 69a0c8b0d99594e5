/** Fetches the file of a message, or says why there is none (WP-04). Never rejects: the message is worth more than its file. */
import type { Clock } from '../../core/clock.js';
import { RoomKitError } from '../../core/errors.js';
import type { WhatsAppPersonalDriver, WhatsAppPersonalMessage } from './driver.js';
import { fileOf, type FetchedFile } from './inbound.js';

export interface FileLimits {
  readonly driver: Pick<WhatsAppPersonalDriver, 'download'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly maxMediaBytes: number;
  readonly mediaTimeoutSeconds: number;
}

export async function fetchFile({ said }: WhatsAppPersonalMessage, limits: FileLimits): Promise<FetchedFile | undefined> {
  const file = fileOf(said);
  if (file === undefined) return undefined;
  const { driver, clock, maxMediaBytes: maxBytes, mediaTimeoutSeconds } = limits;
  if ((file.sizeBytes ?? 0) > maxBytes) return { missing: 'too_large' };
  const over = new AbortController();
  const patience = clock.sleep(mediaTimeoutSeconds * 1000, over.signal).then(() => undefined);
  patience.catch(() => undefined); // it came in time
  try {
    const signal = AbortSignal.any([limits.signal, over.signal]);
    const bytes = await Promise.race([driver.download(file, { maxBytes, signal }), patience]);
    if (bytes === undefined) return { missing: 'unavailable' };
    return bytes.byteLength > maxBytes ? { missing: 'too_large' } : { bytes };
  } catch (error) {
    return { missing: error instanceof RoomKitError && error.code === 'media_too_large' ? 'too_large' : 'unavailable' };
  } finally {
    over.abort();
  }
}

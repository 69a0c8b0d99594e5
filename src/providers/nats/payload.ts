/** The payload of a message: a text, where it is UTF-8. */
import type { Msg } from '@nats-io/transport-node';
import type { Arrival } from '../_shared/source/intake.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** One that is too long is shown to no parser as a text: it comes as no bytes at all, and is ignored. */
export function receivedOf({ data, subject }: Msg, maxSizeBytes: number): Arrival['received'] {
  if (data.byteLength > maxSizeBytes) return { data: new Uint8Array(), subject };
  try {
    return { data: utf8.decode(data), subject };
  } catch {
    return { data, subject };
  }
}

/** As `erasedKey` of the core, by Node's own hash: a store asks for it with every message. */
import { createHash } from 'node:crypto';
import { isErasedKey, keyBytes } from '../../core/store/erased-key.js';

const PREFIX = 'erased:';
const DIGEST = /^[0-9a-f]{64}$/;

let lastKey: string | undefined;
let lastDigest = '';

/** What tells whether a key is there, before its erasure and after it: its SHA-256 in hex. The last one is remembered: a message asks several times. */
export function keyDigest(key: string): string {
  if (isErasedKey(key) && DIGEST.test(key.slice(PREFIX.length))) return key.slice(PREFIX.length);
  if (key !== lastKey) {
    lastDigest = createHash('sha256').update(keyBytes(key)).digest('hex');
    lastKey = key;
  }
  return lastDigest;
}

/** What stands in the place of a key after an erasure (ERA-05). */
export function erasedKey(key: string): string {
  return isErasedKey(key) ? key : PREFIX + keyDigest(key);
}

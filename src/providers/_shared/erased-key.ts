/** As `erasedKey` of the core, by Node's own hash: a store asks for it with every message. */
import { createHash } from 'node:crypto';
import { isErasedKey } from '../../core/index.js';

let lastKey = '';
let lastErased = '';

/** What stands in the place of a key after an erasure (ERA-05). The last one is remembered: a message asks several times. */
export function erasedKey(key: string): string {
  if (isErasedKey(key)) return key;
  if (key !== lastKey || lastErased === '') {
    lastErased = `erased:${createHash('sha256').update(key).digest('hex')}`;
    lastKey = key;
  }
  return lastErased;
}

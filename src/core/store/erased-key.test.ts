import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { erasedKey, isErasedKey } from './erased-key.js';

describe('the key of an erased event', () => {
  it.each([0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 1000])('is the SHA-256 of what it was, of %i characters', (length) => {
    const key = 'wamid.HBgLMTY1MDM4Nzk0Mzkäö😀'.repeat(40).slice(0, length);
    expect(erasedKey(key)).toBe(`erased:${createHash('sha256').update(new TextEncoder().encode(key)).digest('hex')}`);
  });

  it('stays as it is when it is erased once more', () => {
    const once = erasedKey('SM1');
    expect(isErasedKey(once)).toBe(true);
    expect(erasedKey(once)).toBe(once);
    expect(isErasedKey('erased:1')).toBe(false);
  });
});

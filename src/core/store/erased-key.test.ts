import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { erasedKey, isErasedKey } from './erased-key.js';

describe('the key of an erased event', () => {
  it.each([0, 1, 3, 54, 55, 56, 57, 63, 64, 65, 119, 120, 1000])('is the SHA-256 of what it was, of %i characters', (length) => {
    const key = 'wamid.HBgLMTY1MDM4Nzk0Mzkäö😀'
      .repeat(40)
      .slice(0, length)
      .replace(/\p{Surrogate}/u, '');
    expect(erasedKey(key)).toBe(`erased:${createHash('sha256').update(new TextEncoder().encode(key)).digest('hex')}`);
  });

  it('differs for halves of surrogate pairs, which UTF-8 does not tell apart', () => {
    const keys = ['a\ud83d', 'a\ud83e', 'a\ufffd', '\ud83da'];
    expect(new Set(keys.map(erasedKey)).size).toBe(keys.length);
  });

  it('stays as it is when it is erased once more', () => {
    const once = erasedKey('SM1');
    expect(isErasedKey(once)).toBe(true);
    expect(erasedKey(once)).toBe(once);
    expect(isErasedKey('erased:1')).toBe(false);
  });
});

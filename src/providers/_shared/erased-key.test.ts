import { describe, expect, it } from 'vitest';
import { erasedKey as erasedByCore } from '../../core/index.js';
import { erasedKey, keyDigest } from './erased-key.js';

describe('the digest of a key, by Node', () => {
  it.each(['', 'SM1', 'SM1', 'wamid.HBgLMTY1MDM4Nzk0Mzk', 'ä😀', 'a\u0000b', '\ud83d', 'x'.repeat(1000)])('is that of the core: %j', (key) => {
    expect(erasedKey(key)).toBe(erasedByCore(key));
    expect(erasedKey(erasedByCore(key))).toBe(erasedByCore(key));
  });

  it('is the same before and after an erasure, differs in the oddest character, and is never what somebody else wrote in its place', () => {
    expect(keyDigest(erasedByCore('SM1'))).toBe(keyDigest('SM1'));
    expect(keyDigest('a\ud83d')).not.toBe(keyDigest('a\ud83e'));
    const forged = `erased:${'z'.repeat(64)}`;
    expect(keyDigest(forged)).toMatch(/^[0-9a-f]{64}$/);
    expect(erasedKey(forged)).toBe(erasedByCore(forged));
  });
});

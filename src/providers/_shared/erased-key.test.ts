import { describe, expect, it } from 'vitest';
import { erasedKey as erasedByCore } from '../../core/index.js';
import { erasedKey } from './erased-key.js';

describe('the digest of a key, by Node', () => {
  it.each(['', 'SM1', 'SM1', 'wamid.HBgLMTY1MDM4Nzk0Mzk', 'ä😀', 'a\u0000b', '\ud83d', 'x'.repeat(1000)])('is that of the core: %j', (key) => {
    expect(erasedKey(key)).toBe(erasedByCore(key));
    expect(erasedKey(erasedByCore(key))).toBe(erasedByCore(key));
  });
});

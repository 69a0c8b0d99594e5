import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { apiKeys, createApiKey } from './api-keys.js';
import { sha256Hex, sha256HexOnTheWeb } from './bytes.js';

const withKey = (key: string): Request => new Request('http://x/', { headers: { authorization: `Bearer ${key}` } });

describe('API keys', () => {
  it('name a service by a secret of which only the hash is known', async () => {
    verifies('AUTH-04');
    const hash = createHash('sha256').update('s3cret_with_lines').digest('hex');
    const authenticate = apiKeys([{ id: 'ops', hash, organizationId: 'acme', scopes: ['read', 'operate'] }]);
    expect(await authenticate(withKey('rk_ops_s3cret_with_lines'))).toEqual({
      id: 'ops',
      kind: 'service',
      organizationId: 'acme',
      scopes: ['read', 'operate'],
    });
  });

  it('are made with enough randomness', async () => {
    verifies('AUTH-04');
    const { key, hash } = await createApiKey('ci-1');
    expect(key).toMatch(/^rk_ci-1_[A-Za-z0-9_-]{43}$/);
    expect(await apiKeys([{ id: 'ci-1', hash, scopes: ['read'] }])(withKey(key))).toMatchObject({ id: 'ci-1' });
    expect((await createApiKey('ci-1')).key).not.toBe(key);
  });

  it('are hashed alike in Node, where the answer is there at once, and by Web Crypto', async () => {
    verifies('AUTH-04');
    for (const text of ['', 'abc', 'Zurückrufen ☎', '\ud800', 'x'.repeat(8192)]) {
      const hash = sha256Hex(text);
      expect(hash).toBe(createHash('sha256').update(text).digest('hex'));
      expect(hash).toBe(await sha256HexOnTheWeb(text));
    }
  });

  it('let nobody in with anything else', async () => {
    verifies('AUTH-04');
    const { key, hash } = await createApiKey('ops');
    const other = await createApiKey('other');
    const authenticate = apiKeys([
      { id: 'ops', hash, scopes: ['admin'] },
      { id: 'other', hash: other.hash, scopes: ['read'] },
    ]);
    const wrong = [
      `${key}x`,
      key.slice(0, -1),
      key.toUpperCase(),
      key.replace('ops', 'other'),
      key.replace('ops', 'nobody'),
      `rk_ops_${hash}`,
      'rk_ops_',
      'rk__x',
      '',
      `rk_ops_${'x'.repeat(20_000)}`,
    ];
    for (const given of wrong) expect(await authenticate(withKey(given)), given.slice(0, 40)).toBeNull();
    expect(await authenticate(new Request('http://x/'))).toBeNull();
    expect(await authenticate(new Request('http://x/', { headers: { authorization: `Basic ${key}` } }))).toBeNull();
    expect(await authenticate(new Request(`http://x/?key=${key}`))).toBeNull();
  });

  it('are refused at start when they cannot be right', async () => {
    verifies('AUTH-04');
    const { hash } = await createApiKey('ops');
    expect(() => apiKeys([{ id: 'ops', hash: 'plain secret', scopes: [] }])).toThrow(/not a SHA-256/);
    expect(() => apiKeys([{ id: 'a_b', hash, scopes: [] }])).toThrow(/cannot be used/);
    expect(() =>
      apiKeys([
        { id: 'ops', hash, scopes: [] },
        { id: 'ops', hash, scopes: [] },
      ]),
    ).toThrow(/its own/);
  });
});

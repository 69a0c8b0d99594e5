import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { TestClock } from '../../testing/test-clock.js';
import { ClientTokens, type ClientTokenOptions } from './client-tokens.js';

const SECRET = 'a secret of at least thirty-two bytes, surely';
const OTHER = 'another secret of at least thirty-two bytes';
const ADA: ClientTokenOptions = { rooms: ['r1', 'r2'], channelId: 'web', participantId: 'ada', displayName: 'Ada', organizationId: 'acme' };

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

describe('client tokens', () => {
  it('say who may do what, where and until when', async () => {
    verifies('AUTH-05', 'AUTH-03');
    const clock = new TestClock();
    const tokens = new ClientTokens({ secrets: [SECRET] }, clock);
    const { token, expiresAt } = await tokens.mint(ADA);
    expect(token).toMatch(/^rkc1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
    expect(expiresAt).toBe('2026-01-01T00:15:00.000Z');
    expect(await tokens.verify(token)).toEqual({
      id: 'web/ada',
      kind: 'client',
      rooms: ['r1', 'r2'],
      channelId: 'web',
      participantId: 'ada',
      displayName: 'Ada',
      organizationId: 'acme',
      scopes: ['read', 'write'],
      expiresAt,
    });
  });

  it('are what others verify too: HMAC-SHA256 over the first two parts', async () => {
    verifies('AUTH-05');
    const { createHmac } = await import('node:crypto');
    const { token } = await new ClientTokens({ secrets: [SECRET] }, new TestClock()).mint(ADA);
    const [prefix, payload, mac] = token.split('.');
    expect(mac).toBe(createHmac('sha256', SECRET).update(`${prefix}.${payload}`).digest('base64url'));
    expect(payloadOf(token)['participantId']).toBe('ada');
  });

  it('end with their time', async () => {
    verifies('AUTH-05');
    const clock = new TestClock();
    const tokens = new ClientTokens({ secrets: [SECRET] }, clock);
    const { token } = await tokens.mint({ ...ADA, ttlSeconds: 60 });
    await clock.advance(59_999);
    expect(await tokens.verify(token)).toMatchObject({ participantId: 'ada' });
    await clock.advance(1);
    expect(await tokens.verify(token)).toBe('expired');
  });

  it('end when their secret is taken out, and not when a new one is put in front', async () => {
    verifies('AUTH-05');
    const clock = new TestClock();
    const { token: old } = await new ClientTokens({ secrets: [SECRET] }, clock).mint(ADA);
    const rotated = new ClientTokens({ secrets: [OTHER, SECRET] }, clock);
    expect(await rotated.verify(old)).toMatchObject({ participantId: 'ada' });
    const { token: fresh } = await rotated.mint(ADA);
    const done = new ClientTokens({ secrets: [OTHER] }, clock);
    expect(await done.verify(fresh)).toMatchObject({ participantId: 'ada' });
    expect(await done.verify(old)).toBeNull();
  });

  it('cannot be changed, cut, joined or made by others', async () => {
    verifies('AUTH-05');
    const clock = new TestClock();
    const tokens = new ClientTokens({ secrets: [SECRET] }, clock);
    const { token } = await tokens.mint(ADA);
    const [prefix = '', payload = '', mac = ''] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...payloadOf(token), participantId: 'bob' })).toString('base64url');
    const { token: foreign } = await new ClientTokens({ secrets: [OTHER] }, clock).mint(ADA);
    const wrong = [
      `${prefix}.${forged}.${mac}`,
      `rkc2.${payload}.${mac}`,
      `${prefix}.${payload}.`,
      `${prefix}.${payload}`,
      `${payload}.${mac}`,
      `${token}.`,
      `${token}.x`,
      `${token}A`,
      foreign,
      '',
      'rkc1..',
      `${prefix}.${payload}=.${mac}`,
      `${prefix}.${payload}.${'*'.repeat(43)}`,
      `rkc1.${'A'.repeat(9000)}.${mac}`,
    ];
    for (const given of wrong) expect(await tokens.verify(given), given.slice(0, 60)).toBeNull();
    // One character anywhere in the signature.
    for (const at of [0, 20, 42]) {
      const changed = mac.slice(0, at) + (mac[at] === 'A' ? 'B' : 'A') + mac.slice(at + 1);
      expect(await tokens.verify(`${prefix}.${payload}.${changed}`)).toBeNull();
    }
  });

  it.each([
    [{ rooms: [] }, /1 to 50 rooms/],
    [{ rooms: Array.from({ length: 51 }, (_, n) => `r${n}`) }, /1 to 50 rooms/],
    [{ rooms: [''] }, /Room id/],
    [{ channelId: '' }, /Channel id/],
    [{ participantId: 'a\n' }, /Participant id/],
    [{ ttlSeconds: 0 }, /ttlSeconds/],
    [{ ttlSeconds: 86_401 }, /86400/],
    [{ ttlSeconds: NaN }, /ttlSeconds/],
    [{ scopes: ['operate' as 'read'] }, /scopes of a client token/],
    [{ scopes: [] }, /scopes of a client token/],
  ])('are not made with %j', async (wrong, message) => {
    verifies('AUTH-05', 'AUTH-03');
    await expect(new ClientTokens({ secrets: [SECRET] }, new TestClock()).mint({ ...ADA, ...wrong })).rejects.toThrow(message);
  });

  it('want secrets that cannot be guessed', () => {
    verifies('AUTH-05');
    const clock = new TestClock();
    expect(() => new ClientTokens({ secrets: [] }, clock)).toThrow(/at least one secret/);
    expect(() => new ClientTokens({ secrets: [SECRET, 'x'.repeat(31)] }, clock)).toThrow(/secrets\[1\] has 31 bytes/);
    expect(() => new ClientTokens({ secrets: [new Uint8Array(32)] }, clock)).not.toThrow();
  });

  it('never show their secret', async () => {
    const { inspect } = await import('node:util');
    const tokens = new ClientTokens({ secrets: [SECRET] }, new TestClock());
    await tokens.mint(ADA);
    expect(inspect(tokens, { depth: 9, showHidden: true }) + JSON.stringify(tokens)).not.toContain(SECRET.slice(0, 8));
  });
});

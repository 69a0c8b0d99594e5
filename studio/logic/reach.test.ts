import { describe, expect, it } from 'vitest';
import { eventAt } from './fixtures.js';
import { reachOf } from './reach.js';
import type { OutboxRow } from '../types.js';

const row = (given: Partial<OutboxRow>): OutboxRow => ({
  id: 'd',
  roomId: 'r',
  eventId: 'e0',
  eventIndex: 0,
  channelId: 'sms',
  state: 'sent',
  attempts: 1,
  idempotencyKey: 'k',
  createdAt: '',
  expiresAt: '',
  ...given,
});

describe('whom an event reached', () => {
  it('is what became of it first, and what the outbox knows since', () => {
    const event = eventAt(0, {
      deliveryResults: {
        web: { channelId: 'web', status: 'sent', attempts: 1 },
        sms: { channelId: 'sms', status: 'queued', attempts: 1 },
        push: { channelId: 'push', status: 'skipped', attempts: 0 },
      },
    });
    expect(reachOf(event).map(({ channelId, state }) => [channelId, state])).toEqual([
      ['web', 'sent'],
      ['sms', 'waiting'],
    ]);
    expect(reachOf(event, [row({ state: 'delivered', attempts: 2 })]).at(-1)).toEqual({
      channelId: 'sms',
      state: 'delivered',
      detail: 'delivered after 2 attempts',
    });
  });

  it('says why something failed', () => {
    const failed = row({ state: 'failed', lastError: { code: 'bad_number', message: 'No such number.', retryable: false } });
    expect(reachOf(eventAt(0), [failed])).toEqual([{ channelId: 'sms', state: 'failed', detail: 'failed: No such number.' }]);
    // What went well in the end does not drag its first error along.
    expect(reachOf(eventAt(0), [{ ...failed, state: 'sent', attempts: 2 }])[0]?.detail).toBe('sent after 2 attempts');
  });
});

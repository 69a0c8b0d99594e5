import { describe, expect, it } from 'vitest';
import type { Room } from '../models/room.js';
import { patchedRoom } from './room-patch.js';

describe('a room after a commit', () => {
  it('has counted on, and is otherwise what it was, to the last field', () => {
    // Required: a new field of rooms has to be named here, and to survive.
    const room: Required<Room> = {
      id: 'r',
      organizationId: 'o',
      status: 'closed',
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:01.000Z',
      closedAt: '2026-01-01T00:00:02.000Z',
      timers: { inactiveAfterSeconds: 5 },
      metadata: { key: 'value' },
      aiConfig: { systemPrompt: 'Be kind.' },
      agentResponsePolicy: 'agent_chain',
      collision: { policy: 'queue' },
      eventCount: 3,
      latestIndex: 4,
      version: 7,
    };
    const after = patchedRoom(room, undefined, 5, '2026-01-01T00:00:03.000Z');
    expect(after).toStrictEqual({ ...room, eventCount: 4, latestIndex: 5, version: 8, updatedAt: '2026-01-01T00:00:03.000Z' });
    expect(after.timers).toBe(room.timers);
  });
});

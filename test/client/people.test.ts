/** What people do beside speaking, as a client tells it and hears it: typing, presence, receipts, reactions. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { event, Script } from './scripted.js';

function hears(script: Script, type: string, userId: string, data: Record<string, unknown> = {}): Promise<void> {
  const timestamp = '2026-01-01T00:00:00.000Z';
  return script.says({ type: 'ephemeral', roomId: 'room', event: { id: 'x', roomId: 'room', type, userId, data, timestamp } });
}

describe('typing of others', () => {
  it('is shown until it stops, until they speak, or until nothing was heard of it for too long', async () => {
    verifies('WIRE-10');
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    for (const userId of ['bob', 'cid', 'dan', 'helper']) await hears(script, 'typing_start', userId);
    expect(room.typers.map(({ participantId }) => participantId)).toEqual(['bob', 'cid', 'dan', 'helper']);
    expect(room.typers[0]?.displayName).toBe('Bob'); // his messages say so
    await hears(script, 'typing_stop', 'cid');
    await script.comes(1, 0, { source: { channelId: 'helper', channelType: 'ai' } });
    expect(room.typers.map(({ participantId }) => participantId)).toEqual(['bob', 'dan']);
    await script.clock.advance(5000);
    await hears(script, 'typing_start', 'dan'); // renewed
    await script.clock.advance(3000);
    expect(room.typers.map(({ participantId }) => participantId)).toEqual(['dan']);
    await script.clock.advance(5000);
    expect(room.typers).toEqual([]);
  });

  it('ends with the connection', async () => {
    const script = new Script();
    const room = await script.inRoom();
    await hears(script, 'typing_start', 'bob');
    script.socket.ends(1006);
    expect(room.typers).toEqual([]);
  });

  it('has the names that the room knows', async () => {
    const script = new Script();
    const room = await script.inRoom();
    await hears(script, 'typing_start', 'cid');
    expect(room.typers).toEqual([{ participantId: 'cid' }]);
    await script.find((path) => path === '/api/rooms/room').answer({ room: {}, participants: [{ id: 'cid', displayName: 'Cid' }, { id: 'x' }] });
    expect(room.typers).toEqual([{ participantId: 'cid', displayName: 'Cid' }]);
  });
});

describe('typing of one’s own', () => {
  it('is told at most every three seconds, however often a key is hit', async () => {
    verifies('WIRE-10');
    const script = new Script();
    const room = await script.inRoom();
    for (let second = 0; second < 7; second++) {
      room.typing();
      room.typing(true);
      await script.clock.advance(1000);
    }
    expect(script.socket.of('typing').map(({ on }) => on)).toEqual([true, true, true]);
    room.typing(false);
    room.typing(false);
    expect(script.socket.of('typing').map(({ on }) => on)).toEqual([true, true, true, false]);
  });

  it('ends when the message is sent, and is not carried into another connection', async () => {
    const script = new Script();
    const room = await script.inRoom();
    room.typing();
    void room.send('Hello').catch(() => undefined);
    expect(script.socket.sent.slice(-3).map(({ type }) => type)).toEqual(['typing', 'typing', 'send']);
    room.typing();
    script.socket.ends(1006);
    room.typing();
    await script.clock.advance(500);
    await script.welcome();
    expect(script.socket.of('typing')).toEqual([]);
  });
});

describe('presence', () => {
  it('of others is what they said last, with the time', async () => {
    const script = new Script();
    const room = await script.inRoom();
    await hears(script, 'presence_online', 'bob');
    await hears(script, 'presence_away', 'cid');
    await hears(script, 'custom', 'dan', { status: 'in a meeting' });
    await hears(script, 'custom', 'eve', { kind: 'something else' });
    expect(room.presence).toEqual({
      bob: { status: 'online', at: '2026-01-01T00:00:00.000Z' },
      cid: { status: 'away', at: '2026-01-01T00:00:00.000Z' },
      dan: { status: 'in a meeting', at: '2026-01-01T00:00:00.000Z' },
    });
    await hears(script, 'presence_offline', 'bob');
    expect(room.presence['bob']?.status).toBe('offline');
  });

  it('of one’s own is told again after a reconnect', async () => {
    verifies('WIRE-10');
    const script = new Script();
    await script.welcomed();
    script.client.presence('away');
    expect(script.socket.last('presence')).toEqual({ type: 'presence', status: 'away' });
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    expect(script.socket.last('presence')).toEqual({ type: 'presence', status: 'away' });
  });
});

describe('reading', () => {
  it('is told once for each event and never goes back', async () => {
    verifies('WIRE-10');
    const script = new Script();
    const room = await script.inRoom('room', [event(0), event(1), event(2)], 2);
    room.markRead('e1');
    room.markRead('e1');
    room.markRead('e0');
    room.markRead();
    room.markRead();
    expect(script.socket.of('receipt').map(({ eventId }) => eventId)).toEqual(['e1', 'e2']);
    room.markRead('further-back-than-loaded');
    expect(script.socket.of('receipt')).toHaveLength(3);
  });

  it('without a connection is told when there is one', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0), event(1)], 1);
    script.socket.ends(1006);
    room.markRead('e0');
    room.markRead('e1');
    await script.clock.advance(500);
    await script.welcome();
    expect(script.socket.of('receipt')).toEqual([]); // first the room has to be ours again
    await script.subscribed(1);
    expect(script.socket.of('receipt')).toEqual([{ type: 'receipt', roomId: 'room', eventId: 'e1' }]);
  });

  it('of others is how far they have come', async () => {
    const script = new Script();
    const room = await script.inRoom();
    await hears(script, 'read_receipt', 'bob', { event_id: 'e4' });
    await hears(script, 'read_receipt', 'bob', { event_id: 'e7' });
    await hears(script, 'read_receipt', 'cid', {});
    expect(room.snapshot.receipts).toEqual({ bob: { eventId: 'e7', at: '2026-01-01T00:00:00.000Z' } });
  });
});

describe('reactions', () => {
  it('are added and taken back, one’s own and those of others', async () => {
    const script = new Script();
    const room = await script.inRoom('room', [event(0)], 0);
    await hears(script, 'reaction', 'bob', { event_id: 'e0', emoji: '👍', action: 'add' });
    await hears(script, 'reaction', 'bob', { event_id: 'e0', emoji: '👍', action: 'add' });
    room.react('e0', '👍');
    room.react('e0', '🎉');
    expect(script.socket.of('reaction')[0]).toEqual({ type: 'reaction', roomId: 'room', eventId: 'e0', emoji: '👍', action: 'add' });
    expect(room.snapshot.reactions).toEqual({ e0: { '👍': ['bob', 'ada'], '🎉': ['ada'] } });
    await hears(script, 'reaction', 'bob', { event_id: 'e0', emoji: '👍', action: 'remove' });
    room.react('e0', '🎉', 'remove');
    expect(room.snapshot.reactions).toEqual({ e0: { '👍': ['ada'] } });
    room.react('e0', '👍', 'remove');
    expect(room.snapshot.reactions).toEqual({});
    script.socket.ends(1006);
    room.react('e0', '👍'); // nobody would hear of it
    expect(room.snapshot.reactions).toEqual({});
  });

  it('are kept for so many events only', async () => {
    const script = new Script();
    const room = await script.inRoom();
    for (let index = 0; index < 2005; index++)
      script.socket.says({
        type: 'ephemeral',
        roomId: 'room',
        event: { type: 'reaction', userId: 'bob', data: { event_id: `e${index}`, emoji: '👍' } },
      });
    expect(Object.keys(room.snapshot.reactions)).toHaveLength(2000);
    expect(room.snapshot.reactions).not.toHaveProperty('e4');
    expect(room.snapshot.reactions).toHaveProperty('e5');
  });

  it('and all else that is heard can be listened to as it comes', async () => {
    const script = new Script();
    const room = await script.inRoom();
    const heard: string[] = [];
    const end = room.on('ephemeral', ({ type, userId }) => heard.push(`${userId} ${type}`));
    await hears(script, 'reaction', 'bob', { event_id: 'e0', emoji: '👍' });
    await hears(script, 'custom', 'cid', { kind: 'poll' });
    end();
    await hears(script, 'typing_start', 'cid');
    expect(heard).toEqual(['bob reaction', 'cid custom']);
  });
});

describe('the room and its people', () => {
  it('are read with each connection, and again when somebody came or went', async () => {
    const script = new Script();
    const room = await script.inRoom();
    const isInfo = (path: string): boolean => path === '/api/rooms/room';
    await script.find(isInfo).answer({ room: { status: 'active' }, participants: [{ id: 'ada' }] });
    expect(room.snapshot.info).toEqual({ room: { status: 'active' }, participants: [{ id: 'ada' }] });
    for (const index of [0, 1, 2]) await script.comes(index, index - 1, { type: index === 0 ? 'message' : 'system' });
    await script.clock.advance(250);
    expect(script.asked.filter(({ url }) => isInfo(url.pathname))).toHaveLength(2);
    await script.find(isInfo).answer({ room: { status: 'closed' }, participants: [{ id: 'ada' }] });
    expect(room.snapshot.info?.room.status).toBe('closed');
    script.socket.ends(1006);
    await script.clock.advance(500);
    await script.welcome();
    await script.subscribed(2);
    await script.find(isInfo).fail();
    expect([script.asked.filter(({ url }) => isInfo(url.pathname)).length, room.snapshot.info?.room.status]).toEqual([3, 'closed']);
  });
});

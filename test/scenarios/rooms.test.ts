/** Rooms, their channels, timers and conversation state (behaviour §3.5, §5). */
import { describe, expect, it } from 'vitest';
import {
  ChannelAlreadyRegisteredError,
  ChannelNotRegisteredError,
  ConflictError,
  getConversationState,
  HookResult,
  RoomClosedError,
  RoomExistsError,
  RoomNotFoundError,
  setConversationState,
  transition,
  ValidationError,
  type RoomEvent,
} from '../../src/core/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

describe('a room', () => {
  it('is created once, with a hook and a framework event but no timeline entry', async () => {
    verifies('ROOM-01', 'ROOM-02', 'CON-04');
    const { kit, clock } = makeKit();
    const seen: string[] = [];
    kit.hook(
      'on_room_created',
      (event) => void seen.push(`hook ${event.content.type === 'system' ? event.content.code : ''} ${event.visibility} ${event.index}`),
    );
    kit.on('room_created', (event) => void seen.push(`framework ${event.roomId}`));
    const room = await kit.createRoom({ roomId: 'r', timers: { inactiveAfterSeconds: 5 }, metadata: { plan: 'gold' } });
    await clock.advance(0);
    expect(room).toMatchObject({
      id: 'r',
      status: 'active',
      eventCount: 0,
      latestIndex: -1,
      agentResponsePolicy: 'agent_chain',
      timers: { lastActivityAt: '2026-01-01T00:00:00.000Z' },
    });
    expect(seen.sort()).toEqual(['framework r', 'hook room_created internal -1']);
    await expect(kit.createRoom({ roomId: 'r' })).rejects.toThrow(RoomExistsError);
    await expect(kit.getRoom('missing')).rejects.toThrow(RoomNotFoundError);
    await expect(kit.createRoom({ roomId: 'bad\u0000id' })).rejects.toThrow(ValidationError);
    await expect(kit.createRoom({ roomId: 'x', timers: { closedAfterSeconds: -1 } })).rejects.toThrow(/closedAfterSeconds/);
    expect(await kit.getTimeline('r')).toEqual([]);
    await kit.close();
  });

  it('of another organization is not there', async () => {
    verifies('ROOM-02', 'PERM-09');
    const first = makeKit({ organizationId: 'one' });
    const second = makeKit({ organizationId: 'two', store: first.kit.store });
    await first.kit.createRoom({ roomId: 'r' });
    await expect(second.kit.getRoom('r')).rejects.toThrow(RoomNotFoundError);
    await expect(second.kit.getTimeline('r')).rejects.toThrow(RoomNotFoundError);
    second.kit.registerChannel(new TestTransport('a'));
    await expect(second.kit.attachChannel('r', 'a')).rejects.toThrow(RoomNotFoundError);
    await expect(second.kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId: 'r' })).rejects.toThrow(RoomNotFoundError);
    await expect(second.kit.closeRoom('r')).rejects.toThrow(RoomNotFoundError);
    expect(await second.kit.deleteRoom('r')).toBe(false);
    expect(await second.kit.listRooms()).toEqual([]);
    expect(await first.kit.listRooms()).toHaveLength(1);
    await first.kit.close();
    await second.kit.close();
  });

  it('never grows once it is closed, and takes messages again when it is reopened', async () => {
    verifies('ROOM-03', 'ROOM-04', 'SND-01');
    const { kit, clock } = makeKit();
    const seen: string[] = [];
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a, new TestTransport('b')]);
    kit.hook('on_room_closed', () => void seen.push('hook'));
    kit.on('room_closed', (event) => void seen.push(`framework ${String(event.data['reason'])}`));
    await kit.closeRoom(roomId);
    await kit.closeRoom(roomId);
    await clock.advance(0);
    expect(seen).toEqual(['hook', 'framework host']);
    const before = (await gapless(kit, roomId)).length;
    expect(await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId })).toMatchObject({
      blocked: true,
      reason: 'room_closed',
    });
    await expect(kit.sendEvent(roomId, 'a', 'x')).rejects.toThrow(RoomClosedError);
    expect(await gapless(kit, roomId)).toHaveLength(before);
    expect((await kit.getRoom(roomId)).closedAt).toBeDefined();
    await kit.reopenRoom(roomId);
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'back' }, { roomId })).blocked).toBe(false);
    await kit.archiveRoom(roomId);
    expect(await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId })).toMatchObject({ reason: 'room_closed' });
    await kit.close();
  });

  it('closed takes no entry from its operations either, and says how to go on', async () => {
    verifies('ROOM-04', 'CHO-03');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestAgent('bot')]);
    kit.registerChannel(new TestTransport('late'));
    await kit.ensureParticipant(roomId, 'a', 'ann');
    await kit.store.createIdentity({ id: 'i' });
    await kit.closeRoom(roomId);
    const before = await gapless(kit, roomId);
    const bindings = await kit.listBindings(roomId);
    for (const operation of [
      () => kit.attachChannel(roomId, 'late'),
      () => kit.attachChannel(roomId, 'a', { muted: true }),
      () => kit.detachChannel(roomId, 'a'),
      () => kit.mute(roomId, 'a'),
      () => kit.setAccess(roomId, 'a', 'read_only'),
      () => kit.setVisibility(roomId, 'a', 'none'),
      () => kit.updateBindingMetadata(roomId, 'a', { k: 1 }),
      () => kit.resolveParticipant(roomId, 'ann', 'i'),
      () => kit.setActiveAgent(roomId, 'bot'),
    ]) {
      await expect(operation(), String(operation)).rejects.toThrow(/reopenRoom/);
    }
    // A program that starts again attaches what is attached: that changes nothing, and is no mistake.
    await kit.attachChannel(roomId, 'a');
    expect(await gapless(kit, roomId)).toEqual(before);
    expect(await kit.listBindings(roomId)).toEqual(bindings);
    await kit.close();
  });

  it('F16 close_during_answer', async () => {
    verifies('F16', 'ROOM-04', 'TURN-06');
    const { kit, clock } = makeKit();
    const b = new TestTransport('b');
    const agent = new TestAgent('bot', async () => {
      await clock.sleep(200);
      return 'too late';
    });
    const roomId = await openRoom(kit, [new TestTransport('a'), b, agent]);
    const dropped: unknown[] = [];
    kit.on('event_dropped', (event) => void dropped.push(event.data['reason']));
    const call = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'question' }, { roomId });
    await clock.advance(50);
    await kit.closeRoom(roomId);
    await clock.advance(500);
    const result = await call;
    expect(result.turns).toMatchObject([{ state: 'cancelled', reason: 'room_closed', replyEventIds: [] }]);
    expect(b.texts).toEqual(['question']);
    expect(dropped).toEqual(['room_closed']);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['question']);
    await kit.close();
  });

  it('pauses and closes by its timers, counting from the last message', async () => {
    verifies('ROOM-07', 'ROOM-08', 'FIG-10');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    await kit.createRoom({ roomId: 'r', timers: { inactiveAfterSeconds: 300, closedAfterSeconds: 3600 } });
    await kit.attachChannel('r', 'a');
    const paused: string[] = [];
    kit.hook('on_room_paused', () => void paused.push('hook'));
    kit.on('room_paused', (event) => void paused.push(String(event.data['reason'])));
    await clock.advance(300_000);
    expect(await kit.sweepRoomTimers()).toEqual([]);
    expect((await kit.getRoom('r')).status).toBe('active');
    await clock.advance(1000);
    expect((await kit.sweepRoomTimers()).map((room) => room.status)).toEqual(['paused']);
    await clock.advance(0);
    expect(paused).toEqual(['hook', 'timer']);
    await clock.advance(3_300_000);
    expect((await kit.sweepRoomTimers()).map((room) => room.status)).toEqual(['closed']);
    await kit.createRoom({ roomId: 'straight', timers: { inactiveAfterSeconds: 300, closedAfterSeconds: 3600 } });
    await clock.advance(3_601_000);
    expect((await kit.sweepRoomTimers()).map((room) => [room.id, room.status])).toEqual([['straight', 'closed']]);
    const events = await gapless(kit, 'r');
    expect(events.map((event) => (event.content.type === 'system' ? event.content.code : ''))).toEqual([
      'channel_attached',
      'room_paused_by_timer',
      'room_closed_by_timer',
    ]);
    await kit.close();
  });

  it('resumes in the commit of a message, and system events are no activity', async () => {
    verifies('ROOM-05', 'ROOM-06');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    await kit.createRoom({ roomId: 'r', timers: { inactiveAfterSeconds: 10 } });
    await kit.attachChannel('r', 'a');
    const resumed: string[] = [];
    kit.on('room_resumed', (event) => void resumed.push(event.roomId ?? ''));
    await clock.advance(11_000);
    await kit.mute('r', 'a');
    await kit.unmute('r', 'a');
    expect((await kit.sweepRoomTimers()).map((room) => room.status)).toEqual(['paused']);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'hi' }, { roomId: 'r' });
    await clock.advance(0);
    expect((await kit.getRoom('r')).status).toBe('active');
    expect(resumed).toEqual(['r']);
    const before = (await kit.getRoom('r')).timers.lastActivityAt;
    await clock.advance(5000);
    expect((await kit.setRoomTimers('r', { inactiveAfterSeconds: 99 })).timers).toEqual({ inactiveAfterSeconds: 99, lastActivityAt: before });
    // Not even a message in the same moment is in the way.
    const said = kit.processInbound({ channelId: 'a', senderId: 'u', content: 'hi' }, { roomId: 'r' });
    const changed = kit.setRoomTimers('r', { closedAfterSeconds: 100 });
    await Promise.all([said, changed, kit.processInbound({ channelId: 'a', senderId: 'u', content: 'hi' }, { roomId: 'r' })]);
    expect((await kit.getRoom('r')).timers).toMatchObject({ closedAfterSeconds: 100 });
    expect((await kit.updateRoomMetadata('r', { a: 1, b: 2 })).metadata).toMatchObject({ a: 1, b: 2 });
    expect((await kit.updateRoomMetadata('r', { b: undefined })).metadata).not.toHaveProperty('b');
    await kit.close();
  });

  it('F49 timers', async () => {
    verifies('F49', 'ROOM-05', 'ROOM-07', 'ROOM-08', 'CON-12');
    const { kit, clock } = makeKit();
    kit.registerChannel(new TestTransport('a'));
    await kit.createRoom({ roomId: 'r', timers: { inactiveAfterSeconds: 300 } });
    await kit.attachChannel('r', 'a');
    clock.jump(-3_600_000);
    expect(await kit.sweepRoomTimers()).toEqual([]);
    clock.jump(3_600_000);
    // A message at the limit wins when it commits first.
    await clock.advance(300_500);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'just in time' }, { roomId: 'r' });
    expect(await kit.sweepRoomTimers()).toEqual([]);
    await clock.advance(301_000);
    const both = await Promise.all([kit.sweepRoomTimers(), kit.sweepRoomTimers()]);
    expect(both.flat()).toHaveLength(1);
    await kit.setRoomTimers('r', { inactiveAfterSeconds: 10 });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'back' }, { roomId: 'r' });
    await clock.advance(11_000);
    expect((await kit.sweepRoomTimers()).map((room) => room.status)).toEqual(['paused']);
    await kit.close();
  });

  it('sweeps by itself when told so', async () => {
    verifies('ROOM-08');
    const { kit, clock } = makeKit({ sweepIntervalSeconds: 60 });
    await kit.createRoom({ roomId: 'r', timers: { inactiveAfterSeconds: 30 } });
    await clock.advance(61_000);
    expect((await kit.getRoom('r')).status).toBe('paused');
    await kit.close();
  });

  it('is written by its owner only when nobody else has written', async () => {
    verifies('STO-14', 'LOCK-07');
    const { kit } = makeKit();
    await kit.createRoom({ roomId: 'r' });
    const one = await kit.getRoom('r');
    const other = await kit.getRoom('r');
    await kit.store.updateRoom({ ...one, metadata: { by: 'one' } });
    await expect(async () => kit.store.updateRoom({ ...other, metadata: { by: 'other' } })).rejects.toThrow(ConflictError);
    await expect(async () => kit.store.updateRoom({ ...other, metadata: { by: 'other' } })).rejects.toThrow(/updateRoomMetadata/);
    expect((await kit.getRoom('r')).metadata).toEqual({ by: 'one' });
    await kit.close();
  });

  it('shows its timeline in pages, and as one channel may see it', async () => {
    verifies('ROOM-11', 'ROOM-12');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    for (let n = 0; n < 6; n++)
      await kit.processInbound({ channelId: 'a', senderId: 'u', content: `${n}`, visibility: n % 2 === 0 ? 'all' : 'none' }, { roomId });
    const texts = async (query: Parameters<typeof kit.getTimeline>[1]): Promise<string[]> =>
      messagesOf(await kit.getTimeline(roomId, query)).map(textOf);
    expect(await texts({})).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(await texts({ newestFirst: true, limit: 2 })).toEqual(['5', '4']);
    expect(await texts({ afterIndex: 4, beforeIndex: 7 })).toEqual(['3', '4']);
    expect(await texts({ offset: 3, limit: 2 })).toEqual(['1', '2']);
    expect(await texts({ visibility: 'none' })).toEqual(['1', '3', '5']);
    expect(await texts({ as: 'b' })).toEqual(['0', '2', '4']);
    expect(await texts({ as: 'a' })).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(await kit.getUnreadCount(roomId, 'b')).toBe(8);
    const [third] = await kit.getTimeline(roomId, { afterIndex: 4, limit: 1 });
    await kit.markRead(roomId, 'b', third?.id ?? '');
    expect(await kit.getUnreadCount(roomId, 'b')).toBe(2);
    await kit.markAllRead(roomId, 'b');
    expect(await kit.getUnreadCount(roomId, 'b')).toBe(0);
    expect(await kit.getUnreadCount(roomId, 'a')).toBe(8);
    await kit.close();
  });

  it('lets its host change and remove events without ever reusing an index', async () => {
    verifies('ROOM-13', 'STO-02', 'EDT-05', 'INV-01');
    const { kit } = makeKit();
    const told: string[] = [];
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestAgent('bot')]);
    kit.hook('on_event_updated', (event) => void told.push(`updated ${textOf(event)}`));
    kit.hook('on_event_deleted', (event) => void told.push(`deleted ${textOf(event)}`));
    const { event } = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'question' }, { roomId });
    await kit.updateEvent(roomId, event?.id ?? '', { content: 'better question' });
    expect(await kit.updateEvent(roomId, 'nothing', { content: 'x' })).toBeNull();
    expect(await kit.deleteEvent(roomId, event?.id ?? '')).toBe(2);
    expect(await kit.deleteEvent(roomId, event?.id ?? '')).toBe(0);
    const next = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'next' }, { roomId });
    expect(next.event?.index).toBe(4);
    expect((await kit.getTimeline(roomId)).map((one) => one.index)).toEqual([0, 1, 4, 5]);
    expect(told).toEqual(['updated better question', 'deleted better question', 'deleted re: question']);
    expect((await kit.getRoom(roomId)).eventCount).toBe(4);
    await kit.close();
  });
});

describe('channels in a room', () => {
  it('are registered once and attached to rooms that exist', async () => {
    verifies('CHO-01', 'CHO-02', 'CON-04');
    const { kit, clock } = makeKit();
    const seen: string[] = [];
    kit.on('channel_registered', (event) => void seen.push(`registered ${event.channelId}`));
    kit.on('channel_unregistered', (event) => void seen.push(`unregistered ${event.channelId}`));
    let closed = 0;
    kit.registerChannel(new TestTransport('a', { close: () => void closed++ }));
    expect(() => kit.registerChannel(new TestTransport('a'))).toThrow(ChannelAlreadyRegisteredError);
    for (const id of ['', 'a b', 'a,b', 'all', 'system', '_none_']) expect(() => kit.registerChannel(new TestTransport(id))).toThrow(ValidationError);
    await expect(kit.attachChannel('missing', 'a')).rejects.toThrow(RoomNotFoundError);
    await kit.createRoom({ roomId: 'r' });
    await expect(kit.attachChannel('r', 'missing')).rejects.toThrow(ChannelNotRegisteredError);
    expect(await kit.attachChannel('r', 'a', { access: 'read_only', visibility: 'transport', metadata: { k: 1 } })).toMatchObject({
      channelId: 'a',
      category: 'transport',
      direction: 'bidirectional',
      access: 'read_only',
      visibility: 'transport',
      muted: false,
      metadata: { k: 1 },
      capabilities: { mediaTypes: ['text', 'rich', 'media'] },
    });
    await expect(kit.attachChannel('r', 'a', { access: 'sometimes' as never })).rejects.toThrow(/read_write, read_only/);
    await kit.unregisterChannel('a');
    await clock.advance(0);
    expect({ seen, closed }).toEqual({ seen: ['registered a', 'unregistered a'], closed: 1 });
    await kit.close();
  });

  it('leave an entry for every operation, and are told of what concerns them', async () => {
    verifies('CHO-06', 'CHO-08', 'CHO-03');
    const { kit } = makeKit();
    const updates: unknown[] = [];
    const hooks: string[] = [];
    const a = new TestTransport('a', { updateBinding: (_room, binding) => void updates.push([binding.muted, binding.visibility, binding.access]) });
    for (const trigger of ['on_channel_attached', 'on_channel_muted', 'on_channel_unmuted', 'on_channel_detached'] as const) {
      kit.hook(trigger, (event) => void hooks.push(event.content.type === 'system' ? (event.content.code ?? '') : ''));
    }
    const roomId = await openRoom(kit, [a]);
    await kit.mute(roomId, 'a');
    await kit.mute(roomId, 'a');
    await kit.unmute(roomId, 'a');
    await kit.setVisibility(roomId, 'a', 'intelligence');
    await kit.setAccess(roomId, 'a', 'read_only');
    await kit.updateBindingMetadata(roomId, 'a', { tag: 'x' });
    await kit.attachChannel(roomId, 'a', { muted: true });
    await kit.detachChannel(roomId, 'a');
    const events = await gapless(kit, roomId);
    expect(events.map((event) => (event.content.type === 'system' ? [event.content.code, event.content.data] : []))).toEqual([
      ['channel_attached', { channel_id: 'a', access: 'read_write', visibility: 'all' }],
      ['channel_muted', { channel_id: 'a' }],
      ['channel_unmuted', { channel_id: 'a' }],
      ['channel_visibility_changed', { channel_id: 'a', old_visibility: 'all', visibility: 'intelligence' }],
      ['channel_access_changed', { channel_id: 'a', old_access: 'read_write', access: 'read_only' }],
      ['channel_metadata_updated', { channel_id: 'a', keys: ['tag'] }],
      ['channel_metadata_updated', { channel_id: 'a', keys: ['muted'] }],
      ['channel_detached', { channel_id: 'a' }],
    ]);
    expect(events.every((event) => event.visibility === 'internal' && event.status === 'delivered' && event.source.channelId === 'system')).toBe(
      true,
    );
    expect(updates).toEqual([
      [true, 'all', 'read_write'],
      [false, 'all', 'read_write'],
      [false, 'intelligence', 'read_write'],
      [false, 'intelligence', 'read_only'],
      [false, 'intelligence', 'read_only'],
    ]);
    expect(hooks).toEqual(['channel_attached', 'channel_muted', 'channel_unmuted', 'channel_detached']);
    await kit.close();
  });

  it('stay detached until somebody attaches them again', async () => {
    verifies('CHO-04', 'CHO-05', 'INB-03');
    const { kit } = makeKit();
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a, new TestTransport('b')]);
    expect(await kit.detachChannel(roomId, 'a')).toBe(true);
    expect(await kit.detachChannel(roomId, 'a')).toBe(false);
    expect(await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId })).toMatchObject({
      blocked: true,
      reason: 'channel_detached',
    });
    expect((await kit.listBindings(roomId)).map((binding) => binding.channelId)).toEqual(['b']);
    await kit.attachChannel(roomId, 'a');
    expect((await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId })).blocked).toBe(false);
    await kit.close();
  });

  it('that fail while they are detached are announced first', async () => {
    verifies('CHO-05');
    const { kit } = makeKit();
    const seen: string[] = [];
    const a = new TestTransport('a', {
      detached: () => {
        throw new Error('stuck');
      },
    });
    const roomId = await openRoom(kit, [a]);
    kit.hook('on_channel_detached', () => void seen.push('announced'));
    await expect(kit.detachChannel(roomId, 'a')).rejects.toThrow('stuck');
    expect(seen).toEqual(['announced']);
    expect(await kit.listBindings(roomId)).toEqual([]);
    await kit.close();
  });

  it('F16b detach_during_inbound', async () => {
    verifies('F16b', 'CHO-04');
    for (let round = 0; round < 20; round++) {
      const { kit } = makeKit();
      const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
      const calls = [kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId }), kit.detachChannel(roomId, 'a')] as const;
      if (round % 2 === 1) calls[1].catch(() => undefined);
      const [result] = await Promise.all(calls);
      const stored = messagesOf(await gapless(kit, roomId)).length;
      expect(stored).toBe(result.blocked ? 0 : 1);
      expect((await kit.listBindings(roomId)).map((binding) => binding.channelId)).toEqual(['b']);
      await kit.close();
    }
  });

  it('F44 bindings_never_widen', async () => {
    verifies('F44', 'CHO-07', 'CHO-03');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    await kit.attachChannel(roomId, 'a', { access: 'read_only', visibility: 'none', muted: true });
    await kit.attachChannel(roomId, 'a', { metadata: { seen: true } });
    expect(await kit.listBindings(roomId)).toMatchObject([{ access: 'read_only', visibility: 'none', muted: true, metadata: { seen: true } }]);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'x' }, { roomId });
    expect(await kit.listBindings(roomId)).toMatchObject([{ access: 'read_only', visibility: 'none', muted: true }]);
    await kit.close();
  });
});

describe('people in a room', () => {
  it('are ensured silently, keep their channel, and are identified by hand', async () => {
    verifies('ROOM-09', 'ROOM-10');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestTransport('b')]);
    const told: unknown[] = [];
    kit.hook('on_participant_identified', (event) => void told.push(event.content.type === 'system' ? event.content.data : undefined));
    const before = (await gapless(kit, roomId)).length;
    await kit.ensureParticipant(roomId, 'a', 'ada', { displayName: 'Ada' });
    expect(await kit.ensureParticipant(roomId, 'b', 'ada')).toMatchObject({ channelId: 'a', connectedVia: ['b'], displayName: 'Ada' });
    expect(await gapless(kit, roomId)).toHaveLength(before);
    await expect(kit.resolveParticipant(roomId, 'nobody', 'id-1')).rejects.toThrow(/nobody/);
    await expect(kit.resolveParticipant(roomId, 'ada', 'id-1')).rejects.toThrow(/id-1/);
    await kit.store.createIdentity({ id: 'id-1', displayName: 'Ada Park' });
    expect(await kit.resolveParticipant(roomId, 'ada', 'id-1')).toMatchObject({
      identification: 'identified',
      identityId: 'id-1',
      displayName: 'Ada Park',
      resolvedBy: 'manual',
    });
    expect(told).toEqual([{ participant_id: 'ada', identity_id: 'id-1', resolved_by: 'manual' }]);
    expect((await kit.listBindings(roomId))[0]).toMatchObject({ channelId: 'a', participantId: 'ada' });
    await kit.close();
  });
});

describe('the conversation state', () => {
  it('moves, counts changes of the agent, and keeps the newest 200 steps', () => {
    verifies('CST-01', 'CST-02', 'CST-05');
    const room = { metadata: {}, createdAt: '2026-01-01T00:00:00.000Z' } as never;
    const fresh = getConversationState(room);
    expect(fresh).toMatchObject({ phase: 'intake', handoffCount: 0, phaseHistory: [], context: {} });
    const one = transition({ ...fresh, context: { kept: 1 } }, 'handling', { toAgent: 'x', reason: 'r', at: '2026-01-01T00:00:01.000Z' });
    expect(one).toMatchObject({
      phase: 'handling',
      activeAgentId: 'x',
      previousAgentId: null,
      handoffCount: 1,
      phaseStartedAt: '2026-01-01T00:00:01.000Z',
      context: { kept: 1 },
    });
    expect(one.phaseHistory).toEqual([
      { fromPhase: 'intake', toPhase: 'handling', fromAgent: null, toAgent: 'x', reason: 'r', timestamp: '2026-01-01T00:00:01.000Z', metadata: {} },
    ]);
    const same = transition(one, 'handling', { toAgent: 'x' });
    const none = transition(same, 'escalation');
    expect([same.handoffCount, none.handoffCount, none.activeAgentId]).toEqual([1, 2, null]);
    let state = fresh;
    for (let n = 0; n < 250; n++) state = transition(state, `phase-${n}`);
    expect(state.phaseHistory).toHaveLength(200);
    expect(state.phaseHistory.at(-1)?.toPhase).toBe('phase-249');
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });

  it('is stored with the room, partial states are completed, other metadata stays', async () => {
    verifies('CST-03', 'CST-05');
    const { kit } = makeKit();
    await kit.createRoom({ roomId: 'r', metadata: { other: 1 } });
    const room = setConversationState(await kit.getRoom('r'), { phase: 'triage', activeAgentId: 'x', context: { unknown_key: [1] } });
    expect(getConversationState(await kit.getRoom('r')).phase).toBe('intake');
    await kit.store.updateRoom(room);
    const stored = await kit.getRoom('r');
    expect(stored.metadata).toMatchObject({ other: 1, _conversation_state: { phase: 'triage' } });
    expect(getConversationState(stored)).toMatchObject({ phase: 'triage', activeAgentId: 'x', handoffCount: 0, context: { unknown_key: [1] } });
    await kit.close();
  });

  it('takes what hosts put into it as JSON carries it, and leaves them their objects', async () => {
    verifies('CST-03', 'CST-05', 'INV-15');
    const { kit } = makeKit();
    await kit.createRoom({ roomId: 'r' });
    const topics = ['bill'];
    const since = new Date('2026-01-02T03:04:05.000Z');
    await kit.changeConversation('r', ({ state }) => ({ state: { ...state, context: { topics, since } }, notice: { body: 'Topics', metadata: {} } }));
    topics.push('refund');
    const { context } = getConversationState(await kit.getRoom('r'));
    expect(context).toEqual({ topics: ['bill'], since: '2026-01-02T03:04:05.000Z' });
    await kit.store.updateRoom(setConversationState(await kit.getRoom('r'), { context: { since } }));
    expect(getConversationState(await kit.getRoom('r')).context).toEqual({ since: '2026-01-02T03:04:05.000Z' });
    const [step] = transition(getConversationState(await kit.getRoom('r')), 'triage').phaseHistory;
    const kept = setConversationState(await kit.getRoom('r'), { phaseHistory: Array.from({ length: 250 }, () => step as never) });
    expect(getConversationState(kept).phaseHistory).toHaveLength(200);
    await kit.close();
  });

  it('is changed by hosts through setActiveAgent, with its hook when the phase changes', async () => {
    verifies('CST-04');
    const { kit } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a'), new TestAgent('bot')]);
    const phases: RoomEvent[] = [];
    kit.hook('on_phase_transition', (event) => void phases.push(event));
    await kit.setActiveAgent(roomId, 'bot');
    expect(phases).toEqual([]);
    await kit.setActiveAgent(roomId, 'bot', { phase: 'resolution' });
    expect(phases).toHaveLength(1);
    expect(getConversationState(await kit.getRoom(roomId))).toMatchObject({ phase: 'resolution', activeAgentId: 'bot' });
    await expect(kit.setActiveAgent(roomId, 'nobody')).rejects.toThrow(ValidationError);
    await kit.close();
  });
});

describe('calls of a hook into its own room', () => {
  it('join the open section and commit before their cause', async () => {
    verifies('LOCK-06', 'HK-10', 'INB-28');
    const { kit } = makeKit();
    const b = new TestTransport('b');
    const roomId = await openRoom(kit, [new TestTransport('a'), b]);
    kit.hook('before_broadcast', { channelIds: ['a'] }, async (event) => {
      if (textOf(event) !== 'cause') return HookResult.allow();
      await Promise.all([kit.sendEvent(roomId, 'a', 'child one'), kit.sendEvent(roomId, 'a', 'child two'), kit.setVisibility(roomId, 'b', 'all')]);
      return HookResult.allow();
    });
    const result = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'cause' }, { roomId });
    expect(messagesOf(await gapless(kit, roomId)).map((event) => [textOf(event), event.index])).toEqual([
      ['child one', 2],
      ['child two', 3],
      ['cause', 4],
    ]);
    expect(result.event?.index).toBe(4);
    expect(b.texts).toEqual(['child one', 'child two', 'cause']);
    await kit.close();
  });

  it('to another room are refused, and nest only so deep', async () => {
    verifies('LOCK-06', 'SND-04');
    const { kit } = makeKit();
    const a = new TestTransport('a');
    const roomId = await openRoom(kit, [a]);
    await kit.createRoom({ roomId: 'other' });
    await kit.attachChannel('other', 'a');
    const errors: string[] = [];
    kit.hook('before_broadcast', async (event) => {
      if (textOf(event) === 'cross') await kit.sendEvent('other', 'a', 'x').catch((error: Error) => errors.push(error.message));
      if (textOf(event).startsWith('deep'))
        await kit.sendEvent(roomId, 'a', `deep ${event.chainDepth}`).catch((error: Error) => errors.push(error.message));
      return HookResult.allow();
    });
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'cross' }, { roomId });
    expect(errors[0]).toMatch(/cannot change room 'other'/);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'deep' }, { roomId });
    const depths = messagesOf(await gapless(kit, roomId))
      .filter((event) => textOf(event).startsWith('deep'))
      .map((event) => event.chainDepth);
    expect(Math.max(...depths)).toBeLessThanOrEqual(5);
    expect(depths.length).toBeLessThan(8);
    await kit.close();
  });

  it('F57 fire_and_forget_in_hook', async () => {
    verifies('F57', 'LOCK-06');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('a')]);
    let once = false;
    kit.hook('before_broadcast', () => {
      if (once) return HookResult.allow();
      once = true;
      void kit.sendEvent(roomId, 'a', 'forgotten one');
      void clock.sleep(500).then(() => kit.sendEvent(roomId, 'a', 'forgotten later'));
      return HookResult.allow();
    });
    const first = await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'cause' }, { roomId });
    expect(first.blocked).toBe(false);
    await clock.advance(1000);
    await kit.processInbound({ channelId: 'a', senderId: 'u', content: 'next' }, { roomId });
    expect(
      messagesOf(await gapless(kit, roomId))
        .map(textOf)
        .sort(),
    ).toEqual(['cause', 'forgotten later', 'forgotten one', 'next']);
    await kit.close();
  });
});

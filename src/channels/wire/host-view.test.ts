import { describe, expect, it } from 'vitest';
import { HookResult } from '../../core/hooks/verdict.js';
import { RoomKit } from '../../core/kit.js';
import { silentLogger } from '../../core/logger.js';
import { MockTransportProvider } from '../../testing/mock-transport-provider.js';
import { TestClock } from '../../testing/test-clock.js';
import { verifies } from '../../../test/requirements.js';
import { TransportChannel } from '../transport.js';
import { WebSocketChannel } from '../websocket.js';
import { WireConnection, type WireKit } from './connection.js';
import type { ServerFrame } from './frames.js';

async function watched(narrow: (kit: RoomKit) => WireKit = (kit) => kit) {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  const provider = new MockTransportProvider();
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider }));
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'web');
  await kit.attachChannel('r', 'sms');
  const frames: ServerFrame[] = [];
  const host = new WireConnection({
    id: 'host',
    kit: narrow(kit),
    principal: { kind: 'host', canWrite: true },
    clock,
    logger: silentLogger,
    send: (text) => frames.push(JSON.parse(text) as ServerFrame),
    close: () => undefined,
    buffered: () => 0,
  });
  const speak = (body: string, visibility = 'all') =>
    kit.processInbound({ channelId: 'web', senderId: 'ann', content: body, visibility }, { roomId: 'r' });
  const subscribe = async (more: Record<string, unknown> = {}) => {
    host.onText(JSON.stringify({ type: 'subscribe', id: 's', roomId: 'r', ...more }));
    await clock.advance(0);
  };
  const of = <Type extends ServerFrame['type']>(type: Type) =>
    frames.filter((frame): frame is Extract<ServerFrame, { type: Type }> => frame.type === type);
  const places = () => of('event').map(({ prev, event }) => [prev, event.index]);
  return { kit, clock, provider, frames, host, speak, subscribe, of, places };
}

describe('the host’s view', () => {
  it('shows every event in order, hidden and blocked ones with who blocked them', async () => {
    verifies('WIRE-15');
    const { kit, clock, speak, subscribe, of, frames, places } = await watched();
    await using _kit = kit;
    kit.hook('before_broadcast', { name: 'filter' }, (event) =>
      event.content.type === 'text' && event.content.body === 'bad' ? HookResult.block('not_nice') : HookResult.allow(),
    );
    await speak('one');
    await subscribe({ afterIndex: -1 });
    await speak('hidden', 'none');
    await speak('bad');
    await kit.mute('r', 'web');
    await clock.advance(0);
    expect(frames[0]).toEqual({ type: 'subscribed', id: 's', roomId: 'r', latestIndex: 2 });
    expect(places()).toEqual([
      [-1, 0],
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
    expect(of('event')[4]?.event).toMatchObject({ status: 'blocked', blockedBy: 'filter', content: { body: 'bad' } });
    expect(of('event')[5]?.event).toMatchObject({ type: 'channel_muted', visibility: 'internal' });
  });

  it('shows what became of the deliveries, at the latest when they have ended', async () => {
    verifies('WIRE-15', 'OUT-06');
    const { kit, clock, provider, speak, subscribe, of } = await watched();
    await using _kit = kit;
    await speak('before');
    await subscribe({ afterIndex: 1 });
    expect(of('event')[0]?.event.deliveryResults).toMatchObject({ sms: { status: 'sent' } });
    provider.failNext({ success: false, error: 'bad_number', retryable: false });
    const { event } = await speak('one');
    await clock.advance(250);
    expect(of('event_changed').at(-1)?.event).toMatchObject({
      id: event?.id,
      deliveryResults: { sms: { status: 'failed', error: { code: 'bad_number' } } },
    });
  });

  it('is narrowed to what one channel may see', async () => {
    verifies('WIRE-15', 'F43', 'PERM-07');
    const { kit, speak, subscribe, of, places, clock } = await watched();
    await using _kit = kit;
    await speak('one');
    await subscribe({ afterIndex: -1, as: 'sms' });
    await speak('hidden', 'none');
    await speak('two');
    await clock.advance(0);
    expect(places()).toEqual([
      [-1, 2],
      [2, 4],
    ]);
    expect(of('event')[0]?.event).not.toHaveProperty('deliveryResults');
  });

  it('says so when the room or the channel is not there', async () => {
    verifies('WIRE-14', 'WIRE-15');
    const { kit, subscribe, frames, host } = await watched();
    await using _kit = kit;
    await subscribe({ roomId: 'nowhere' });
    await subscribe({ as: 'nobody' });
    expect(frames).toMatchObject([
      { type: 'error', id: 's', code: 'room_not_found' },
      { type: 'error', id: 's', code: 'room_not_found' },
    ]);
    expect(host.roomCount).toBe(0);
  });

  it('begins live without an index, and anew after too much', async () => {
    verifies('WIRE-04', 'WIRE-15');
    const { kit, speak, subscribe, of, places, clock } = await watched();
    await using _kit = kit;
    for (let n = 0; n < 520; n++) await speak(`${n}`);
    await subscribe();
    await speak('live');
    await clock.advance(0);
    expect(places()).toEqual([[521, 522]]);
    await subscribe({ afterIndex: 1 });
    expect(of('resync')).toEqual([{ type: 'resync', roomId: 'r', fromIndex: 502 }]);
    await speak('more');
    await clock.advance(0);
    expect(places().at(-1)).toEqual([522, 523]);
    await subscribe({ afterIndex: 9000 });
    expect(of('resync').at(-1)).toEqual({ type: 'resync', roomId: 'r', fromIndex: 0 });
  });

  it('does not take a busy room for a long absence', async () => {
    verifies('WIRE-15');
    const { kit, speak, subscribe, of, clock } = await watched();
    await using _kit = kit;
    await subscribe({ afterIndex: -1 });
    for (let n = 0; n < 1200; n++) await speak(`${n}`);
    await clock.advance(0);
    expect(of('resync')).toEqual([]);
    expect(of('event')).toHaveLength(1202);
  });

  it('follows changed and removed events', async () => {
    verifies('WIRE-15', 'ROOM-13');
    const { kit, speak, subscribe, of, clock } = await watched();
    await using _kit = kit;
    const [one, two, three] = [await speak('one'), await speak('two'), await speak('three')].map(({ event }) => event?.id ?? '');
    await subscribe({ afterIndex: 1 });
    await clock.advance(250);
    const before = of('event_changed').length;
    await kit.updateEvent('r', one ?? '', { content: 'uno', visibility: 'none' });
    await kit.deleteEvent('r', two ?? '');
    await kit.processInbound(
      { channelId: 'web', senderId: 'ann', content: { type: 'delete', targetEventId: three ?? '' } },
      { roomId: 'r', wait: 'commit' },
    );
    await clock.advance(0);
    // A host keeps seeing what was hidden or deleted by its author; what the host itself removed is gone.
    expect(
      of('event_changed')
        .slice(before)
        .map(({ event }) => [event.id, event.metadata['deleted'] ?? false]),
    ).toEqual([
      [one, false],
      [three, true],
    ]);
    expect(of('event_removed')).toEqual([{ type: 'event_removed', roomId: 'r', eventId: two }]);
  });

  it('tells of changed rooms, each at most four times a second', async () => {
    verifies('WIRE-15');
    const { kit, clock, speak, subscribe, of, frames } = await watched();
    await using _kit = kit;
    await subscribe({ roomId: '*' });
    expect(frames).toEqual([{ type: 'subscribed', id: 's', roomId: '*', latestIndex: -1 }]);
    for (let n = 0; n < 5; n++) await speak(`${n}`);
    await kit.createRoom({ roomId: 'q' });
    await clock.advance(249);
    expect(of('room')).toEqual([]);
    await clock.advance(1);
    expect(of('room').map(({ room }) => [room.id, room.latestIndex])).toEqual([
      ['r', 6],
      ['q', -1],
    ]);
    await kit.closeRoom('r');
    await clock.advance(250);
    expect(of('room').at(-1)?.room).toMatchObject({ id: 'r', status: 'closed' });
    await subscribe({ type: 'unsubscribe', roomId: '*' });
    await kit.reopenRoom('r');
    await speak('again');
    await clock.advance(250);
    expect(of('room')).toHaveLength(3);
  });

  it('works on a kit that shows less of itself, and leaves nothing behind', async () => {
    verifies('WIRE-15', 'KIT-04');
    const { kit, clock, speak, subscribe, host, places } = await watched((full) => ({
      processInbound: full.processInbound.bind(full),
      readVisible: full.readVisible.bind(full),
      getRoom: full.getRoom.bind(full),
      getEvent: full.getEvent.bind(full),
      getTimeline: full.getTimeline.bind(full),
      listBindings: full.listBindings.bind(full),
      listParticipants: full.listParticipants.bind(full),
      listRooms: full.listRooms.bind(full),
      publishTyping: full.publishTyping.bind(full),
      publishPresence: full.publishPresence.bind(full),
      publishReadReceipt: full.publishReadReceipt.bind(full),
      publishReaction: full.publishReaction.bind(full),
      markRead: full.markRead.bind(full),
      onCommitted: full.onCommitted.bind(full),
      subscribeRoom: full.subscribeRoom.bind(full),
      unsubscribeRoom: full.unsubscribeRoom.bind(full),
    }));
    await subscribe();
    await speak('one');
    await clock.advance(0);
    expect(places()).toEqual([[1, 2]]);
    await subscribe({ roomId: '*' });
    await speak('two');
    host.close();
    const seen = places().length;
    await speak('three');
    await kit.close();
    expect(places()).toHaveLength(seen);
    expect(clock.pendingTimers).toBe(0);
  });

  it('loses a room that is not this caller’s any more', async () => {
    verifies('WIRE-12');
    const { kit, speak, subscribe, host, frames, of } = await watched();
    await using _kit = kit;
    await subscribe();
    host.loseRoom('r');
    await speak('one');
    expect(of('event')).toEqual([]);
    expect(frames.at(-1)).toMatchObject({ type: 'error', code: 'room_not_found', roomId: 'r' });
  });
});

/** Faults of several processes, by their names, on two kits over one real PostgreSQL. */
import { afterEach, describe, expect, it } from 'vitest';
import { HookResult, RoomKit, silentLogger, TransportChannel, WebSocketChannel } from '../../src/index.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from '../../src/providers/postgres/index.js';
import { TestAgent } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const open: RoomKit[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((kit) => kit.close()));
});

interface World {
  readonly kits: readonly [RoomKit, RoomKit];
  /** What was given to the vendor, asked of the agent, and gone through the gate, by whichever kit. */
  readonly seen: Record<'sent' | 'asked' | 'gated', string[]>;
}

async function world(): Promise<World> {
  const schema = server.schema();
  const seen: World['seen'] = { sent: [], asked: [], gated: [] };
  const make = async (): Promise<RoomKit> => {
    const options = { url: server.url, schema, pool: { min: 0, max: 4 }, logger: silentLogger };
    const [store, lockManager, realtime] = [
      await PostgresStore.open(options),
      await PostgresLockManager.open(options),
      await PostgresRealtime.open(options),
    ];
    const kit = new RoomKit({ store, lockManager, realtime, logger: silentLogger });
    open.push(kit);
    kit.registerChannel(new WebSocketChannel('web'));
    const send = ({ event }: { event: { id: string } }) => ({ success: true, providerMessageId: `SM${seen.sent.push(event.id)}` });
    kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: { name: 'gateway', supportsIdempotencyKey: true, send } }));
    kit.registerChannel(new TestAgent('helper', (event) => `re: ${seen.asked.push(event.id)}`));
    kit.hook('before_broadcast', { name: 'gate' }, (event) => {
      seen.gated.push(event.id);
      return HookResult.allow();
    });
    return kit;
  };
  const kits = [await make(), await make()] as const;
  await kits[0].createRoom({ roomId: 'room' });
  for (const channelId of ['web', 'texts', 'helper']) await kits[0].attachChannel('room', channelId);
  return { kits, seen };
}

describe('two kits over one PostgreSQL', () => {
  it('F01 redelivery_returns_first_result: at the same moment and later, on both', { timeout: 60_000 }, async () => {
    verifies('F01', 'INB-08', 'STO-05');
    const { kits, seen } = await world();
    const message = { channelId: 'web', senderId: 'ada', content: 'hello', idempotencyKey: 'k1' };
    const call = (kit: RoomKit) => kit.processInbound(message, { roomId: 'room' });
    const results = await Promise.all([call(kits[0]), call(kits[1]), call(kits[0]), call(kits[1])]);
    await Promise.all(kits.map((kit) => kit.settled()));
    results.push(await call(kits[0]), await call(kits[1]));
    await Promise.all(kits.map((kit) => kit.settled()));
    expect(results.map(({ blocked }) => blocked)).toEqual(Array(6).fill(false));
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    const [id, ...others] = [...new Set(results.map(({ event }) => event?.id))];
    expect(others).toEqual([]);
    const messages = (await kits[1].getTimeline('room')).filter(({ type }) => type === 'message');
    expect(messages.map((event) => event.source.channelId)).toEqual(['web', 'helper']);
    expect([seen.asked, seen.sent]).toEqual([[id], messages.map((event) => event.id)]);
    // A gate may see what turns out to be there already, and nothing comes of it.
    expect(new Set(seen.gated).size).toBe(messages.length);
  });

  it('F16c index_under_load: twenty writers of every kind of event, on both', { timeout: 120_000 }, async () => {
    verifies('F16c', 'STO-02', 'INV-01', 'INV-02');
    const { kits } = await world();
    const each = 12;
    const writers = Array.from({ length: 20 }, async (_, n) => {
      const kit = kits[n % 2] ?? kits[0];
      for (let m = 0; m < each; m++) {
        const kind = (n + m) % 4;
        if (kind === 0) await kit.processInbound({ channelId: 'web', senderId: `p${n}`, content: `${n}.${m}` }, { roomId: 'room', wait: 'commit' });
        else if (kind === 1) await kit.sendEvent('room', 'texts', `${n}.${m}`, { wait: 'commit', addressedTo: [] });
        else if (kind === 2) await kit.attachChannel('room', 'helper', { metadata: { n, m } });
        else await kit.updateRoomMetadata('room', { [`w${n}`]: m });
      }
    });
    await Promise.all(writers);
    await Promise.all(kits.map((kit) => kit.settled()));
    const indexes: number[] = [];
    for (let after = -1; ; after = indexes.at(-1) ?? after) {
      const page = await kits[0].getTimeline('room', { afterIndex: after, limit: 500 });
      indexes.push(...page.map(({ index }) => index));
      if (page.length < 500) break;
    }
    expect(indexes).toEqual(indexes.map((_, place) => place));
    const room = await kits[1].getRoom('room');
    expect([room.latestIndex, room.eventCount]).toEqual([indexes.length - 1, indexes.length]);
    expect(Object.keys(room.metadata).filter((key) => /^w\d+$/.test(key))).toHaveLength(20);
  });

  it('F49 timers: both sweep at once, and each room is closed and told of once', { timeout: 60_000 }, async () => {
    verifies('F49', 'ROOM-07', 'ROOM-08');
    const { kits } = await world();
    const told: unknown[] = [];
    for (const kit of kits) kit.on('room_closed', ({ roomId, data }) => void told.push([roomId, data['reason']]));
    const rooms = Array.from({ length: 6 }, (_, n) => `idle-${n}`);
    for (const roomId of rooms) await kits[0].createRoom({ roomId, timers: { closedAfterSeconds: 0 } });
    await new Promise((resolve) => setTimeout(resolve, 5)); // more than nothing has passed
    const swept = (await Promise.all(kits.map((kit) => kit.sweepRoomTimers()))).flat();
    await Promise.all(kits.map((kit) => kit.settled()));
    expect(swept.map(({ id }) => id).sort()).toEqual(rooms);
    expect(told.map(String).sort()).toEqual(rooms.map((roomId) => `${roomId},timer`));
    for (const roomId of rooms) {
      const codes = (await kits[1].getTimeline(roomId)).map(({ content }) => (content.type === 'system' ? content.code : content.type));
      expect(codes).toEqual(['room_closed_by_timer']);
    }
  });
});

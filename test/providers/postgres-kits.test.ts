/** Whole kits over one PostgreSQL: what several processes make of one room, and what a message costs. */
import { describe, expect, it } from 'vitest';
import { extractText, RoomKit, silentLogger, TransportChannel, WebSocketChannel, type TransportProvider } from '../../src/index.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from '../../src/providers/postgres/index.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();

interface OpenKit {
  readonly kit: RoomKit;
  readonly store: PostgresStore;
  /** What its vendor was given. */
  readonly sent: string[];
}

async function openKit(schema: string): Promise<OpenKit> {
  const options = { url: server.url, schema, pool: { min: 0, max: 4 }, logger: silentLogger };
  const store = await PostgresStore.open(options);
  const lockManager = await PostgresLockManager.open(options);
  const realtime = await PostgresRealtime.open(options);
  const kit = new RoomKit({ store, lockManager, realtime, logger: silentLogger });
  kit.registerChannel(new WebSocketChannel('web'));
  const sent: string[] = [];
  const provider: TransportProvider = {
    name: 'gateway',
    supportsIdempotencyKey: true,
    send: ({ event }) => {
      sent.push(extractText(event));
      return { success: true, providerMessageId: `SM${sent.length}` };
    },
  };
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  return { kit, store, sent };
}

describe('kits over one PostgreSQL', () => {
  it('grow one room together, without a gap or a double', { timeout: 30_000 }, async () => {
    verifies('STO-05', 'STO-16', 'LOCK-01');
    const schema = server.schema();
    const [one, two] = [await openKit(schema), await openKit(schema)];
    try {
      await one.kit.ensureRoom({ roomId: 'room' });
      await one.kit.attachChannel('room', 'web');
      await one.kit.attachChannel('room', 'texts');
      const before = await one.kit.getTimeline('room');
      const said = Array.from({ length: 30 }, (_, n) => n);
      const results = await Promise.all(
        said.map((n) =>
          (n % 2 === 0 ? one : two).kit.processInbound(
            { channelId: 'web', senderId: 'ada', content: `m${n}`, idempotencyKey: `k${n % 25}` },
            { roomId: 'room' },
          ),
        ),
      );
      expect(results.filter(({ duplicate }) => duplicate)).toHaveLength(5);
      const events = await two.kit.getTimeline('room');
      expect(events).toHaveLength(before.length + 25);
      expect(events.map(({ index }) => index)).toEqual(events.map((_, n) => n));
      await Promise.all([one.kit.drain(), two.kit.drain()]);
      const sent = [...one.sent, ...two.sent];
      const stored = events.filter(({ type }) => type === 'message').map((event) => extractText(event));
      expect(sent.sort()).toEqual(stored.sort());
      expect((await one.kit.listDeliveries({ roomId: 'room' })).map(({ state }) => state)).toEqual(Array(25).fill('sent'));
    } finally {
      await one.kit.close();
      await two.kit.close();
    }
  });

  it('ask the store five times for a message with one delivery', { timeout: 30_000 }, async () => {
    verifies('STO-08');
    const { kit, store } = await openKit(server.schema());
    try {
      await kit.ensureRoom({ roomId: 'room' });
      for (const channelId of ['web', 'texts']) await kit.attachChannel('room', channelId);
      await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'first', idempotencyKey: 'first' }, { roomId: 'room' });
      const asked: string[] = [];
      const connections = store['connections'];
      const [all, read] = [connections.all.bind(connections), connections.read.bind(connections)];
      connections.all = (sql, ...values) => (asked.push(sql), all(sql, ...values));
      connections.read = (sql, ...values) => (asked.push(sql), read(sql, ...values));
      await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'second', idempotencyKey: 'second' }, { roomId: 'room' });
      const ofMessage = asked.filter((sql) => !sql.includes('UNION ALL')).map((sql) => /@[a-z_]+/.exec(sql)?.[0]);
      // The room twice, before its lock and under it; its earlier event of this key; the commit; what became of the delivery.
      expect(ofMessage).toEqual(['@bindings', '@bindings', '@events', '@commit_event', '@outbox']);
    } finally {
      await kit.close();
    }
  });
});

/** Whole kits over one PostgreSQL: what several processes make of one room, and what a message costs. */
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import {
  Agent,
  extractText,
  HookResult,
  MockAIProvider,
  RoomKit,
  silentLogger,
  TransportChannel,
  WebSocketChannel,
  type RoomKitOptions,
  type TransportProvider,
} from '../../src/index.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from '../../src/providers/postgres/index.js';
import { until } from '../../src/testing/contracts/settling.js';
import { CarryingTelemetry } from '../support/carrying-telemetry.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();

interface OpenKit {
  readonly kit: RoomKit;
  readonly store: PostgresStore;
  /** What its vendor was given. */
  readonly sent: string[];
}

async function openKit(schema: string, more: Pick<RoomKitOptions, 'telemetry' | 'recoverIntervalSeconds'> = {}): Promise<OpenKit> {
  const options = { url: server.url, schema, pool: { min: 0, max: 4 }, logger: silentLogger };
  const store = await PostgresStore.open(options);
  const lockManager = await PostgresLockManager.open(options);
  const realtime = await PostgresRealtime.open(options);
  const kit = new RoomKit({ store, lockManager, realtime, ...more, logger: silentLogger });
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
  it('work in one trace: what one has heard, the other answers and delivers once that is gone', { timeout: 30_000 }, async () => {
    verifies('TEL-08', 'TEL-04');
    const schema = server.schema();
    const heard = new CarryingTelemetry(1);
    const done = new CarryingTelemetry(2);
    const [one, two] = [await openKit(schema, { telemetry: { provider: heard } }), await openKit(schema, { telemetry: { provider: done } })];
    try {
      two.kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: ['On its way.'] }) }));
      await one.kit.ensureRoom({ roomId: 'room' });
      for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
      await two.kit.attachChannel('room', 'helper');
      await one.kit.unregisterChannel('texts');
      await one.kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is it?' }, { roomId: 'room', wait: 'commit' });
      await one.kit.close();
      await until(() => two.sent.length === 2, 'both messages with the vendor', 1_500_000);
      await two.kit.settled();
      const inbound = heard.of('framework.inbound').find(({ options }) => options.channelId === 'web');
      const [turn] = done.of('framework.turn');
      const deliveries = done.of('framework.delivery').filter(({ options }) => options.channelId === 'texts');
      expect(turn?.options.remoteParent).toEqual({ traceparent: inbound?.id });
      expect(deliveries.find(({ options }) => options.remoteParent !== undefined)?.options.remoteParent).toEqual({ traceparent: inbound?.id });
      expect(new Set([...deliveries, ...done.of('llm.generate')].map(({ id }) => id.slice(3, 35)))).toEqual(new Set([inbound?.id.slice(3, 35)]));
    } finally {
      await Promise.all([one.kit.close(), two.kit.close()]);
    }
  });

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

  it('tell a host at one what becomes of a delivery of the other, and nobody when nobody follows', { timeout: 30_000 }, async () => {
    verifies('OUT-19', 'OUT-07');
    const schema = server.schema();
    const [one, two] = [await openKit(schema), await openKit(schema)];
    try {
      await one.kit.ensureRoom({ roomId: 'room' });
      for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
      const live: string[] = [];
      await two.kit.realtime.subscribe('room:room:live', (message) => void live.push(JSON.stringify(message)));
      const say = (content: string): ReturnType<RoomKit['processInbound']> =>
        one.kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' });
      const unseen = await say('nobody looks');
      const told: string[] = [];
      let isKnown = false;
      await one.kit.realtime.subscribe('kits', (message) => void (isKnown ||= 'roomIds' in message));
      const stop = await two.kit.followRoom('room', { grown: () => undefined, outcome: (eventId) => void told.push(eventId) });
      await until(() => isKnown, 'who follows', 1_500_000);
      const { event } = await say('a secret');
      await until(() => told.includes(event?.id ?? ''), 'that it was sent', 1_500_000);
      const row = (await two.kit.listDeliveries({ roomId: 'room' })).find(({ eventId }) => eventId === event?.id);
      expect(row?.state).toBe('sent');
      told.length = 0;
      const status = { provider: 'gateway', messageId: row?.providerMessageId ?? '', channelId: 'texts', status: 'read' } as const;
      await one.kit.processDeliveryStatus(status);
      await until(() => told.includes(event?.id ?? ''), 'that it was read', 1_500_000);
      expect((await two.kit.getDelivery(row?.id ?? ''))?.state).toBe('read');
      expect(live.join()).toContain(event?.id ?? '');
      expect(live.join()).not.toContain('secret');
      expect(live.join()).not.toContain(unseen.event?.id);
      stop();
    } finally {
      await Promise.all([one.kit.close(), two.kit.close()]);
    }
  });

  describe('ask the store', () => {
    /** What is looked for from time to time is not asked by a message. */
    const ALONE = { recoverIntervalSeconds: 0 };
    const message = (n: string): Parameters<RoomKit['processInbound']>[0] => ({
      channelId: 'web',
      senderId: 'ada',
      content: n,
      idempotencyKey: n,
    });

    it('twice for a message with one delivery, three times for the first of a room and for one that names no room', { timeout: 30_000 }, async () => {
      verifies('STO-18', 'INB-07');
      const schema = server.schema();
      const [one, two] = [await openKit(schema, ALONE), await openKit(schema, ALONE)];
      try {
        await one.kit.ensureRoom({ roomId: 'room' });
        for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
        const known = ['@commit_event', '@outbox'];
        expect(await statements(two, () => two.kit.processInbound(message('first'), { roomId: 'room' }))).toEqual(['loadArrival', ...known]);
        expect(await statements(two, () => two.kit.processInbound(message('second'), { roomId: 'room' }))).toEqual(known);
        expect(await statements(one, () => one.kit.processInbound(message('third'), { roomId: 'room' }))).toEqual(known);
        const routed = ['findRoute', '@commit_event', '@outbox'];
        expect(await statements(one, () => one.kit.processInbound(message('fourth')))).toEqual(routed);
        expect(await statements(two, () => two.kit.processInbound(message('fifth')))).toEqual(routed);
        expect(await statements(two, () => two.kit.processInbound({ ...message('sixth'), idempotencyKey: undefined }))).toEqual(routed);
        expect(two.sent.length + one.sent.length).toBe(6);
        expect((await one.kit.listDeliveries({ roomId: 'room' })).map(({ state }) => state)).toEqual(Array(6).fill('sent'));
      } finally {
        await one.kit.close();
        await two.kit.close();
      }
    });

    it('once more under the lock where gates decide, and where somebody has changed the room since', { timeout: 30_000 }, async () => {
      verifies('STO-18', 'INB-07', 'INB-08', 'LOCK-02');
      const schema = server.schema();
      const [one, two, three] = [await openKit(schema, ALONE), await openKit(schema, ALONE), await openKit(schema, ALONE)];
      try {
        await one.kit.ensureRoom({ roomId: 'room' });
        for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
        // The other has changed what the one remembers.
        await two.kit.mute('room', 'web');
        const remembered = await statements(one, () => one.kit.processInbound(message('too late'), { roomId: 'room' }));
        expect(remembered).toEqual(['@commit_event', 'loadArrival', '@commit_event']);
        expect((await one.kit.getTimeline('room')).at(-1)).toMatchObject({ status: 'blocked', blockedBy: 'source_muted' });
        await one.kit.unmute('room', 'web');
        // Between the read of one that has not seen the room and its commit the other takes the delivery's channel away.
        const { store } = three;
        const loadArrival = store.loadArrival.bind(store);
        store.loadArrival = async (...asked) => {
          const arrival = await loadArrival(...asked);
          store.loadArrival = loadArrival;
          await two.kit.mute('room', 'web');
          return arrival;
        };
        const changed = await statements(three, () => three.kit.processInbound(message('late'), { roomId: 'room' }));
        expect(changed).toEqual(['loadArrival', '@commit_event', 'loadArrival', '@commit_event']);
        expect((await one.kit.getTimeline('room')).at(-1)).toMatchObject({ status: 'blocked', blockedBy: 'source_muted' });
        await two.kit.unmute('room', 'web');

        let asked = 0;
        one.kit.hook('before_broadcast', { name: 'counts' }, () => (asked++, HookResult.allow()));
        await one.kit.processInbound(message('reads history'), { roomId: 'room' });
        const gated = await statements(one, () => one.kit.processInbound(message('gated'), { roomId: 'room' }));
        expect(gated).toEqual(['loadArrival', 'loadArrival', '@commit_event', '@outbox']);
        const again = await Promise.all([message('gated'), message('gated')].map((said) => one.kit.processInbound(said, { roomId: 'room' })));
        expect(again.map(({ duplicate }) => duplicate)).toEqual([true, true]);
        expect(asked).toBe(2);
      } finally {
        for (const { kit } of [one, two, three]) await kit.close();
      }
    });

    it('by what they remember of a room, and do as if they had asked', { timeout: 30_000 }, async () => {
      verifies('STO-18', 'INB-07', 'INB-08', 'ROOM-04');
      const schema = server.schema();
      const [one, two] = [await openKit(schema, ALONE), await openKit(schema, ALONE)];
      const tell = ({ kit }: OpenKit, said: string): ReturnType<RoomKit['processInbound']> => kit.processInbound(message(said), { roomId: 'room' });
      try {
        await one.kit.ensureRoom({ roomId: 'room' });
        for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
        const first = await tell(two, 'a');
        expect(await tell(one, 'a')).toMatchObject({ duplicate: true, event: { id: first.event?.id } });
        // A channel more: what comes next is delivered there, too.
        await two.kit.detachChannel('room', 'texts');
        expect(await tell(one, 'b')).toMatchObject({ blocked: false, deliveryResults: {} });
        await two.kit.attachChannel('room', 'texts');
        expect((await tell(one, 'c')).deliveryResults).toMatchObject({ texts: { status: 'sent' } });
        await two.kit.closeRoom('room');
        expect(await tell(one, 'd')).toMatchObject({ blocked: true, reason: 'room_closed' });
        expect(await tell(one, 'c')).toMatchObject({ duplicate: true });
        await two.kit.reopenRoom('room');
        expect(await tell(one, 'd')).toMatchObject({ blocked: false, duplicate: false });
        // It is gone, and made anew by the next message, as one that was never there.
        await two.kit.deleteRoom('room');
        expect(await tell(one, 'e')).toMatchObject({ blocked: false, duplicate: false });
        const bodies = (await two.kit.getTimeline('room')).flatMap(({ content }) => (content.type === 'text' ? [content.body] : []));
        expect(bodies).toEqual(['e']);
      } finally {
        await one.kit.close();
        await two.kit.close();
      }
    });
  });
});

/** What of the server is asked meanwhile, statement by statement; what comes with time and not with messages is left for later. */
async function statements({ store }: OpenKit, during: () => Promise<unknown>): Promise<string[]> {
  const asked: string[] = [];
  const { pool } = store['connections'] as unknown as { pool: pg.Pool };
  const clients: [client: pg.PoolClient, query: pg.PoolClient['query']][] = [];
  const onAcquire = (client: pg.PoolClient): void => {
    if (clients.some(([known]) => known === client)) return;
    const query = client.query.bind(client) as (config: { text: string }) => unknown;
    clients.push([client, client.query]);
    client.query = ((config: { text: string }) => {
      asked.push(config.text);
      return query(config);
    }) as typeof client.query;
  };
  pool.on('acquire', onAcquire);
  const { claimDue } = store;
  store.claimDue = () => Promise.resolve({ rows: [], turns: [] });
  try {
    await during();
  } finally {
    pool.off('acquire', onAcquire);
    store.claimDue = claimDue;
    for (const [client, query] of clients) client.query = query;
  }
  return asked
    .filter((text) => !/clock_timestamp|SELECT id, latest_index/.test(text))
    .map((text) => {
      if (text.includes('chosen AS')) return 'findRoute';
      if (text.includes('AS earlier')) return 'loadArrival';
      return `@${/"[a-z0-9_]+"\.([a-z_]+)/.exec(text)?.[1] ?? text}`;
    });
}

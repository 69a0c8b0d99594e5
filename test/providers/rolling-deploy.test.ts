/** A rolling deploy over one PostgreSQL: one kit closes and another starts under load; a kit of the version before goes on. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { RoomKitClient, textOf as textIn } from 'roomkit/client';
import { serve } from 'roomkit/server';
import { extractText, RoomKit, silentLogger, TransportChannel, WebSocketChannel, type TransportProvider } from '../../src/index.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from '../../src/providers/postgres/index.js';
import { Connections } from '../../src/providers/postgres/connection.js';
import { checkedConfig } from '../../src/providers/postgres/config.js';
import { migrate, STEPS } from '../../src/providers/postgres/schema.js';
import { storeContract } from '../../src/testing/index.js';
import { TestAgent, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const LEASE_SECONDS = 300;

/** What the vendor and the agents have done, whichever process it was. */
interface Ledger {
  /** Key → text, as an idempotent vendor keeps it: a second call of a key changes nothing. */
  readonly sent: Map<string, string>;
  /** Room → texts, in the order they came. */
  readonly order: Map<string, string[]>;
}

interface Answering {
  readonly kit: RoomKit;
  readonly name: string;
}

async function openKit(schema: string, ledger: Ledger, name: string, delayMs = 5): Promise<Answering> {
  const options = { url: server.url, schema, pool: { min: 0, max: 4 }, logger: silentLogger };
  const store = await PostgresStore.open(options);
  const lockManager = await PostgresLockManager.open({ ...options, leaseSeconds: 5 });
  const realtime = await PostgresRealtime.open(options);
  // Whoever waited for a lease to end would wait longer than this test.
  const kit = new RoomKit({ store, lockManager, realtime, logger: silentLogger, leaseSeconds: LEASE_SECONDS, drainSeconds: 2 });
  const provider: TransportProvider = {
    name: 'gateway',
    supportsIdempotencyKey: true,
    send: async ({ event, idempotencyKey }) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (!ledger.sent.has(idempotencyKey)) {
        ledger.sent.set(idempotencyKey, extractText(event));
        const order = ledger.order.get(event.roomId) ?? [];
        order.push(extractText(event));
        ledger.order.set(event.roomId, order);
      }
      return { success: true };
    },
  };
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  kit.registerChannel(
    new TestAgent('helper', async (event) => {
      await new Promise((resolve) => setTimeout(resolve, delayMs * 4));
      return `re: ${textOf(event)}`;
    }),
  );
  return { kit, name };
}

describe('a rolling deploy', () => {
  it('loses nothing, doubles nothing and waits for no lease', { timeout: 150_000 }, async () => {
    verifies('OPS-07', 'OUT-08', 'TURN-03', 'INV-04');
    const schema = server.schema();
    const ledger: Ledger = { sent: new Map(), order: new Map() };
    let kits = [await openKit(schema, ledger, 'one'), await openKit(schema, ledger, 'two')];
    const rooms = Array.from({ length: 50 }, (_, n) => `room-${n}`);
    for (const roomId of rooms) {
      await kits[0]?.kit.ensureRoom({ roomId });
      for (const channelId of ['web', 'texts']) await kits[0]?.kit.attachChannel(roomId, channelId);
      // A fast machine writes faster than its agent answers: nobody is turned away for that here.
      await kits[0]?.kit.attachChannel(roomId, 'helper', { collision: { maxQueued: 1000 } });
    }
    const accepted = new Map<string, string[]>(rooms.map((roomId) => [roomId, []]));
    let isOver = false;
    // One sender per room, as a balancer would: to any process that takes it, and once more when it was refused.
    const senders = rooms.map(async (roomId, n) => {
      for (let m = 0; !isOver && m < 40; m++) {
        const text = `${roomId} ${m}`;
        for (let tries = 0; ; tries++) {
          const open = kits.filter(({ kit }) => kit.stats().state === 'open');
          const { kit } = open[(n + m + tries) % open.length] ?? {};
          try {
            await kit?.processInbound({ channelId: 'web', senderId: `person-${n}`, content: text, idempotencyKey: text }, { roomId, wait: 'commit' });
            if (kit !== undefined) break;
          } catch (error) {
            if ((error as { code?: string }).code !== 'kit_closed' && tries > 20) throw error;
          }
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        accepted.get(roomId)?.push(text);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    });
    const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    await pause(300);
    for (const name of ['three', 'four']) {
      const fresh = await openKit(schema, ledger, name);
      const [oldest, ...others] = kits;
      kits = [...others, fresh];
      const closing = oldest?.kit.close();
      await pause(300);
      await closing;
    }
    isOver = true;
    await Promise.all(senders);
    // What is left is found before any lease ends, however slow the machine is. The driver knows what was accepted, the vendor what it was given.
    const expected = 2 * [...accepted.values()].flat().length;
    const until = Date.now() + 100_000;
    while (ledger.sent.size < expected) {
      if (Date.now() > until) throw new Error(`The vendor has ${ledger.sent.size} of ${expected}.`);
      await pause(50);
    }
    await Promise.all(kits.map(({ kit }) => kit.settled()));
    const [last] = kits;
    for (const roomId of rooms) {
      const said = accepted.get(roomId) ?? [];
      const given = ledger.order.get(roomId) ?? [];
      // All of it, each once and in order; each answered once, and after it was said.
      expect(given.filter((text) => !text.startsWith('re: '))).toEqual(said);
      expect(given.filter((text) => text.startsWith('re: ')).toSorted()).toEqual(said.map((text) => `re: ${text}`).toSorted());
      expect(said.filter((text) => given.indexOf(`re: ${text}`) < given.indexOf(text))).toEqual([]);
      const events = ((await last?.kit.getTimeline(roomId, { limit: 1000 })) ?? []).filter(({ type }) => type === 'message');
      expect(given, 'as the timeline has it').toEqual(events.map(textOf));
    }
    expect(ledger.sent.size).toBe(expected);
    expect(expected).toBeGreaterThan(100);
    const { deliveries, turns } = (await last?.kit.storeStats()) ?? {};
    expect([deliveries?.queued, deliveries?.sending, deliveries?.unknown, turns?.queued, turns?.running]).toEqual([0, 0, 0, 0, 0]);
    await Promise.all(kits.map(({ kit }) => kit.close()));
  });
});

describe('a client of a process that closes', () => {
  it('goes on at another from its last index, without a gap or a double', { timeout: 60_000 }, async () => {
    verifies('OPS-08', 'WIRE-13', 'OUT-15');
    const schema = server.schema();
    const ledger: Ledger = { sent: new Map(), order: new Map() };
    const [one, two] = [await openKit(schema, ledger, 'one'), await openKit(schema, ledger, 'two')];
    await one.kit.ensureRoom({ roomId: 'room' });
    for (const channelId of ['web', 'texts']) await one.kit.attachChannel('room', channelId);
    const options = { port: 0, clientTokens: { secrets: ['a secret of at least thirty-two bytes, surely'] } };
    const [first, second] = [await serve(one.kit, options), await serve(two.kit, options)];
    // A balancer: each connection goes to a process that is ready.
    const isReady = async (url: string): Promise<boolean> =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    const balancer = createServer((incoming) => {
      incoming.on('error', () => undefined);
      void isReady(first.url).then((isFirst) => {
        const outgoing = connect(isFirst ? first.port : second.port, '127.0.0.1');
        outgoing.on('error', () => incoming.destroy());
        incoming.pipe(outgoing).pipe(incoming);
      });
    });
    await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
    const client = new RoomKitClient({
      url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`,
      WebSocket,
      token: async () => (await second.mintClientToken({ rooms: ['room'], channelId: 'web', participantId: 'ann' })).token,
    });
    const room = client.room('room');
    try {
      await room.enter();
      const say = (kit: RoomKit, body: string) => kit.sendEvent('room', 'texts', body, { wait: 'commit' });
      for (let n = 0; n < 3; n++) await say(one.kit, `before ${n}`);
      first.drain();
      for (let n = 0; n < 5; n++) await say(two.kit, `meanwhile ${n}`);
      await first.close();
      await one.kit.close();
      for (let n = 0; n < 3; n++) await say(two.kit, `after ${n}`);
      const until = Date.now() + 20_000;
      while (room.messages.length < 11 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
      const timeline = (await two.kit.getTimeline('room', { limit: 100 })).filter(({ type }) => type === 'message');
      expect(room.messages.map(textIn)).toEqual(timeline.map(textOf));
      expect(room.messages).toHaveLength(11);
      expect((await room.send('and I am here')).duplicate).toBe(false);
    } finally {
      client.close();
      balancer.close();
      await second.close();
      await two.kit.close();
    }
  });
});

describe('a kit of the version before', () => {
  /** As the next version will do it: tables and columns are added, and what is there stays (STO-08). */
  const next = {
    sql: `ALTER TABLE @outbox ADD COLUMN region text COLLATE "C" GENERATED ALWAYS AS (json ->> 'region') STORED;
      ALTER TABLE @rooms ADD COLUMN labels json;
      ALTER TABLE @turns ADD COLUMN priority bigint NOT NULL DEFAULT 0;
      ALTER TABLE @events ADD COLUMN language text DEFAULT 'simple';
      CREATE INDEX outbox_by_region ON @outbox (region) WHERE region IS NOT NULL;
      CREATE TABLE @labels (room_id text COLLATE "C" PRIMARY KEY, json json NOT NULL)`,
    compatibleFrom: STEPS.length,
  };

  async function openOnNewer(): Promise<PostgresStore> {
    const options = { url: server.url, schema: server.schema(), pool: { min: 0, max: 4 } };
    await (await PostgresStore.open(options)).close();
    const connections = await Connections['open'](checkedConfig(options, {}), 'test');
    try {
      await connections.transaction((sql) => migrate(sql, options.schema, connections.place, [...STEPS, next]));
    } finally {
      await connections.close();
    }
    return PostgresStore.open(options);
  }

  const RULES = ['STO-01', 'STO-02', 'STO-04', 'STO-16', 'OUT-08', 'OPS-02'];
  const core = storeContract.filter(({ rules }) => rules.some((rule) => RULES.includes(rule)));

  it('is tried with what matters', () => {
    expect(core.length).toBeGreaterThan(15);
  });

  it.each(core.map((one) => [one.name, one] as const))('on the schema of the next: %s', async (_case, one) => {
    verifies('STO-08', 'STO-13', 'OPS-09');
    await one.run(openOnNewer);
  });
});

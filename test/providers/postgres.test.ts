/** PostgresStore where things go wrong: schemas of other versions, missing rights, servers that are slow, full or gone. */
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { checkedConfig, placeOf } from '../../src/providers/postgres/config.js';
import { Connections } from '../../src/providers/postgres/connection.js';
import { PostgresLockManager, PostgresRealtime, PostgresStore, type PostgresOptions } from '../../src/providers/postgres/index.js';
import { migrate, STEPS, type SchemaStep } from '../../src/providers/postgres/schema.js';
import { silentLogger, type RealtimeMessage } from '../../src/core/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { until } from '../../src/testing/contracts/settling.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

function options(more: PostgresOptions = {}): PostgresOptions & { schema: string } {
  return { url: server.url, schema: server.schema(), pool: { min: 0, max: 3 }, ...more };
}

async function open(given: PostgresOptions = options()): Promise<PostgresStore> {
  const store = await PostgresStore.open(given);
  opened.push(store);
  return store;
}

function connectionsOf(store: PostgresStore): Connections {
  return store['connections'];
}

/** Ends every connection of this test's stores, as an administrator or a failover does. */
async function cutAll(): Promise<void> {
  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roomkit'");
}

describe('the schema', () => {
  it('is migrated from every older version, and keeps what is in it', async () => {
    verifies('STO-08', 'STO-13');
    const given = options();
    const store = await open(given);
    await store.createRoom(samples.room('room'));
    await store.commitEvent({ event: samples.draft('room', 'e0') });
    const newer: SchemaStep[] = [...STEPS, { sql: 'ALTER TABLE @rooms ADD COLUMN later text', compatibleFrom: 1 }];
    await migrateTo(given, newer);
    await migrateTo(given, newer);
    const rows = await server.query(`SELECT id, later FROM "${given.schema}".rooms`);
    expect(rows).toEqual([{ id: 'room', later: null }]);
    const older = await open(given);
    expect((await older.commitEvent({ event: samples.draft('room', 'e1') })).event.index).toBe(1);
    expect((await store.commitEvent({ event: samples.draft('room', 'e2') })).event.index).toBe(2);
  });

  it('of a newer version is refused with both versions named, and left as it is', async () => {
    verifies('STO-13');
    const given = options();
    await (await open(given)).createRoom(samples.room('room'));
    await migrateTo(given, [...STEPS, { sql: 'SELECT 1', compatibleFrom: STEPS.length + 1 }]);
    const opening = PostgresStore.open(given);
    await expect(opening).rejects.toMatchObject({ code: 'store_newer', retryable: false });
    await expect(opening).rejects.toThrow(new RegExp(`schema ${STEPS.length + 1}, .*this one knows ${STEPS.length}.*Update roomkit`));
    expect(await server.query(`SELECT id FROM "${given.schema}".rooms`)).toHaveLength(1);
  });

  it('that does not succeed leaves nothing behind', async () => {
    verifies('STO-08');
    const given = options();
    await expect(migrateTo(given, [...STEPS, { sql: 'SELECT nonsense', compatibleFrom: 1 }])).rejects.toThrow(/nonsense/);
    expect(await server.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${given.schema}'`)).toEqual([]);
  });

  it('is made once when many kits start at once', async () => {
    verifies('STO-08');
    const given = options();
    const stores = await Promise.all(Array.from({ length: 5 }, () => open(given)));
    for (const [n, store] of stores.entries()) await store.createRoom(samples.room(`room-${n}`));
    expect(await stores[0]?.findRooms({})).toHaveLength(5);
  });

  it('of another program is refused as it is', async () => {
    verifies('STO-13', 'CON-07');
    const given = options();
    await server.query(`CREATE SCHEMA "${given.schema}"; CREATE TABLE "${given.schema}".invoices (id int)`);
    await expect(PostgresStore.open(given)).rejects.toMatchObject({ code: 'store_foreign' });
    expect(await server.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${given.schema}'`)).toEqual([{ tablename: 'invoices' }]);
  });

  it('cannot be made without the right to, which is said before any harm', async () => {
    verifies('CON-07');
    const given = options();
    await server.query(`DO $$ BEGIN CREATE ROLE guest LOGIN PASSWORD 'guest'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
    const url = new URL(server.url);
    [url.username, url.password] = ['guest', 'guest'];
    const opening = PostgresStore.open({ ...given, url: url.href });
    await expect(opening).rejects.toMatchObject({ code: 'store_denied', retryable: false });
    await expect(opening).rejects.toThrow(/Grant CREATE on the database, or create the schema and make the user its owner/);
    await server.query(`CREATE SCHEMA "${given.schema}" AUTHORIZATION guest`);
    const store = await open({ ...given, url: url.href });
    expect((await store.createRoom(samples.room('room'))).id).toBe('room');
  });
});

describe('a database that cannot be opened', () => {
  it('says what is wrong with its address, and never the password', async () => {
    verifies('CON-07');
    await expect(PostgresStore.open('mysql://localhost/app')).rejects.toThrow(/postgres:\/\/user:password@host.*its scheme is 'mysql'/);
    await expect(PostgresStore.open({ url: '' })).rejects.toThrow(/DATABASE_URL/);
    await expect(PostgresStore.open({ url: server.url, schema: 'a"b' })).rejects.toThrow(/no name for a schema/);
    await expect(PostgresStore.open({ url: server.url, pool: { min: 5, max: 2 } })).rejects.toThrow(/pool of 5 to 2/);
    const nobody = PostgresStore.open('postgres://ada:hidden@127.0.0.1:1/app');
    await expect(nobody).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    await expect(nobody).rejects.toThrow(/Nothing answers at 127.0.0.1:1\/app .*ECONNREFUSED/);
    expect(placeOf(checkedConfig('postgres://ada:hidden@host/app', {}))).not.toContain('hidden');
    const url = new URL(server.url);
    url.password = 'wrong';
    await expect(PostgresStore.open(url.href)).rejects.toMatchObject({ code: 'store_denied' });
    const missing = new URL(server.url);
    missing.pathname = '/nowhere';
    await expect(PostgresStore.open(missing.href)).rejects.toThrow(/does not exist. Create it first/);
  });
});

describe('a server that fails', () => {
  it('in the middle of a transaction rolls it back, and it is run once more', async () => {
    verifies('STO-08');
    const store = await open();
    await store.createRoom(samples.room('room'));
    let attempts = 0;
    await connectionsOf(store).transaction(async (sql) => {
      await sql.all('UPDATE @rooms SET event_count = event_count + 1 WHERE id = $1', 'room');
      if (++attempts === 1) await cutAll();
      await sql.all('SELECT 1');
    });
    expect([attempts, (await store.getRoom('room'))?.eventCount]).toEqual([2, 1]);
    const failing = connectionsOf(store).transaction(async (sql) => {
      await sql.all('UPDATE @rooms SET event_count = event_count + 1 WHERE id = $1', 'room');
      await cutAll();
      await sql.all('SELECT 1');
    });
    await expect(failing).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    expect((await store.getRoom('room'))?.eventCount).toBe(1);
  });

  it('is forgotten by connections that nobody used meanwhile', async () => {
    verifies('STO-08');
    const store = await open();
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 5; n++) {
      await cutAll();
      expect((await store.commitEvent({ event: samples.draft('room', `e${n}`) })).event.index).toBe(n);
    }
  });

  it('never ends the process: somebody listens also in the moment in which a connection is handed out', async () => {
    verifies('STO-08');
    const connections = connectionsOf(await open());
    const listeners: number[] = [];
    // The driver reads several messages at once: that it may be used, and that it is ended by an administrator.
    connections['pool'].on('acquire', (client) => queueMicrotask(() => listeners.push(client.listenerCount('error'))));
    await Promise.all([connections.all('SELECT 1'), connections.all('SELECT 1')]);
    expect(listeners).toEqual([1, 1]);
  });

  it('and is started again is worked with as before', { timeout: 60_000 }, async () => {
    verifies('STO-08', 'EPH-01', 'LOCK-04');
    const own = server.server;
    if (own === null) return;
    const given = options();
    const store = await open(given);
    const [here, there] = [
      await PostgresRealtime.open({ ...given, logger: silentLogger }),
      await PostgresRealtime.open({ ...given, logger: silentLogger }),
    ];
    const locks = await PostgresLockManager.open({ ...given, logger: silentLogger });
    opened.push(here, there, locks);
    const heard: RealtimeMessage[] = [];
    await there.subscribe('room:one', (message) => void heard.push(message));
    await store.createRoom(samples.room('room'));
    await store.commitEvent({ event: samples.draft('room', 'e0') });
    const before = await locks.acquire('room');
    await before.release();
    await own.stop();
    await expect(store.commitEvent({ event: samples.draft('room', 'e1') })).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    await own.start();
    expect((await store.commitEvent({ event: samples.draft('room', 'e1') })).event.index).toBe(1);
    const after = await locks.acquire('room');
    expect(after.token ?? 0).toBeGreaterThan(before.token ?? Infinity);
    await after.release();
    for (let n = 0; heard.length === 0 && n < 200; n++) {
      await here.publish('room:one', { n });
      await until(() => true, 'a turn');
      await server.query('SELECT pg_sleep(0.05)');
    }
    expect(heard.length).toBeGreaterThan(0);
  });

  it('and stays away lets everything be closed', { timeout: 60_000 }, async () => {
    verifies('KIT-04');
    const own = server.server;
    if (own === null) return;
    const given = options();
    const store = await open(given);
    const realtime = await PostgresRealtime.open({ ...given, logger: silentLogger });
    const locks = await PostgresLockManager.open({ ...given, logger: silentLogger });
    await realtime.subscribe('room:one', () => undefined);
    await own.stop();
    try {
      await realtime.publish('room:one', { lost: true });
      await Promise.all([store.close(), realtime.close(), locks.close()]);
    } finally {
      await own.start();
    }
    await expect(store.getRoom('room')).rejects.toMatchObject({ code: 'store_closed' });
  });

  it('that is slow is waited for so long as the options say, and nothing of it is stored', async () => {
    verifies('CON-07');
    const store = await open(options({ statementTimeoutMs: 200 }));
    await store.createRoom(samples.room('room'));
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      await client.query(`BEGIN; LOCK TABLE "${connectionsOf(store).config.schema}".events`);
      const committing = store.commitEvent({ event: samples.draft('room', 'e0') });
      await expect(committing).rejects.toMatchObject({ code: 'store_slow', retryable: true });
      await client.query('ROLLBACK');
    } finally {
      await client.end();
    }
    expect(await store.countEvents('room')).toBe(0);
    expect((await store.commitEvent({ event: samples.draft('room', 'e0') })).event.index).toBe(0);
  });

  it('whose connections are all in use is waited for, and then it is said', async () => {
    verifies('CON-07');
    const store = await open(options({ pool: { min: 0, max: 1 }, connectTimeoutMs: 200 }));
    let release = (): void => undefined;
    const holding = connectionsOf(store).transaction(async () => new Promise<void>((resolve) => (release = resolve)));
    await expect(store.getRoom('room')).rejects.toMatchObject({ code: 'store_busy', retryable: true });
    release();
    await holding;
    expect(await store.getRoom('room')).toBeNull();
  });
});

describe('several processes', () => {
  it('are told the time of the server', async () => {
    verifies('STO-17');
    const [row] = await server.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS before');
    const told = await (await open()).time();
    expect(Number.isSafeInteger(told)).toBe(true);
    expect(told).toBeGreaterThanOrEqual(Math.floor(Number(row?.['before'])));
  });

  it('append to one room without a gap or a double, and see what the other has done', async () => {
    verifies('STO-05', 'STO-03');
    const given = options();
    const [one, two] = [await open(given), await open(given)];
    await one.createRoom(samples.room('room'));
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).commitEvent({ event: samples.draft('room', `e${n}`) })));
    expect((await two.listEvents('room')).map(({ index }) => index)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    await one.putBinding(samples.binding('room', 'sms'));
    expect((await two.loadRoom('room'))?.bindings).toHaveLength(1);
    const known = await two.loadRoom('room');
    expect(await two.loadRoom('room')).toBe(known);
    await one.deleteRoom('room');
    await one.createRoom(samples.room('room'));
    expect(await two.loadRoom('room')).toMatchObject({ room: { eventCount: 0, latestIndex: -1 }, bindings: [] });
  });

  it('take one round trip each to load a room, to commit a message with its delivery, and to say what became of it', async () => {
    verifies('STO-08');
    const store = await open();
    await store.createRoom(samples.room('room'));
    await store.putBinding(samples.binding('room', 'sms'));
    const connections = connectionsOf(store);
    const before = connections.roundTrips;
    await store.loadRoom('room');
    const row = samples.row('room', 'e0', 'sms', { state: 'sending', leaseOwner: 'kit', leaseUntil: samples.at(30) });
    const roomPatch = { lastActivityAt: samples.at() };
    await store.commitEvent({ event: samples.draft('room', 'e0'), outbox: [row], now: samples.at(), fencingToken: 1, roomPatch });
    await store.updateRow(row.id, { state: 'sent', providerMessageId: 'SM1' }, ['sending'], 'kit');
    expect(connections.roundTrips - before).toBe(3);
  });
});

describe('PostgresLockManager', () => {
  it('hears of a room that is freed while its answer that it is held is on its way', async () => {
    verifies('LOCK-01', 'LOCK-04');
    const given = options();
    const here = await PostgresLockManager.open(given);
    // Time does not pass for who waits: only being told ends it.
    const there = await PostgresLockManager.open({ ...given, clock: new TestClock() });
    opened.push(here, there);
    const held = await here.acquire('room');
    const backend = there['backend'];
    const take = (backend as unknown as { connections: Connections }).connections;
    const all = take.all.bind(take);
    let asked = 0;
    take.all = async (...query) => {
      const answer = await all(...query);
      if (asked++ > 0) return answer;
      const told = new Promise<void>((resolve) => backend.watch?.('room', resolve));
      await held.release();
      await told;
      return answer;
    };
    const next = await there.acquire('room');
    expect(next.token).toBeGreaterThan(held.token ?? 0);
    expect(asked).toBe(2);
    await next.release();
  });

  it('does not wait for the disk, and fences all the same when a crash has forgotten what was taken', async () => {
    verifies('LOCK-03', 'LOCK-04');
    const given = options();
    const [here, there] = [await PostgresLockManager.open(given), await PostgresLockManager.open(given)];
    opened.push(here, there);
    const before = await here.acquire('room');
    await server.query(`DELETE FROM ${given.schema}.leases`);
    const after = await there.acquire('room');
    expect(after.token).toBeGreaterThan(before.token ?? Infinity);
    await before.release();
    await after.release();
    const [taken] = await server.query(
      `SELECT taken, current_setting('synchronous_commit') AS waits FROM ${given.schema}.take_lease('another', 1000)`,
    );
    expect(taken).toEqual({ taken: expect.any(String) as string, waits: 'off' });
  });
});

describe('PostgresRealtime', () => {
  it('carries what is larger than a notice may be, in order', async () => {
    verifies('EPH-01');
    const given = options();
    const [here, there] = [await PostgresRealtime.open(given), await PostgresRealtime.open(given)];
    opened.push(here, there);
    const heard: RealtimeMessage[] = [];
    await there.subscribe('room:one', (message) => void heard.push(message));
    const messages = [{ n: 1 }, { n: 2, text: 'ü\u0000\ud800'.repeat(9_000) }, { n: 3 }];
    await Promise.all(messages.map((message) => here.publish('room:one', message)));
    await until(() => heard.length === 3, 'all are heard');
    expect(heard).toEqual(messages);
  });
});

async function migrateTo(given: PostgresOptions, steps: readonly SchemaStep[]): Promise<void> {
  const config = checkedConfig(given, {});
  const connections = await Connections['open'](config, 'test');
  try {
    await connections.transaction((sql) => migrate(sql, config.schema, connections.place, steps));
  } finally {
    await connections.close();
  }
}

describe('a summary of what is open', () => {
  it('reads nothing of what has ended', async () => {
    verifies('OPS-02');
    const given = options();
    const store = await open(given);
    await store.createRoom(samples.room('room'));
    await store.commitEvent({
      event: samples.draft('room', 'e0'),
      outbox: [samples.row('room', 'e0', 'sms')],
      turns: [samples.turn('room', 't0', 'helper')],
      now: samples.at(),
    });
    const [outbox, turns] = [`"${given.schema}".outbox`, `"${given.schema}".turns`];
    await server.query(`INSERT INTO ${outbox} (id, room_id, channel_id, event_index, json)
      SELECT 'old-' || n, 'room', 'sms', n, json_build_object('state', 'sent', 'createdAt', '2020') FROM generate_series(1, 20000) AS n`);
    await server.query(`INSERT INTO ${turns} (id, room_id, channel_id, trigger_index, json)
      SELECT 'old-' || n, 'room', 'helper', n, json_build_object('state', 'committed') FROM generate_series(1, 20000) AS n`);
    await server.query(`ANALYZE ${outbox}; ANALYZE ${turns}`);
    const asked: [sql: string, values: readonly unknown[]][] = [];
    const connections = connectionsOf(store);
    const read = connections.read.bind(connections);
    connections.read = (sql, ...values) => {
      asked.push([sql, values]);
      return read(sql, ...values);
    };
    const { deliveries, turns: openTurns } = await store.summarizeWork({ owner: 'one', now: samples.at() });
    expect([deliveries.queued, deliveries.oldestDueAt, openTurns.queued]).toEqual([1, samples.at(), 1]);
    expect(asked).toHaveLength(1);
    const [sql = '', values = []] = asked[0] ?? [];
    const plan = await read(`EXPLAIN (FORMAT JSON) ${sql}`, ...(values as string[]));
    const text = JSON.stringify(plan);
    expect(text).toContain('outbox_open');
    expect(text).toContain('turns_open');
    expect(text).not.toMatch(/Seq Scan[^}]*Relation Name\\?"[^}]*\\?"(outbox|turns)\\?"/);
  });
});

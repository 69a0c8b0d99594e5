/** Commits that come at once share a statement, and a refused or hindered one is nobody's business but its own (STO-12). */
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { ConflictError } from '../../src/core/index.js';
import type { Connections } from '../../src/providers/postgres/connection.js';
import { PostgresStore } from '../../src/providers/postgres/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { until } from '../../src/testing/contracts/settling.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const ROOMS = Array.from({ length: 30 }, (_, n) => `room-${String(n).padStart(2, '0')}`);
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface World {
  readonly store: PostgresStore;
  readonly schema: string;
  readonly connections: Connections;
}

async function open(): Promise<World> {
  const schema = server.schema();
  const store = await PostgresStore.open({ url: server.url, schema, pool: { min: 0, max: 4 } });
  opened.push(store);
  for (const roomId of ROOMS) await store.createRoom(samples.room(roomId));
  return { store, schema, connections: store['connections'] };
}

/** A transaction of somebody else's that has a room and does not let go. */
async function hold(schema: string, roomId: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT 1 FROM ${schema}.rooms WHERE id = $1 FOR UPDATE`, [roomId]);
  return client;
}

function commitIn(store: PostgresStore, roomId: string, id: string): ReturnType<PostgresStore['commitEvent']> {
  return store.commitEvent({ event: samples.draft(roomId, id, { idempotencyKey: id }) });
}

/** So many commits wait for a room that somebody holds. */
async function someWait(count: number): Promise<void> {
  const waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'roomkit' AND wait_event_type = 'Lock'";
  while ((await server.query(waiting)).length < count) continue;
}

async function counts(store: PostgresStore): Promise<number[]> {
  return Promise.all(ROOMS.map((roomId) => store.countEvents(roomId)));
}

describe('commits of many rooms at once', () => {
  it('share statements, and each is told of its own', async () => {
    verifies('STO-12', 'STO-03');
    const { store, connections } = await open();
    const before = connections.roundTrips;
    const results = await Promise.all(ROOMS.flatMap((roomId) => ['a', 'b'].map((id) => commitIn(store, roomId, `${roomId}-${id}`))));
    expect(connections.roundTrips - before).toBeLessThan(ROOMS.length / 2);
    expect(new Set(results.map(({ event, state }) => `${event.id} of ${event.roomId} in ${state.room.id}`)).size).toBe(results.length);
    for (const [n, { event, state, duplicate }] of results.entries()) {
      const roomId = ROOMS[Math.floor(n / 2)] ?? '';
      expect([event.roomId, event.id.startsWith(roomId), state.room.id, duplicate]).toEqual([roomId, true, roomId, false]);
      expect((await store.getEvent(roomId, event.id))?.index).toBe(event.index);
    }
    expect(await counts(store)).toEqual(ROOMS.map(() => 2));
  });

  it('leave a refused one alone, and one that is there already', async () => {
    verifies('STO-12');
    const { store } = await open();
    const first = await commitIn(store, 'room-07', 'said twice');
    const outcomes = await Promise.allSettled([
      ...ROOMS.map((roomId) => commitIn(store, roomId, `${roomId}-a`)),
      store.commitEvent({ event: samples.draft('room-05', 'late'), expectedVersion: 99 }),
      store.commitEvent({ event: samples.draft('nowhere', 'lost') }),
      commitIn(store, 'room-07', 'said twice'),
    ]);
    const [late, lost, twice] = outcomes.splice(ROOMS.length);
    expect(outcomes.every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(late).toMatchObject({ status: 'rejected', reason: expect.any(ConflictError) as ConflictError });
    expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'room_not_found' } });
    expect(twice).toMatchObject({ status: 'fulfilled', value: { duplicate: true, event: { id: first.event.id } } });
    expect(await counts(store)).toEqual(ROOMS.map((roomId) => (roomId === 'room-07' ? 2 : 1)));
  });

  it('do not wait for rooms that somebody else holds', { timeout: 60_000 }, async () => {
    verifies('STO-12', 'STO-05');
    const { store, schema } = await open();
    const held = ['room-00', 'room-01', 'room-20'];
    const holders = await Promise.all(held.map((roomId) => hold(schema, roomId)));
    try {
      const stored = new Set<string>();
      const all = Promise.all(ROOMS.map((roomId) => commitIn(store, roomId, `${roomId}-a`).then(() => stored.add(roomId))));
      await until(() => stored.size === ROOMS.length - held.length, 'all others are stored', 1_500_000);
      expect(held.some((roomId) => stored.has(roomId))).toBe(false);
      for (const holder of holders) await holder.query('ROLLBACK');
      await all;
      expect(await counts(store)).toEqual(ROOMS.map(() => 1));
    } finally {
      for (const holder of holders) await holder.end();
    }
  });

  it('are stored once each when their connections end under them', { timeout: 60_000 }, async () => {
    verifies('STO-12', 'STO-02');
    const { store, schema } = await open();
    // Whoever is first of a room that is held waits there with its connection.
    const holders = await Promise.all(['room-00', 'room-01'].map((roomId) => hold(schema, roomId)));
    try {
      const all = Promise.all(ROOMS.map((roomId) => commitIn(store, roomId, `${roomId}-a`)));
      await someWait(1);
      await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'roomkit'");
      for (const holder of holders) await holder.query('ROLLBACK');
      await all;
      expect(await counts(store)).toEqual(ROOMS.map(() => 1));
    } finally {
      for (const holder of holders) await holder.end();
    }
  });

  it('are told that nobody can say what became of them, and not made again, when the answer to all of them is lost', async () => {
    verifies('STO-12', 'STO-02');
    const { store, connections } = await open();
    const once = connections.once.bind(connections);
    connections.once = async (...query) => {
      await once(...query);
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    };
    const outcomes = await Promise.allSettled(ROOMS.map((roomId) => store.commitEvent({ event: samples.draft(roomId, `${roomId}-a`) })));
    const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(lost.length).toBeGreaterThan(ROOMS.length / 2);
    for (const reason of lost) expect(reason).toMatchObject({ code: 'store_unavailable', retryable: true });
    for (const roomId of ROOMS) expect((await store.getEvent(roomId, `${roomId}-a`))?.index).toBe(0);
    expect(await counts(store)).toEqual(ROOMS.map(() => 1));
  });

  it('of one message that comes twice, while somebody holds its room, are one', { timeout: 60_000 }, async () => {
    verifies('STO-03', 'INB-08');
    const { store, schema } = await open();
    const other = await PostgresStore.open({ url: server.url, schema, pool: { min: 0, max: 2 } });
    opened.push(other);
    const holder = await hold(schema, 'room-00');
    try {
      const both = Promise.all(
        [store, other].map((one) => one.commitEvent({ event: samples.draft('room-00', `of ${one === store}`, { idempotencyKey: 'key' }) })),
      );
      await someWait(2);
      await holder.query('ROLLBACK');
      const results = await both;
      expect(results.map(({ duplicate }) => duplicate).sort()).toEqual([false, true]);
      expect(new Set(results.map(({ event }) => event.id)).size).toBe(1);
      expect(await store.countEvents('room-00')).toBe(1);
    } finally {
      await holder.end();
    }
  });
});

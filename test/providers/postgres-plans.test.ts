/** What a message costs the server does not depend on what the tables looked like when its plan was made: plans are kept. */
import { afterEach, describe, expect, it } from 'vitest';
import { PostgresStore } from '../../src/providers/postgres/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const MANY = 3000;
const MESSAGES = 20;

const server = postgres();
let schema = '';
let store: PostgresStore;

async function open(): Promise<void> {
  store = await PostgresStore.open({ url: server.url, schema, pool: { min: 0, max: 1 } });
}

async function commit(from: string, count = MESSAGES): Promise<void> {
  for (let n = 0; n < count; n++) {
    const draft = { ...samples.draft('room', `${from}-${n}`), idempotencyKey: `key ${from} ${n}` };
    expect((await store.commitEvent({ event: draft })).duplicate).toBe(false);
  }
}

/** Events that others have written, by the server alone: each in this room, or in one of its own. */
async function fill(room: (n: string) => string): Promise<void> {
  await server.query(
    `INSERT INTO "${schema}".events (room_id, idx, id, channel_id, key_digest, visibility, json)
       SELECT ${room('n')}, 1000 + n, 'other-' || n, 'web', sha256(n::text::bytea), 'all', '{}' FROM generate_series(1, ${MANY}) AS n`,
  );
}

/** Rows of events that were looked at, so far. A connection tells it when it ends. */
async function rowsRead(): Promise<number> {
  await store.close();
  const [row] = await server.query(
    `SELECT seq_tup_read + COALESCE(idx_tup_fetch, 0) + (SELECT COALESCE(sum(idx_tup_read), 0) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid) AS rows
       FROM pg_stat_user_tables AS t WHERE schemaname = '${schema}' AND relname = 'events'`,
  );
  await open();
  return Number(row?.['rows']);
}

describe('a plan that is kept', () => {
  afterEach(() => store.close());

  it('finds whether a message is there by its key alone, where most rooms are small and one is large', async () => {
    verifies('STO-01', 'STO-09');
    schema = server.schema();
    await open();
    await store.createRoom(samples.room('room'));
    await fill((n) => `'room-' || ${n}`);
    await server.query(`ANALYZE "${schema}".events`);
    await commit('small'); // plans are made
    await fill(() => "'room'");
    const before = await rowsRead();
    await commit('large');
    expect((await rowsRead()) - before).toBeLessThan(5 * MESSAGES);
  });

  it('finds it by its key in a table that had hardly a row when it was planned', async () => {
    verifies('STO-01', 'STO-09');
    schema = server.schema();
    await open();
    await store.createRoom(samples.room('room'));
    await commit('first', 3);
    await server.query(`ANALYZE "${schema}".events; ANALYZE "${schema}".rooms`);
    await commit('few'); // plans are made
    await fill(() => "'room'");
    await commit('many');
    expect(await rowsRead()).toBeLessThan(20 * MESSAGES);
  });
});

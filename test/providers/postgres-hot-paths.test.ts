/** What PostgreSQL does for the statements that run all the time: which rows it reads, and what it keeps of them. Counts, no times. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { CANDIDATES } from '../../src/providers/postgres/claims.js';
import { inSchema } from '../../src/providers/postgres/connection.js';
import { PostgresStore, type PostgresOptions } from '../../src/providers/postgres/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';

const server = postgres();
const opened: PostgresStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function open(more: PostgresOptions = {}): Promise<{ store: PostgresStore; schema: string }> {
  const schema = server.schema();
  const store = await PostgresStore.open({ url: server.url, schema, pool: { min: 0, max: 3 }, ...more });
  opened.push(store);
  return { store, schema };
}

/** A message with its delivery, from the commit to the outcome. */
async function deliver(store: PostgresStore, n: number): Promise<void> {
  const row = samples.row('room', `e${n}`, 'sms', { id: `r${n}`, state: 'sending', leaseOwner: 'kit', leaseUntil: samples.at(30) });
  await store.commitEvent({ event: samples.draft('room', `e${n}`), outbox: [row], now: samples.at(), fencingToken: n });
  await store.updateRow(row.id, { state: 'sent', providerMessageId: `SM${n}` }, ['sending'], 'kit');
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** How many rows of tables a plan has looked at. */
function rowsRead(node: PlanNode): number {
  const own = node['Node Type'].includes('Scan') && node['Relation Name'] !== undefined;
  const read = own ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0;
  return read + (node.Plans ?? []).reduce((sum, part) => sum + rowsRead(part), 0);
}

/** What cannot be made shorter, because indexes take compressed texts. */
function wide(length: number): string {
  let text = '';
  for (let n = 0; text.length < length; n++) text += createHash('sha512').update(String(n)).digest('base64');
  return text.slice(0, length);
}

describe('claiming due work', () => {
  it('reads what is to be had and nothing of what others hold, however much that is', { timeout: 60_000 }, async () => {
    verifies('STO-08', 'OUT-08');
    const { store, schema } = await open();
    const row = JSON.stringify(samples.row('room', 'e0', 'sms', { state: 'queued', leaseUntil: samples.at(30) }));
    await server.query(`INSERT INTO "${schema}".outbox (id, room_id, channel_id, event_index, json)
      SELECT 'held-' || n, 'room-' || n % 500, 'sms', n, (('${row}')::jsonb || jsonb_build_object('leaseOwner', 'kit-' || n % 3))::json FROM generate_series(1, 20000) AS n`);
    await server.query(`INSERT INTO "${schema}".outbox (id, room_id, channel_id, event_index, json)
      SELECT 'left-' || n, 'left-' || n % 2, 'sms', n, (('${row}')::jsonb || jsonb_build_object('id', 'left-' || n, 'roomId', 'left-' || n % 2, 'leaseOwner', 'dead', 'leaseUntil', '${samples.at(-30)}'))::json FROM generate_series(1, 4) AS n`);
    await server.query(`ANALYZE "${schema}".outbox`);
    const asked = [
      ['kit', samples.at(), ['a\u0001busy'], 100],
      ['kit', samples.at(), [], 1],
    ];
    for (const values of asked) {
      const literals = values.map((value) =>
        Array.isArray(value) ? `ARRAY[${value.map((one) => `'${one}'`).join()}]::text[]` : `'${String(value)}'`,
      );
      const text = inSchema(CANDIDATES, schema).replace(/\$(\d)/g, (_place, n: string) => literals[Number(n) - 1] ?? 'NULL');
      const [explained] = await server.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`);
      const plan = (explained?.['QUERY PLAN'] as readonly { readonly Plan: PlanNode }[])[0]?.Plan;
      expect(plan === undefined ? Infinity : rowsRead(plan)).toBeLessThan(100);
    }
    const claimed = await store.claimDue({ owner: 'kit', now: samples.at(), leaseUntil: samples.at(60), limit: 3 });
    expect(claimed).toMatchObject({ rows: [{ eventIndex: 2 }, { eventIndex: 4 }, { eventIndex: 1 }], turns: [] });
    const rest = await store.claimDue({
      owner: 'kit',
      now: samples.at(),
      leaseUntil: samples.at(60),
      limit: 9,
      exceptLanes: new Set(['left-0\u0000sms']),
    });
    expect([rest.rows.map(({ eventIndex }) => eventIndex), rest.nextDueAt]).toEqual([[1, 3], samples.at(30)]);
  });

  it('knows lanes by the whole of their names', async () => {
    verifies('OUT-08', 'STO-03');
    const { store } = await open();
    for (const [n, roomId] of ['room', 'room\u0000a', 'room\u0001'].entries()) {
      await store.createRoom(samples.room(roomId));
      await store.commitEvent({ event: samples.draft(roomId, `e${n}`), outbox: [samples.row(roomId, `e${n}`, 'sms', { id: `r${n}` })] });
    }
    const claim = { owner: 'kit', now: samples.at(), leaseUntil: samples.at(60), limit: 9 };
    const rooms = async (...lanes: string[]): Promise<string[]> =>
      (await store.claimDue({ ...claim, exceptLanes: new Set(lanes) })).rows.map(({ roomId }) => roomId);
    expect(await rooms('room\u0000a', 'room\u0001')).toHaveLength(3);
    expect(await rooms('room\u0000sms')).toEqual(['room\u0000a', 'room\u0001']);
    expect(await rooms('room\u0000a\u0000sms')).toEqual(['room', 'room\u0001']);
    expect(await rooms('room\u0001\u0000sms', 'room\u0000sms')).toEqual(['room\u0000a']);
  });
});

describe('a message', () => {
  it('changes its room in place, and no index of it', { timeout: 30_000 }, async () => {
    verifies('STO-08');
    const { store, schema } = await open();
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 50; n++) await deliver(store, n);
    await store.close(); // a connection tells its counts at its end at the latest
    const counts = async (): Promise<unknown[]> =>
      (
        await server.query(`SELECT n_tup_upd::int, n_tup_hot_upd::int FROM pg_stat_user_tables WHERE schemaname = '${schema}' AND relname = 'rooms'`)
      ).map(({ n_tup_upd: updates, n_tup_hot_upd: inPlace }) => [updates, inPlace]);
    await expect.poll(counts, { timeout: 10_000 }).toEqual([[50, 50]]);
  });

  it.each([true, false])('is the same with prepared statements and without: %s', async (prepare) => {
    verifies('STO-08');
    const { store } = await open({ prepare });
    await store.createRoom(samples.room('room'));
    for (let n = 0; n < 8; n++) {
      await deliver(store, n);
      expect(await store.loadArrival('room', `none-${n}`)).toMatchObject({ state: { room: { latestIndex: n } }, earlier: null });
    }
    const prepared = await store['connections'].all("SELECT name FROM pg_prepared_statements WHERE name <> ''");
    const names = prepared.map(({ name }) => String(name));
    if (prepare) expect(names.length).toBeGreaterThan(3);
    else expect(names).toEqual([]);
    expect((await store.listRows({ roomId: 'room', state: 'sent' })).length).toBe(8);
  });

  it('whose ids are as long as an index takes is stored; a longer one is refused with a sentence, and nothing of it stays; keys are as long as they like', async () => {
    verifies('STO-08', 'STO-03');
    const { store } = await open();
    await store.createRoom(samples.room('room'));
    const ok = wide(2_500);
    const source = samples.draft('room', 'any').source;
    await store.commitEvent({ event: samples.draft('room', ok, { idempotencyKey: ok, source: { ...source, externalId: ok } }) });
    expect(await store.getEventByIdempotencyKey(ok, { roomId: 'room' })).toMatchObject({ id: ok, index: 0 });
    await store.createRoom(samples.room(ok));
    const random = wide(12_000);
    await expect(store.commitEvent({ event: samples.draft('room', 'e1', { source: { ...source, externalId: random } }) })).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/too long for an index .* Ids may have some 2,500 bytes/) as string,
    });
    await expect(store.createRoom(samples.room(random))).rejects.toMatchObject({ code: 'store_failed', retryable: false });
    expect(await store.getRoom('room')).toMatchObject({ eventCount: 1, latestIndex: 0 });
    // A key is found by its digest.
    await store.commitEvent({ event: samples.draft('room', 'e1', { idempotencyKey: random }) });
    expect(await store.getEventByIdempotencyKey(random, { roomId: 'room' })).toMatchObject({ id: 'e1', index: 1 });
  });
});

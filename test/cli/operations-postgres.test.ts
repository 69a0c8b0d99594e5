/** `roomkit db`, `outbox` and `rooms` on PostgreSQL, and what goes wrong with its URLs. Built by `npm test`. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SMSChannel, TransportChannel, WebSocketChannel, type TransportProvider } from '../../src/channels/index.js';
import { silentLogger, type ConversationStore, type ProviderResult, type RoomLockManager } from '../../src/core/index.js';
import { RoomKit } from '../../src/core/kit.js';
import { PostgresLockManager, PostgresStore } from '../../src/providers/postgres/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { until } from '../../src/testing/contracts/settling.js';
import { MockSMSProvider, TestClock } from '../../src/testing/index.js';
import { TestAgent, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { postgres } from '../support/postgres.js';
import { UserFolder } from './program.js';

const server = postgres();
let folder: UserFolder;
let schema: string;
beforeEach(() => {
  folder = new UserFolder();
  schema = server.schema();
});
afterEach(() => folder.remove());

async function run(...args: string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const program = folder.roomkit(...args);
  const code = await program.ended;
  return { code, out: program.out, errors: program.errors };
}

/** A room in which Grace has written to Ada, and the process died before the vendor was asked. */
async function fillFile(path: string): Promise<void> {
  const clock = new TestClock();
  const kit = new RoomKit({ store: await SqliteStore.open(path), logger: silentLogger, clock, outboxTtlSeconds: 10 ** 9 });
  const provider = new MockSMSProvider();
  kit.registerChannel(new SMSChannel('sms', { provider, fromNumber: '+15550100' }));
  kit.registerChannel(new WebSocketChannel('web'));
  await kit.createRoom({ roomId: 'one', organizationId: 'acme' });
  await kit.attachChannel('one', 'sms', { metadata: { phone_number: '+15550199' } });
  await kit.attachChannel('one', 'web');
  await kit.processInbound({ channelId: 'sms', senderId: '+15550199', content: 'Hi \u0000 ünd \ud83d\ude00', idempotencyKey: 'vendor-1' });
  provider.failNext({ success: false, error: 'later', retryable: true, retryAfterSeconds: 3600 });
  await kit.processInbound({ channelId: 'web', senderId: 'grace', content: 'your invoice' }, { roomId: 'one', wait: 'commit' });
  await kit.close();
}

const ROOMS = Array.from({ length: 9 }, (_, n) => `room-${n}`);

/** A kit whose vendor and agent do what they are told to; the vendor keeps how often it has taken each key. */
function kitOver(
  store: ConversationStore,
  lockManager: RoomLockManager | undefined,
  { send, answer }: { send: (roomId: string) => ProviderResult | Promise<ProviderResult>; answer: (text: string) => Promise<string> },
): { kit: RoomKit; taken: Map<string, string[]> } {
  // What the process before had leased is free a second after it has closed, also where the copy takes leases for what they are.
  const kit = new RoomKit({ store, logger: silentLogger, leaseSeconds: 1, ...(lockManager !== undefined && { lockManager }) });
  const taken = new Map<string, string[]>();
  const provider: TransportProvider = {
    name: 'gateway',
    supportsIdempotencyKey: true,
    send: async ({ event, idempotencyKey }) => {
      const result = await send(event.roomId);
      if (result.success) taken.set(idempotencyKey, [...(taken.get(idempotencyKey) ?? []), textOf(event)]);
      return result;
    },
  };
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new TestAgent('helper', (event) => answer(textOf(event))));
  return { kit, taken };
}

/**
 * Rooms in which something was delivered, and more is open when the process ends: refused for a moment, under way, and not tried yet
 * behind that; and a question that the agent has not answered. Resolves to what the vendor has taken.
 */
async function leaveOpen(store: ConversationStore, lockManager?: RoomLockManager): Promise<Map<string, string[]>> {
  const hanging = new Promise<never>(() => undefined);
  let isBroken = false;
  const { kit, taken } = kitOver(store, lockManager, {
    send: (roomId) => {
      if (!isBroken) return { success: true };
      return Number(roomId.at(-1)) % 2 === 0 ? hanging : { success: false, error: 'later', retryable: true, retryAfterSeconds: 1 };
    },
    answer: () => hanging,
  });
  for (const roomId of ROOMS) {
    await kit.createRoom({ roomId });
    for (const channelId of ['web', 'texts', 'helper']) await kit.attachChannel(roomId, channelId);
    await kit.sendEvent(roomId, 'web', `before in ${roomId}`, { addressedTo: [] });
  }
  isBroken = true;
  for (const roomId of ROOMS) {
    for (const body of ['one', 'two', 'three']) await kit.sendEvent(roomId, 'web', body, { addressedTo: [], wait: 'commit' });
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'are you there?' }, { roomId, wait: 'commit' });
  }
  await kit.close({ drainSeconds: 0 });
  return taken;
}

/** Goes on over the copy; every delivery and turn that was open is done, once. */
async function goesOn(store: ConversationStore, lockManager: RoomLockManager | undefined, before: ReadonlyMap<string, unknown>): Promise<void> {
  const open = await store.listRows({ state: ['queued', 'sending', 'unknown'] });
  expect(open).toHaveLength(ROOMS.length * 4);
  expect(before.size).toBe(ROOMS.length);
  const { kit, taken } = kitOver(store, lockManager, { send: () => ({ success: true }), answer: async (text) => `re: ${text}` });
  const expected = ROOMS.length * 5; // what was open, and the answers
  await until(() => taken.size >= expected, 'all that was open', 1_500_000);
  await kit.settled();
  expect([...taken.values()].filter((texts) => texts.length > 1)).toEqual([]);
  expect(taken.size).toBe(expected);
  expect(open.filter(({ idempotencyKey }) => !taken.has(idempotencyKey))).toEqual([]);
  expect(
    [...before.keys()].filter((key) => taken.has(key)),
    'made again',
  ).toEqual([]);
  const words = [...taken.values()].flat();
  const rows = await kit.store.listRows({});
  expect(rows.map(({ state }) => state)).toEqual(Array(ROOMS.length * 6).fill('sent'));
  for (const roomId of ROOMS) {
    const own = rows.filter((row) => row.roomId === roomId).map(({ idempotencyKey }) => idempotencyKey);
    const order = [...taken].filter(([key]) => own.includes(key)).flatMap(([, texts]) => texts);
    expect(order, 'in the order of the timeline').toEqual(['one', 'two', 'three', 'are you there?', 're: are you there?']);
  }
  expect(words.filter((text) => text.startsWith('re: '))).toHaveLength(ROOMS.length);
  await kit.close();
}

describe('a deployment that is copied with open work', { timeout: 120_000 }, () => {
  it('from a file to PostgreSQL makes each open delivery once, and answers each question once', async () => {
    verifies('STO-21', 'OUT-08', 'OUT-14', 'TURN-03');
    const before = await leaveOpen(await SqliteStore.open(join(folder.path, 'rooms.db')));
    expect((await run('db', 'copy', 'rooms.db', server.url, '--schema', schema)).errors).toBe('');
    const options = { url: server.url, schema, pool: { min: 0, max: 4 } };
    await goesOn(await PostgresStore.open(options), await PostgresLockManager.open(options), before);
  });

  it('from PostgreSQL to a file does so, too', async () => {
    verifies('STO-21', 'OUT-08', 'OUT-14', 'TURN-03');
    const options = { url: server.url, schema, pool: { min: 0, max: 4 } };
    const before = await leaveOpen(await PostgresStore.open(options), await PostgresLockManager.open(options));
    expect((await run('db', 'copy', server.url, 'rooms.db', '--schema', schema)).errors).toBe('');
    await goesOn(await SqliteStore.open(join(folder.path, 'rooms.db')), undefined, before);
  });
});

describe('roomkit on PostgreSQL', { timeout: 60_000 }, () => {
  it('carries a file there and back without loss, and a kit goes on there', async () => {
    verifies('STO-21', 'STO-20', 'INB-08', 'STO-02', 'LOCK-03', 'OUT-08');
    const path = join(folder.path, 'rooms.db');
    await fillFile(path);
    const copied = await run('db', 'copy', 'rooms.db', server.url, '--schema', schema, '--json');
    expect(copied.errors).toBe('');
    expect(copied.out).not.toContain('secret');
    const { records } = JSON.parse(copied.out) as { records: { kind: string; count: number; digest: string }[] };
    expect(records.find(({ kind }) => kind === 'row')?.count).toBe(1);

    const back = await run('db', 'copy', server.url, 'back.db', '--schema', schema, '--json');
    expect((JSON.parse(back.out) as { records: unknown }).records, 'the same digests on all three').toEqual(records);

    const options = { url: server.url, schema, pool: { min: 0, max: 4 } };
    const store = await PostgresStore.open(options);
    const before = await store.loadRoom('one');
    const provider = new MockSMSProvider();
    const kit = new RoomKit({ store, lockManager: await PostgresLockManager.open(options), logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web'));
    const again = { channelId: 'sms', senderId: '+15550199', content: 'Hi', idempotencyKey: 'vendor-1' };
    const [row] = await store.listRows({ roomId: 'one', state: ['queued', 'sending', 'unknown'] });
    expect(row).toMatchObject({ channelId: 'sms' });
    kit.registerChannel(new SMSChannel('sms', { provider, fromNumber: '+15550100' }));
    expect((await kit.processInbound(again)).duplicate).toBe(true);
    await kit.redeliver(row?.id ?? '');
    const next = await kit.processInbound({ channelId: 'sms', senderId: '+15550199', content: 'next' });
    expect(next.event?.index).toBe((before?.room.latestIndex ?? 0) + 1);
    await kit.close();
  });

  it('lets locks go on above the tokens of what was copied', async () => {
    verifies('STO-20', 'LOCK-03');
    const options = { url: server.url, schema, pool: { min: 0, max: 2 } };
    const store = await PostgresStore.open(options);
    const source = await SqliteStore.open(join(folder.path, 'rooms.db'));
    const kit = new RoomKit({ store: source, logger: silentLogger });
    const room = await kit.createRoom({ roomId: 'one' });
    await source.updateRoom(room, { fencingToken: 5000 });
    await kit.close();
    await store.close();
    expect((await run('db', 'copy', 'rooms.db', server.url, '--schema', schema)).errors).toBe('');
    const locks = await PostgresLockManager.open(options);
    const lease = await locks.acquire('one');
    expect(lease.token).toBeGreaterThan(5000);
    await lease.release();
    await locks.close();
  });

  it('refuses a source that processes are at work on, unless forced', async () => {
    verifies('STO-21');
    const options = { url: server.url, schema, pool: { min: 0, max: 2 } };
    const locks = await PostgresLockManager.open(options);
    const lease = await locks.acquire('one');
    const refused = await run('db', 'copy', server.url, 'copy.db', '--schema', schema);
    expect([refused.code, refused.errors]).toEqual([1, expect.stringMatching(/at work on postgres:\/\/127\S+ \(1 leases\).*--force/)]);
    expect((await run('db', 'copy', server.url, 'copy.db', '--schema', schema, '--force')).code).toBe(0);
    await lease.release();
    await locks.close();
  });

  it('is migrated before a deploy, and says where it stands', async () => {
    verifies('STO-22', 'STO-13');
    const at = [server.url, '--schema', schema];
    expect((await run('db', 'status', ...at)).out).toMatch(/schema +none yet/);
    expect((await run('db', 'migrate', ...at, '--dry-run')).out).toMatch(/WOULD BE DONE\n1: creates the tables[\s\S]*nothing was changed/);
    const open = (): Promise<PostgresStore> => PostgresStore.open({ url: server.url, schema, migrate: false, pool: { min: 0, max: 1 } });
    await expect(open()).rejects.toMatchObject({ code: 'store_outdated' });
    expect(await server.query(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);
    expect((await run('db', 'migrate', ...at)).out).toMatch(/DONE\n1: /);
    expect((await run('db', 'migrate', ...at)).out).toContain('nothing to do');
    await (await open()).close();
    // Who runs the kits may do without the right to create anything.
    await server.query(`DO $$ BEGIN CREATE ROLE worker LOGIN PASSWORD 'worker'; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
    await server.query(`GRANT USAGE ON SCHEMA "${schema}" TO worker; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${schema}" TO worker;
      GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA "${schema}" TO worker`);
    const url = new URL(server.url);
    [url.username, url.password] = ['worker', 'worker'];
    const store = await PostgresStore.open({ url: url.href, schema, migrate: false, pool: { min: 0, max: 1 } });
    const now = new Date(0).toISOString();
    const room = { status: 'active', createdAt: now, updatedAt: now, timers: {}, metadata: {}, agentResponsePolicy: 'agent_chain' } as const;
    await store.createRoom({ id: 'r', ...room, eventCount: 0, latestIndex: -1, version: 0 });
    await store.deleteRoom('r');
    await store.close();
    expect(JSON.parse((await run('db', 'status', ...at, '--json')).out)).toMatchObject({ mustMigrate: false, rooms: 0, liveLeases: 0 });
  });

  it('closes rooms under the locks of its processes', async () => {
    verifies('STO-22', 'ROOM-04');
    const options = { url: server.url, schema, pool: { min: 0, max: 2 } };
    const kit = new RoomKit({ store: await PostgresStore.open(options), lockManager: await PostgresLockManager.open(options), logger: silentLogger });
    await kit.createRoom({ roomId: 'one' });
    expect((await run('rooms', 'close', 'one', '--store', server.url, '--schema', schema)).out).toBe('one is closed.\n');
    expect((await kit.getRoom('one')).status).toBe('closed');
    await expect(kit.sendEvent('one', 'web', 'more')).rejects.toThrow();
    await kit.close();
  });
});

describe('a URL that is wrong', { timeout: 60_000 }, () => {
  const withUrl = (change: (url: URL) => void): string => {
    const url = new URL(server.url);
    change(url);
    return url.href;
  };
  const CASES: readonly (readonly [string, () => string, RegExp])[] = [
    [
      'names a host that nobody knows',
      () => withUrl((url) => (url.hostname = 'nowhere.invalid')),
      /Nothing answers at nowhere\.invalid.*Check the host and port/,
    ],
    ['names a port that is closed', () => withUrl((url) => (url.port = '1')), /Nothing answers at 127\.0\.0\.1:1\/.*\(ECONNREFUSED\)/],
    [
      'names a database that is not there',
      () => withUrl((url) => (url.pathname = '/missing')),
      /\/missing .*does not exist. Create it first: createdb/,
    ],
    ['has a wrong password', () => withUrl((url) => (url.password = 'hunter2')), /refuses this user or password. Check the URL/],
    ['demands TLS of a server without', () => withUrl((url) => (url.search = '?sslmode=require')), /takes no TLS.*sslmode/],
    ['is no URL', () => 'postgres://[', /URL such as 'postgres:\/\/user:password@host:5432\/database'/],
  ];

  it.each(CASES)('and %s: says what, and how to mend it, without the password', async (_what, url, said) => {
    verifies('STO-22', 'STO-08');
    for (const command of [
      ['db', 'status'],
      ['rooms', 'list'],
    ]) {
      const { code, errors, out } = await run(...command, url());
      expect([code, errors], command.join(' ')).toEqual([1, expect.stringMatching(said)]);
      expect(errors + out).not.toMatch(/hunter2|secret| at .*\.js/);
    }
  });
});

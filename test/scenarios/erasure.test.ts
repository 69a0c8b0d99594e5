/** A person is erased, and then looked for everywhere (§37): in what the stores give, in every column, and in the files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConflictError, InMemoryStore, RoomKit, silentLogger, type ConversationStore, type ErasureReport } from '../../src/core/index.js';
import { PostgresStore } from '../../src/providers/postgres/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { adas, erasureScene, NEEDLES, type ErasureScene } from '../support/erasure-scene.js';
import { gapless, TestAgent, TestTransport } from '../support/harness.js';
import { postgres } from '../support/postgres.js';
import { newPath, openStore } from '../support/sqlite.js';

const server = postgres();

interface Opened {
  readonly store: ConversationStore;
  /** Everything the engine holds, as text, once the store is closed. */
  contents(): Promise<string>;
}

const STORES: Readonly<Record<string, () => Promise<Opened>>> = {
  memory: () => {
    const store = new InMemoryStore();
    return Promise.resolve({ store, contents: () => everythingOf(store) });
  },
  sqlite: async () => {
    const path = newPath();
    const store = await openStore(path);
    const folder = dirname(path);
    const contents = (): Promise<string> =>
      Promise.resolve(
        readdirSync(folder)
          .map((file) => readFileSync(join(folder, file), 'latin1'))
          .join('\n'),
      );
    return { store, contents };
  },
  postgres: async () => {
    const schema = server.schema();
    const store = await PostgresStore.open({ url: server.url, schema, pool: { min: 0, max: 4 } });
    const contents = async (): Promise<string> => {
      const tables = await server.query(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`);
      const rows = await Promise.all(
        tables.map(({ tablename }) => server.query(`SELECT t::text AS row FROM "${schema}"."${String(tablename)}" AS t`)),
      );
      return rows
        .flat()
        .map(({ row }) => String(row))
        .join('\n');
    };
    return { store, contents };
  },
};

/** What a store gives of everything that can be asked for. */
async function everythingOf(store: ConversationStore): Promise<string> {
  const rooms = await store.findRooms({});
  const ofRooms = await Promise.all(
    rooms.map(async ({ id }) => [
      await store.loadRoom(id),
      await store.listEvents(id),
      await store.listTasks(id),
      await store.listObservations(id),
      await store.listRows({ roomId: id }),
      await store.listTurns({ roomId: id }),
      await store.listApprovals({ roomId: id }),
    ]),
  );
  const others = await Promise.all((['held', 'creation'] as const).map(async (kind) => store.readRecords?.({ kind, limit: 1000 })));
  return JSON.stringify([
    ofRooms,
    others,
    await store.listFacts?.({ prefix: '' }),
    await store.getIdentity('ada-identity'),
    await store.getIdentity('ada-older'),
  ]);
}

/** Which of the person's words, names and addresses are there. */
function found(contents: string): string[] {
  return NEEDLES.filter((needle) => contents.toLowerCase().includes(needle.toLowerCase()));
}

async function scene(name: string, prepare?: (store: ConversationStore) => ConversationStore): Promise<ErasureScene & Opened> {
  const opened = await (STORES[name] ?? STORES['memory']!)();
  return { ...opened, ...(await erasureScene(prepare?.(opened.store) ?? opened.store)) };
}

describe.each(Object.keys(STORES))('erasing a person on %s', (name) => {
  it('erases and then searches everywhere', async () => {
    verifies('ERA-01', 'ERA-02', 'ERA-03', 'ERA-04', 'ERA-07', 'ERA-08', 'ERA-09', 'ERA-10', 'INV-01', 'INV-02');
    const { kit, close, store, clock, contents, media, bobs, sms } = await scene(name);
    expect(found(await everythingOf(store)).length, 'all of it was there before').toBe(NEEDLES.length);
    expect((await kit.searchEvents({ text: 'zorblax' }).catch(() => [1])).length).toBeGreaterThan(0);
    const before = await bobs();
    const heard: unknown[] = [];
    kit.on('identity_erased', ({ data }) => void heard.push(data));
    const sizes = await Promise.all((await kit.listRooms()).map(async ({ id, eventCount }) => [id, eventCount] as const));

    const report = await kit.eraseIdentity('ada-identity');

    expect(report).toMatchObject({ rooms: 3, roomsDeleted: 0, participants: 2, bindings: 1, held: 1, facts: 1, media: 1, identities: 2 });
    expect(report).toMatchObject({ tasks: 2, observations: 2, turns: 1, approvals: 1 });
    expect(await store.getTurn('waiting')).toMatchObject({ state: 'cancelled', suspended: { loop: {} } });
    expect(await store.getApproval('refund')).toMatchObject({ state: 'cancelled', arguments: {}, askedBy: ['erased'] });
    expect(report.events).toBeGreaterThan(7);
    expect(report.mentions).toBeGreaterThan(2);
    expect(await bobs(), 'what is another’s stays as it is').toBe(before);
    for (const [roomId, count] of sizes) {
      const events = await gapless(kit, roomId);
      expect(events.length, 'one entry tells of it').toBe(count + 1);
      expect(events.at(-1)?.content).toMatchObject({ code: 'person_erased' });
    }
    const shared = await kit.getTimeline('shared');
    const [hers] = shared.filter(({ source }) => source.participantId === 'erased');
    expect(hers).toMatchObject({ content: { type: 'text', body: '' }, metadata: { deleted: true, erased: true }, channelData: {} });
    expect(shared.some(({ metadata }) => metadata['quoted_text'] === '[erased]')).toBe(true);
    expect(shared.map(({ content }) => (content.type === 'text' ? content.body : '')).filter(Boolean)).toEqual([
      'I saw that.',
      'Call her at [erased], will you',
      'My own words stay as they are.',
    ]);
    expect((await kit.listParticipants('bobs')).find(({ id }) => id === 'pending-1')?.candidates).toEqual([{ id: 'bob-identity' }]);
    expect((await kit.listObservations('shared')).map(({ content }) => content)).toEqual(['Bob is not']);
    expect((await kit.listTasks('shared')).map(({ title }) => title)).toEqual(['Ring Bob']);
    expect((await store.listFacts?.({ prefix: 'identity_code:' }))?.length).toBe(1);
    expect(await kit.getIdentity('ada-identity')).toBeNull();
    expect(await kit.getIdentity('ada-older')).toBeNull();
    expect(await kit.findIdentity({ channelType: 'sms', address: '+15550199001' })).toBeNull();
    expect(await media.sweep(() => Promise.resolve(false)), 'nothing is left to be swept').toBe(0);
    expect(await store.listRows({ state: ['queued', 'sending', 'unknown'] })).toEqual([]);
    expect(await kit.searchEvents({ text: 'zorblax' }).catch(() => [])).toEqual([]);
    expect(found(await everythingOf(store))).toEqual([]);
    await clock.advance(100_000);
    expect(heard).toEqual([{ rooms: report.rooms, events: report.events, deliveries: report.deliveries }]);
    const sent = sms.attempts;

    const again = await kit.eraseIdentity('ada-identity');
    expect(
      Object.values(again).every((count) => count === 0),
      'a second call finds nothing',
    ).toBe(true);
    expect(sms.attempts).toBe(sent);
    await close();
    expect(found(await contents()), 'in whatever the engine holds').toEqual([]);
    expect(await contents()).toContain(name === 'memory' ? 'Bob' : 'My own words stay as they are.');
  });

  it('takes a message that its vendor sends once more for what it is, and the next one for a new person’s', async () => {
    verifies('ERA-05', 'INB-08');
    const { kit, close, contents } = await scene(name);
    await kit.eraseIdentity('ada-identity');
    const rooms = (await kit.listRooms()).length;
    const counts = await Promise.all((await kit.listRooms()).map(async ({ id }) => kit.store.countEvents(id)));
    const shared = { channelId: 'web', senderId: 'qwijibo-user', content: 'zorblax is what I have ordered', idempotencyKey: 'qwijibo-1' };
    expect(await kit.processInbound(shared, { roomId: 'shared' })).toMatchObject({
      duplicate: true,
      blocked: false,
      event: { content: { type: 'text', body: '' }, source: { participantId: 'erased' } },
    });
    // Her number is reached by no room any more.
    expect(await kit.processInbound(adas('zorblax one, my number is +15550199001', 1))).toMatchObject({
      blocked: true,
      reason: 'channel_detached',
    });
    expect(await Promise.all((await kit.listRooms()).map(async ({ id }) => kit.store.countEvents(id)))).toEqual(counts);
    expect(found(await everythingOf(kit.store))).toEqual([]);
    const anew = await kit.processInbound({ channelId: 'sms', senderId: '+15550199001', content: 'hello again', idempotencyKey: 'new-1' });
    expect(anew).toMatchObject({ duplicate: false, blocked: false });
    expect((await kit.listRooms()).length).toBe(rooms + 1);
    await close();
    expect(found(await contents()).filter((needle) => needle !== '15550199001')).toEqual([]);
  });
});

describe('erasing a person', () => {
  it('does so by an address where there is no identity, and finds the identity of one that has one', async () => {
    verifies('ERA-01');
    const { kit, close, store } = await scene('memory');
    const stranger = { channelId: 'sms', senderId: '+15550777777', content: 'I am a stranger, plugh' };
    await kit.processInbound(stranger);
    const report = await kit.erasePerson({ channelType: 'sms', address: '+15550777777' });
    expect(report).toMatchObject({ rooms: 1, events: 1, bindings: 1, identities: 0 });
    expect(await everythingOf(store)).not.toMatch(/plugh|15550777777/);
    expect(found(await everythingOf(store)).length).toBe(NEEDLES.length);
    expect((await kit.erasePerson({ channelType: 'sms', address: '+15550199002' })).identities).toBe(2);
    expect(found(await everythingOf(store))).toEqual([]);
    await expect(kit.erasePerson({ channelType: 'sms', address: '' })).rejects.toThrow(/Nobody is named/);
    await expect(kit.eraseIdentity('bob-identity', { whereAlone: 'all' as never })).rejects.toThrow(/whereAlone/);
    await expect(kit.eraseIdentity('bob-identity', { keepOptouts: true } as never)).rejects.toThrow(/keepOptouts/);
    await close();
  });

  it.each(['changeRecords', 'updateRow', 'patchRoomMetadata', 'commitEvent', 'putFact', 'readRecords'] as const)(
    'goes on where it stopped when %s failed, whichever call of it',
    async (method) => {
      verifies('ERA-02');
      let hasFailed = true;
      for (let nth = 1; hasFailed; nth++) {
        const inner = new InMemoryStore();
        const store = new FaultStore(inner);
        const { kit, close } = await erasureScene(store);
        store.fail(method, { nth, error: new ConflictError('The store says no.') });
        const first = await kit.eraseIdentity('ada-identity').catch((error: unknown) => error);
        hasFailed = first instanceof Error;
        store.clear();
        const again = await kit.eraseIdentity('ada-identity');
        expect(again.identities, 'the identity goes last').toBe(hasFailed ? 2 : 0);
        expect(found(await everythingOf(inner))).toEqual([]);
        for (const { id } of await kit.listRooms()) await gapless(kit, id);
        await close();
        expect(nth).toBeLessThan(60);
      }
    },
  );

  it('finds a room by its own data alone, and takes the person out of it', async () => {
    verifies('ERA-02', 'ERA-06');
    const { kit, close } = await erasureScene(new InMemoryStore());
    await kit.createRoom({ roomId: 'about', metadata: { caller: '+15550199001', plan: 'gold' } });
    const { rooms } = await kit.eraseIdentity('ada-identity');
    expect(rooms).toBe(4);
    const { metadata } = await kit.getRoom('about');
    expect([metadata['plan'], found(JSON.stringify(metadata))]).toEqual(['gold', []]);
    expect((await kit.getTimeline('about')).map(({ content }) => content)).toMatchObject([{ code: 'person_erased' }]);
    await close();
  });

  it('is seen by other processes, whose agents read the room anew, and by those who follow it', async () => {
    verifies('ERA-09', 'ERA-03');
    class SharedStore extends InMemoryStore {
      override readonly shared = true;
    }
    const store = new SharedStore();
    const { kit, close } = await erasureScene(store);
    const agent = new TestAgent('bot', () => 'hm');
    const other = new RoomKit({ store, logger: silentLogger });
    other.registerChannel(new TestTransport('web', { channelType: 'websocket', durable: false }));
    other.registerChannel(agent);
    const deleted: unknown[] = [];
    kit.hook('on_event_deleted', (event) => void deleted.push(event));
    const ask = (): Promise<unknown> => other.processInbound({ channelId: 'web', senderId: 'bob', content: 'And now?' }, { roomId: 'shared' });
    await ask();
    const told = (): string => JSON.stringify(agent.contexts.at(-1)?.recentEvents);
    expect(told()).toContain('zorblax');
    const { events } = await kit.eraseIdentity('ada-identity');
    await ask();
    expect(told()).toContain('And now?');
    expect(found(told())).toEqual([]);
    expect(deleted.length).toBe(events);
    expect(found(JSON.stringify(deleted)), 'the tombstone is told of, and not the words').toEqual([]);
    await other.close();
    await close();
  });

  it('throws where the store cannot be looked through', async () => {
    verifies('ERA-06');
    const store = new InMemoryStore() as ConversationStore;
    Object.assign(store, { readRecords: undefined });
    const kit = new RoomKit({ store });
    await expect(kit.eraseIdentity('x')).rejects.toMatchObject({ code: 'not_supported' });
    await expect(kit.exportPerson({ identityId: 'x' })).rejects.toMatchObject({ code: 'not_supported' });
    await kit.close();
  });

  it('leaves agents’ answers where it is told to, or deletes the rooms in which there was nobody else', async () => {
    verifies('ERA-04');
    const own = await scene('memory');
    await own.kit.eraseIdentity('ada-identity', { whereAlone: 'own' });
    const left = await everythingOf(own.store);
    expect(left).toContain('We will send zorblax on Monday.');
    expect(left).toContain('You said: ');
    expect(left).not.toMatch(/Quillfeather|15550199001/);
    await own.close();
    const rooms = await scene('memory');
    const before = (await rooms.kit.listRooms()).length;
    expect(await rooms.kit.eraseIdentity('ada-identity', { whereAlone: 'room' })).toMatchObject({ roomsDeleted: 1, rooms: 2 });
    expect((await rooms.kit.listRooms()).length).toBe(before - 1);
    expect(found(await everythingOf(rooms.store))).toEqual([]);
    await rooms.close();
  });

  it('keeps that somebody opted out, by the address alone, unless it shall be forgotten', async () => {
    verifies('ERA-07');
    const { kit, close, store } = await scene('memory');
    const key = `opt_out:${JSON.stringify([null, '+15550199001'])}`;
    await store.putFact?.(key, { address: '+15550199001', at: '2026-01-01T00:00:00.000Z', by: 'person', word: 'zorblax stop', roomId: 'r' });
    await kit.eraseIdentity('ada-identity');
    expect(await store.getFact?.(key)).toEqual({ address: '+15550199001', at: '2026-01-01T00:00:00.000Z', by: 'person' });
    expect((await kit.erasePerson({ channelType: 'sms', address: '+15550199001' }, { keepOptOuts: false })).facts).toBe(1);
    expect(await store.getFact?.(key)).toBeNull();
    await close();
  });

  it('is nothing of another organization’s', async () => {
    verifies('ERA-01', 'PERM-09', 'IDN-09');
    const store = new InMemoryStore();
    const { close } = await erasureScene(store, { organizationId: 'theirs' });
    const before = await everythingOf(store);
    const foreign = new RoomKit({ store, organizationId: 'ours' });
    const nothing = (report: ErasureReport): boolean => Object.values(report).every((count) => count === 0);
    expect(nothing(await foreign.eraseIdentity('ada-identity'))).toBe(true);
    expect(nothing(await foreign.erasePerson({ channelType: 'sms', address: '+15550199001' }))).toBe(true);
    expect(await foreign.exportPerson({ identityId: 'ada-identity' })).toEqual({ merges: [], rooms: [] });
    expect(await everythingOf(store)).toBe(before);
    await close();
  });

  it('gives what is kept of a person, and nothing of others, as JSON', async () => {
    verifies('ERA-12');
    const { kit, close } = await scene('memory');
    const exported = await kit.exportPerson({ identityId: 'ada-older' });
    expect(JSON.parse(JSON.stringify(exported))).toEqual(exported);
    expect(exported).toMatchObject({ identity: { id: 'ada-identity' }, merges: [{ fromId: 'ada-older' }] });
    expect(exported.rooms.map(({ events, participants }) => [events.length, participants.length])).toEqual([
      [5, 1],
      [2, 1],
    ]);
    const text = JSON.stringify(exported);
    expect(text).toContain('zorblax is what I have ordered');
    expect(text).not.toMatch(/My own words|Call her at|You said/);
    expect((await kit.exportPerson({ channelType: 'sms', address: '+15550200000' })).identity?.id).toBe('bob-identity');
    await close();
  });
});

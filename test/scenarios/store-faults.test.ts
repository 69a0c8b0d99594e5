/** What goes wrong at and in the store, on every store that outlives its process. */
import { gunzipSync } from 'node:zlib';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HookResult, RoomKit, silentLogger, type InboundMessage, type RoomEvent } from '../../src/core/index.js';
import { SqliteStore } from '../../src/providers/sqlite/index.js';
import { FaultStore, storeContract, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { DISKS, imageOf, type Disk } from '../support/disks.js';
import { gapless, makeKit, messagesOf, openRoom, settle, TestAgent, TestTransport, textOf, type Answer, type Harness } from '../support/harness.js';
import { intercept, newPath, openStore } from '../support/sqlite.js';

const DAY = 24 * 3600 * 1000;

interface Process extends Harness {
  readonly b: TestTransport;
  readonly bot: TestAgent;
}

/** A kit with two transports and an agent; the first one of a disk makes the room. */
async function start(disk: Disk, options: { first?: boolean; clock?: TestClock; answer?: Answer } = {}): Promise<Process> {
  const { first = false, clock = new TestClock(), answer = () => undefined } = options;
  const kit = new RoomKit({ clock, logger: silentLogger, store: disk.store });
  const channels = [new TestTransport('a'), new TestTransport('b'), new TestAgent('bot', answer)] as const;
  if (first) await openRoom(kit, channels);
  else for (const channel of channels) kit.registerChannel(channel);
  return { kit, clock, b: channels[1], bot: channels[2] };
}

const message = (fields: Partial<InboundMessage> = {}): InboundMessage => ({ channelId: 'a', senderId: 'ada', content: 'x', ...fields });

/** Moves time on until this is so; a file takes real moments. */
async function until({ clock }: Harness, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 600; round++) {
    if (await isSo()) return;
    await clock.advance(100);
  }
  throw new Error('That never came to be.');
}

/** The named call of the store has begun, and hangs for ever. */
async function crashed(disk: Disk, harness: Harness): Promise<void> {
  await until(harness, () => disk.store.crashed);
  await settle(harness.clock);
}

describe.each(DISKS)('on %s', (_name, open) => {
  it('F02 mark_and_event_commit_together', async () => {
    verifies('F02', 'STO-01', 'INB-08');
    for (const when of ['before', 'after'] as const) {
      const disk = await open();
      const one = await start(disk, { first: true });
      await one.kit.processInbound(message({ content: 'known' }), { roomId: 'room' });
      disk.store.crash('commitEvent', { when });
      void one.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' });
      await crashed(disk, one);
      expect(one.b.texts, 'nobody heard of it').toEqual(['known']);

      const next = await disk.afterCrash();
      const stored = await next.store.getEventByIdempotencyKey('key', { roomId: 'room' });
      expect(stored === null, 'the mark is there when the event is').toBe(when === 'before');
      const two = await start(next);
      const result = await two.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' });
      expect(result).toMatchObject({ duplicate: when === 'after', blocked: false });
      if (stored !== null) expect(result.event?.id).toBe(stored.id);
      await until(two, () => two.b.texts.length > 0 && two.bot.asked.some((event) => textOf(event) === 'x'));
      await two.clock.advance(60_000);
      expect(two.b.texts).toEqual(['x']);
      expect(two.bot.asked.filter((event) => textOf(event) === 'x')).toHaveLength(1);
      expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['known', 'x']);
      await two.kit.close();
    }
  });

  it('F04 redelivery_after_long_time', async () => {
    verifies('F04', 'INB-08', 'RTR-01');
    const disk = await open();
    const one = await start(disk, { first: true });
    const first = await one.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' });
    for (let n = 0; n < 120; n++) await one.kit.processInbound(message({ content: `later ${n}`, idempotencyKey: `key-${n}` }), { roomId: 'room' });
    one.clock.jump(30 * DAY);
    expect(await one.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' })).toMatchObject({
      duplicate: true,
      event: { id: first.event?.id },
    });
    await one.kit.closeRoom('room');
    await one.kit.close();

    // Another process, a month later, and a message that names no room: still the first event, and no new room.
    const two = await start(await disk.afterCrash(), { clock: new TestClock(Date.parse('2026-01-01T00:00:00.000Z') + 60 * DAY) });
    const again = await two.kit.processInbound(message({ idempotencyKey: 'key' }));
    expect(again).toMatchObject({ duplicate: true, blocked: false, event: { id: first.event?.id, roomId: 'room' } });
    expect((await two.kit.listRooms()).map(({ id }) => id)).toEqual(['room']);
    expect([two.b.texts, two.bot.asked]).toEqual([[], []]);

    // The key lives as long as its event: without it, the message is new.
    await two.kit.deleteRoom('room');
    const anew = await two.kit.processInbound(message({ idempotencyKey: 'key' }));
    expect(anew).toMatchObject({ duplicate: false, blocked: false });
    await two.kit.close();
  });

  it('F16c index_under_load', { timeout: 60_000 }, async () => {
    verifies('F16c', 'STO-02', 'INV-01', 'INV-02');
    const disk = await open();
    const answer = (event: RoomEvent): string | undefined => (textOf(event).startsWith('ask') ? 'answer' : undefined);
    // Two kits, each with a lock of its own: the indexes are the store's.
    const kits = [makeKit({ store: disk.store }), makeKit({ store: disk.store })].map(({ kit }) => kit);
    for (const [n, kit] of kits.entries()) {
      kit.hook('before_broadcast', (event) => {
        if (textOf(event).startsWith('forbidden')) return HookResult.block('forbidden', { tasks: [{ title: 'Look at it' }] });
        return textOf(event).startsWith('inject') ? HookResult.allow({ injectedEvents: [{ event: { content: 'injected' } }] }) : HookResult.allow();
      });
      for (const channel of [new TestTransport('a', { durable: n === 0 }), new TestAgent('bot', answer)]) kit.registerChannel(channel);
      for (let writer = 0; writer < 20; writer++) kit.registerChannel(new TestTransport(`w${writer}`));
    }
    const [kit] = kits as [RoomKit, RoomKit];
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'a');
    await kit.attachChannel('room', 'bot', { collision: { policy: 'queue', maxQueued: 1000 } });
    const told = new Map<string, number>();
    const keep = (event: RoomEvent | undefined): string => {
      if (event !== undefined) told.set(event.id, event.index);
      return event?.id ?? '';
    };
    await Promise.all(Array.from({ length: 20 }, (_, writer) => write(kits[writer % 2] ?? kit, writer, keep)));
    await Promise.all(kits.map((one) => one.drain()));

    const events = await disk.store.listEvents('room');
    expect(events.length).toBeGreaterThan(20 * 200);
    expect(events.map(({ index }) => index)).toEqual(events.map((_, position) => position));
    expect(await disk.store.getRoom('room')).toMatchObject({ latestIndex: events.length - 1, eventCount: events.length });
    expect(await disk.store.countEvents('room')).toBe(events.length);
    const stored = new Map(events.map(({ id, index }) => [id, index]));
    expect(stored.size, 'every event once').toBe(events.length);
    for (const [id, index] of told) expect(stored.get(id), id).toBe(index);
    const keys = events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
    expect([keys.length, new Set(keys).size], 'every key once').toEqual([20 * 10, 20 * 10]);
    const kinds = new Set(events.map(({ type, status }) => (status === 'blocked' ? status : type)));
    for (const kind of [
      'message',
      'edit',
      'delete',
      'blocked',
      'channel_muted',
      'channel_unmuted',
      'channel_attached',
      'channel_detached',
      'channel_updated',
      'participant_updated',
    ])
      expect(kinds, `events of the kind ${kind} were among them`).toContain(kind);
    expect(events.filter((event) => event.source.channelId === 'bot')).toHaveLength(20 * 10);
    await Promise.all(kits.map((one) => one.close()));
  });

  it('F27c duplicate_reply_after_crash', async () => {
    verifies('F27c', 'TURN-03', 'STO-04');
    // Crashed at the commit of the reply: before it, or after it.
    for (const when of ['before', 'after'] as const) {
      const disk = await open();
      const dying = (): string => {
        disk.store.crash('commitEvent', { when });
        return 'answer';
      };
      const one = await start(disk, { first: true, answer: dying });
      void one.kit.processInbound(message(), { roomId: 'room' });
      await crashed(disk, one);
      const two = await start(await disk.afterCrash(), { answer: () => 'answer' });
      await until(two, async () => messagesOf(await two.kit.getTimeline('room')).length === 2 && two.b.texts.includes('answer'));
      await two.clock.advance(120_000);
      expect(messagesOf(await gapless(two.kit, 'room')).map(textOf)).toEqual(['x', 'answer']);
      expect(two.bot.asked, `asked again when it crashed ${when} the commit`).toHaveLength(when === 'before' ? 1 : 0);
      expect(await two.kit.listTurns({ roomId: 'room' })).toMatchObject([{ state: 'committed' }]);
      await two.kit.close();
    }

    // Not dead, but slow: the other kit has taken the turn over, and the late reply is refused.
    const disk = await open();
    const hesitating = (): string => {
      disk.store.hang('commitEvent');
      return 'too late';
    };
    const slow = await start(disk, { first: true, answer: hesitating });
    void slow.kit.processInbound(message(), { roomId: 'room' });
    await until(slow, () => disk.store.hanging === 1);
    const sameStore = new FaultStore(disk.store.inner, { persistent: true, ownsStore: false });
    const other = await start({ ...disk, store: sameStore }, { answer: () => 'answer' });
    await until(other, async () => messagesOf(await other.kit.getTimeline('room')).length === 2);
    disk.store.resume();
    await until(slow, () => slow.kit.stats().tasks === 0);
    expect(messagesOf(await gapless(other.kit, 'room')).map(textOf)).toEqual(['x', 'answer']);
    expect(await other.kit.listTurns({ roomId: 'room' })).toMatchObject([{ state: 'committed', replyEventIds: [expect.any(String)] }]);
    await Promise.all([slow.kit.close(), other.kit.close()]);
  });

  describe('F50 store', () => {
    it('keeps every column, and owns what it gave out', async () => {
      verifies('F50', 'STO-07', 'STO-06');
      const cases = storeContract.filter(({ rules }) => rules.includes('STO-07') || rules.includes('STO-06'));
      expect(cases.length).toBeGreaterThan(15);
      for (const one of cases) await one.run(async () => (await open()).store);
    });

    it('leaves a gap where an event was deleted, and reads what was just written', async () => {
      verifies('F50', 'STO-02');
      const disk = await open();
      const one = await start(disk, { first: true });
      const say = async (content: string): Promise<RoomEvent> => {
        const { event } = await one.kit.processInbound(message({ content }), { roomId: 'room' });
        if (event === undefined) throw new Error('Nothing was stored.');
        expect((await one.kit.getTimeline('room', { newestFirst: true, limit: 1 }))[0]?.id, 'read your writes').toBe(event.id);
        expect((await one.kit.getRoom('room')).latestIndex).toBe(event.index);
        return event;
      };
      const [first, second] = [await say('1'), await say('2')];
      await one.kit.deleteEvent('room', second.id);
      const third = await say('3');
      expect(third.index).toBe(second.index + 1);
      await one.kit.close();
      const two = await start(await disk.afterCrash());
      expect(messagesOf(await two.kit.getTimeline('room')).map(({ index }) => index)).toEqual([first.index, third.index]);
      const room = await two.kit.getRoom('room');
      expect(room).toMatchObject({ latestIndex: third.index, eventCount: third.index });
      expect((await two.kit.processInbound(message(), { roomId: 'room' })).event?.index).toBe(third.index + 1);
      await two.kit.close();
    });

    it('loses nothing and doubles nothing when it fails, before or after a write took effect', async () => {
      verifies('F50', 'STO-01', 'INB-08');
      for (const when of ['before', 'after'] as const) {
        const disk = await open();
        const one = await start(disk, { first: true });
        await one.kit.processInbound(message({ content: 'known' }), { roomId: 'room' });
        const before = await one.kit.getRoom('room');
        disk.store.fail('commitEvent', { when });
        const failing = one.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' });
        if (when === 'before') await expect(failing).rejects.toMatchObject({ code: 'store_unavailable' });
        else expect(await failing, 'a lost answer is no lost commit').toMatchObject({ blocked: false, duplicate: false });
        expect((await one.kit.getRoom('room')).eventCount - before.eventCount).toBe(when === 'before' ? 0 : 1);
        const again = await one.kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' });
        expect(again).toMatchObject({ blocked: false, duplicate: when === 'after' });
        expect(messagesOf(await gapless(one.kit, 'room')).map(textOf)).toEqual(['known', 'x']);
        await one.kit.close();
      }
    });

    it('answers hundreds who come at once', async () => {
      verifies('F50', 'STO-03');
      const { store } = await open();
      const { kit } = makeKit({ store });
      kit.registerChannel(new TestTransport('a'));
      const rooms = Array.from({ length: 300 }, (_, n) => `room-${n % 100}`);
      const results = await Promise.all(rooms.map((roomId, n) => kit.processInbound(message({ content: `${n}` }), { roomId })));
      expect(results.filter(({ event, blocked }) => event === undefined || blocked)).toEqual([]);
      for (const roomId of new Set(rooms)) expect(messagesOf(await gapless(kit, roomId))).toHaveLength(3);
      await kit.close();
    });
  });
});

describe('F50 store', () => {
  it('in a file is opened by one of many at once, and the file is whole', async () => {
    verifies('F50', 'STO-13');
    const path = newPath();
    const opening = await Promise.allSettled(Array.from({ length: 5 }, () => SqliteStore.open(path)));
    const opened = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(opened).toHaveLength(1);
    for (const result of opening) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'store_busy', retryable: true });
    for (const store of opened) store.close();
    const { kit } = makeKit({ store: await openStore(path) });
    kit.registerChannel(new TestTransport('a'));
    expect((await kit.processInbound(message())).blocked).toBe(false);
    await kit.close();
  });

  it('in a file takes back a transaction that did not reach the disk, and the message may come again', async () => {
    verifies('F50', 'STO-01', 'STO-12');
    const path = newPath();
    const store = await openStore(path);
    const { kit } = makeKit({ store });
    await openRoom(kit, [new TestTransport('a')]);
    let fails = true;
    let image = '';
    intercept(store, (sql, execute) => {
      if (sql === 'COMMIT' && fails) {
        image = imageOf(path);
        throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
      }
      execute();
    });
    await expect(kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' })).rejects.toMatchObject({
      code: 'store_failed',
      retryable: true,
    });
    fails = false;
    expect(messagesOf(await gapless(kit, 'room'))).toEqual([]);
    expect(await kit.processInbound(message({ idempotencyKey: 'key' }), { roomId: 'room' })).toMatchObject({ duplicate: false, blocked: false });
    expect(messagesOf(await gapless(kit, 'room'))).toHaveLength(1);
    await kit.close();
    // Had the process died there instead: neither the event nor its key.
    const crashedStore = await openStore(image);
    expect([messagesOf(crashedStore.listEvents('room')), crashedStore.getEventByIdempotencyKey('key', { roomId: 'room' })]).toEqual([[], null]);
  });

  it('in a file of an older version goes on where that one stopped', async () => {
    verifies('F50', 'STO-13');
    const path = newPath();
    writeFileSync(path, gunzipSync(readFileSync(new URL('../../src/providers/sqlite/fixtures/version-1.db.gz', import.meta.url))));
    const { kit } = makeKit({ store: await openStore(path) });
    kit.registerChannel(new TestTransport('sms'));
    const before = await kit.getTimeline('room');
    expect(before.map(({ id, index }) => [id, index])).toEqual([
      ['e0', 0],
      ['e1', 1],
    ]);
    expect(await kit.processInbound({ channelId: 'sms', senderId: 'ada', content: 'again', idempotencyKey: 'key-e0' })).toMatchObject({
      duplicate: true,
      event: { id: 'e0' },
    });
    const { event } = await kit.processInbound({ channelId: 'sms', senderId: 'ada', content: 'hello' }, { roomId: 'room' });
    expect(event?.index).toBeGreaterThan(2);
    expect((await kit.getTimeline('room')).slice(0, 2)).toEqual(before);
    await kit.close();
  });
});

/** Two hundred events of every kind by one writer, one after another. */
async function write(kit: RoomKit, writer: number, keep: (event: RoomEvent | undefined) => string): Promise<void> {
  const own = `w${writer}`;
  const inbound = async (content: InboundMessage['content'], fields: Partial<InboundMessage> = {}): Promise<string> =>
    keep(
      (await kit.processInbound({ channelId: 'a', senderId: own, content, addressedTo: [], ...fields }, { roomId: 'room', wait: 'commit' })).event,
    );
  await kit.ensureParticipant('room', 'a', own);
  for (let round = 0; round < 10; round++) {
    const key = { idempotencyKey: `${own}-${round}` };
    const target = await inbound('plain', key);
    await inbound('plain', key);
    await inbound({ type: 'edit', targetEventId: target, newContent: { type: 'text', body: 'edited' } });
    await inbound({ type: 'delete', targetEventId: target });
    await inbound('forbidden');
    await inbound('inject');
    await inbound('ask', { addressedTo: ['bot'] });
    keep(await kit.sendEvent('room', 'a', 'sent', { addressedTo: [] }));
    await kit.updateParticipant('room', own, { displayName: `${own} ${round}` });
    await kit.attachChannel('room', own);
    await kit.setAccess('room', own, 'read_only');
    await kit.mute('room', own);
    await kit.unmute('room', own);
    await kit.detachChannel('room', own);
    for (let n = 0; n < 7; n++) await inbound(`plain ${n}`);
  }
}

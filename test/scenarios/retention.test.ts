/** What has been kept long enough goes by itself, and nothing that is open (§37). */
import { describe, expect, it } from 'vitest';
import {
  HookResult,
  InMemoryLockManager,
  InMemoryStore,
  RoomKit,
  silentLogger,
  type ConversationStore,
  type RetentionOptions,
  type RoomKitOptions,
} from '../../src/core/index.js';
import * as samples from '../../src/testing/contracts/samples.js';
import { InMemoryMediaStore, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { TestAgent, textOf, TestTransport } from '../support/harness.js';
import { openStore } from '../support/sqlite.js';

const DAY = 86_400;
const days = (count: number): number => count * DAY * 1000;

/** A kit whose clock goes from day to day without waking anybody up. */
function kitOn(store: ConversationStore, retention: RetentionOptions | undefined, options: RoomKitOptions = {}) {
  const clock = new TestClock();
  const media = new InMemoryMediaStore({ clock });
  const kit = new RoomKit({ store, clock, logger: silentLogger, mediaStore: media, ...(retention && { retention }), ...options });
  const sms = new TestTransport('sms', { recipientKey: 'phone_number' });
  kit.registerChannel(sms);
  kit.registerChannel(new TestTransport('web', { channelType: 'websocket', durable: false }));
  kit.registerChannel(new TestAgent('bot', (event) => `re: ${textOf(event)}`));
  return { kit, clock, media, sms };
}

const STORES: Readonly<Record<string, () => Promise<ConversationStore> | ConversationStore>> = {
  memory: () => new InMemoryStore(),
  sqlite: () => openStore(),
};

describe.each(Object.keys(STORES))('retention on %s', (name) => {
  const open = async (): Promise<ConversationStore> => (await STORES[name]?.()) ?? new InMemoryStore();

  it('removes what is older than its organization allows, with all that belongs to it', async () => {
    verifies('RET-01', 'RET-03', 'INV-02');
    const store = await open();
    const { kit, clock, media } = kitOn(store, {
      default: { events: 30 * DAY, blockedEvents: DAY, observations: DAY, usage: DAY },
      organizations: { careful: { events: 365 * DAY } },
    });
    media.addresses.set('https://vendor.example/a.png', { bytes: new Uint8Array([1]), mimeType: 'image/png' });
    kit.hook('before_broadcast', { name: 'polite' }, (event) => (textOf(event).includes('darn') ? HookResult.block('x') : HookResult.allow()));
    for (const [roomId, organizationId] of [['plain'], ['careful', 'careful']] as const) {
      await kit.createRoom({ roomId, ...(organizationId !== undefined && { organizationId }) });
      for (const channelId of ['web', 'sms', 'bot'])
        await kit.attachChannel(roomId, channelId, channelId === 'sms' ? { metadata: { phone_number: '+1' } } : {});
      await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'giraffe', idempotencyKey: 'k1' }, { roomId });
      await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'darn zebra' }, { roomId });
      await kit.processInbound(
        { channelId: 'web', senderId: 'ada', content: { type: 'media', url: 'https://vendor.example/a.png', mimeType: 'image/png' } },
        { roomId },
      );
      await kit.addObservation(roomId, { channelId: 'bot', content: 'old' });
      await store.addUsage?.([{ roomId, turnId: 't', agentId: 'bot', provider: 'p', model: 'm', tokens: {}, ms: 1, at: '2026-01-01T00:00:00.000Z' }]);
    }
    await clock.advance(10);
    const before = await store.countEvents('plain');
    clock.jump(days(2));
    expect(await kit.sweepRetention()).toMatchObject({ events: 2, observations: 2, rooms: 0, deliveries: 0 });
    expect(await kit.listObservations('plain')).toEqual([]);
    expect((await kit.getUsage('plain')).generations).toBe(0);
    clock.jump(days(29));
    await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'young' }, { roomId: 'plain' });
    const report = await kit.sweepRetention();
    expect(report.events).toBe(before - 1);
    expect(report.turns).toBeGreaterThan(0);
    expect(report.deliveries).toBeGreaterThan(0);
    expect(report.media).toBe(1);
    const left = await kit.getTimeline('plain');
    expect(left.map(textOf)).toEqual(['young', 're: young']);
    expect(left[0]?.index, 'indexes of what is left stay').toBe(before);
    expect((await kit.getRoom('plain')).eventCount).toBe(2);
    expect((await kit.getTimeline('careful')).length).toBe(before - 1);
    if (store.searchEvents !== undefined)
      expect((await kit.searchEvents({ text: 'giraffe' })).map(({ roomId }) => roomId)).toEqual(['careful', 'careful']);
    expect(await store.getEventByIdempotencyKey('k1', { roomId: 'plain' })).toBeNull();
    expect((await store.listRows({ roomId: 'plain' })).every(({ eventIndex }) => eventIndex >= before)).toBe(true);
    expect((await store.listTurns({ roomId: 'plain' })).length).toBe(1);
    expect(await kit.sweepRetention()).toMatchObject({ events: 0, turns: 0, deliveries: 0 });
    await kit.close();
  });

  it('leaves what is open, until it has ended', async () => {
    verifies('RET-04');
    const store = await open();
    const { kit, clock, sms } = kitOn(
      store,
      { default: { events: 7 * DAY, closedRooms: DAY, deliveries: DAY, turns: DAY } },
      { outboxTtlSeconds: 400 * DAY },
    );
    for (const roomId of ['parcel', 'waiting']) {
      await kit.createRoom({ roomId });
      for (const channelId of ['web', 'sms'])
        await kit.attachChannel(roomId, channelId, channelId === 'sms' ? { metadata: { phone_number: '+1' } } : {});
    }
    sms.isReady = false;
    await kit.sendEvent('parcel', 'web', 'not delivered yet', { wait: 'commit' });
    await kit.sendEvent('parcel', 'web', 'nor is this', { wait: 'commit' });
    const { event } = await store.commitEvent({
      event: samples.draft('waiting', 'asked', { createdAt: '2026-01-01T00:00:00.000Z' }),
      turns: [samples.turn('waiting', 'turn', 'bot', { triggerEventIds: ['asked'], state: 'waiting', createdAt: '2026-01-01T00:00:00.000Z' })],
      approvals: [samples.approval('waiting', 'leave', { turnId: 'turn' })],
    });
    await store.commitEvent({ event: samples.draft('waiting', 'last', { createdAt: '2026-01-01T00:00:00.000Z' }) });
    await kit.closeRoom('parcel');
    clock.jump(days(30));
    const swept = await kit.sweepRetention();
    expect(swept).toMatchObject({ rooms: 0, deliveries: 0, turns: 0, approvals: 0 });
    expect((await store.listRows({ roomId: 'parcel' })).length).toBe(2);
    expect((await kit.getTimeline('parcel')).map(textOf)).toEqual(expect.arrayContaining(['not delivered yet', 'nor is this']));
    expect(await store.getEvent('waiting', event.id)).not.toBeNull();
    expect(await store.getTurn('turn')).toMatchObject({ state: 'waiting' });
    for (const row of await store.listRows({ roomId: 'parcel' })) await kit.cancelDelivery(row.id);
    await store.updateTurn('turn', { state: 'cancelled' });
    expect(await kit.sweepRetention()).toMatchObject({ rooms: 1, events: 1, turns: 1, approvals: 1 });
    await expect(kit.getRoom('parcel')).rejects.toMatchObject({ code: 'room_not_found' });
    expect((await kit.getTimeline('waiting')).map(({ id }) => id)).toEqual(['last']);
    const closing = kit.close();
    await clock.advance(60_000);
    await closing;
  });
});

describe('retention', () => {
  it('refuses rules that make no sense, naming them', () => {
    verifies('RET-01', 'RET-05');
    const make = (retention: RetentionOptions) => () => new RoomKit({ retention });
    expect(make({ default: { turns: 59 } })).toThrow(/retention\.default\.turns is 59/);
    expect(make({ default: { turn: 60 } as never })).toThrow(/turn/);
    expect(make({ organizations: { acme: { usage: Number.NaN } } })).toThrow(/organizations\['acme'\]\.usage/);
    expect(make({ default: { events: DAY } })).toThrow(/seven days/);
    expect(make({ default: { allowShort: true }, organizations: { acme: { events: DAY } } })).not.toThrow();
  });

  it('takes a message that comes again after its event went for a new one, and before that for what it is', async () => {
    verifies('RET-05', 'INB-08', 'RET-03');
    const { kit, clock } = kitOn(new InMemoryStore(), { default: { events: 7 * DAY } });
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'web');
    const message = { channelId: 'web', senderId: 'ada', content: 'hello', idempotencyKey: 'SM1' };
    const first = await kit.processInbound(message, { roomId: 'room' });
    await kit.sendEvent('room', 'web', 'something newer');
    clock.jump(days(6));
    await kit.sweepRetention();
    expect(await kit.processInbound(message, { roomId: 'room' })).toMatchObject({ duplicate: true, event: { id: first.event?.id } });
    clock.jump(days(2));
    await kit.sweepRetention();
    expect(await kit.processInbound(message, { roomId: 'room' })).toMatchObject({ duplicate: false, blocked: false });
    await kit.close();
  });

  it('is swept by one of several processes, once an hour, and whenever it is asked for', async () => {
    verifies('RET-02');
    class SharedStore extends InMemoryStore {
      override readonly shared = true;
    }
    const shared = new SharedStore();
    const store: ConversationStore = shared;
    const lockManager = new InMemoryLockManager();
    const retention = { default: { events: 7 * DAY } };
    const clock = new TestClock();
    const options = { store, lockManager, retention, clock, logger: silentLogger, sweepIntervalSeconds: 60 };
    const [one, two] = [new RoomKit(options), new RoomKit({ ...options, sweepIntervalSeconds: 90 })] as const;
    await one.createRoom({ roomId: 'room' });
    const old = async (id: string): Promise<void> => {
      await store.commitEvent({ event: samples.draft('room', id, { createdAt: '2025-01-01T00:00:00.000Z' }) });
      await store.commitEvent({ event: samples.draft('room', `${id} after`, { createdAt: '2026-01-01T00:00:00.000Z' }) });
    };
    Object.assign(shared, { findRooms: findOld(shared) });
    await old('first');
    await clock.advance(61_000);
    expect(await store.getEvent('room', 'first'), 'by the first process').toBeNull();
    await old('second');
    await clock.advance(120_000);
    expect(await store.getEvent('room', 'second'), 'the second one leaves it').not.toBeNull();
    expect(await two.sweepRetention()).toMatchObject({ events: 1 });
    await old('third');
    await clock.advance(3_700_000);
    expect(await store.getEvent('room', 'third'), 'an hour later').toBeNull();
    for (const kit of [one, two]) await kit.close();
  });

  it('keeps everything without rules', async () => {
    verifies('RET-01');
    const { kit, clock } = kitOn(new InMemoryStore(), undefined);
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'web');
    await kit.sendEvent('room', 'web', 'kept');
    clock.jump(days(4000));
    expect(Object.values(await kit.sweepRetention()).every((count) => count === 0)).toBe(true);
    expect((await kit.getTimeline('room')).length).toBe(2);
    await kit.close();
  });
});

/** Rooms as if they had been made long ago: nobody can wait for that. */
function findOld(store: InMemoryStore): InMemoryStore['findRooms'] {
  const find = store.findRooms.bind(store);
  return (query) => find(query).map((room) => ({ ...room, createdAt: '2025-01-01T00:00:00.000Z' }));
}

/** Media of messages goes into the media store, and out of it with the events that brought it (behaviour §14.1). */
import { describe, expect, it } from 'vitest';
import {
  DeliveryError,
  HookResult,
  RoomKitError,
  TransportChannel,
  WebSocketChannel,
  type ErrorNotice,
  type EventContent,
  type FetchedMedia,
  type MediaContent,
  type MediaRecord,
  type RoomEvent,
  type RoomKit,
  type RoomKitOptions,
} from '../../src/index.js';
import type { TestClock } from '../../src/testing/index.js';
import { FaultStore, InMemoryMediaStore, MockTransportProvider } from '../../src/testing/index.js';
import { DISKS } from '../support/disks.js';
import { makeKit, openRoom, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const CAT = 'https://vendor.example/cat.png';
const DOG = 'https://vendor.example/dog.png';
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);
const MANY = ['text', 'rich', 'media', 'audio', 'video'] as const;

const media = (url: string, more: Partial<MediaContent> = {}): MediaContent => ({ type: 'media', url, mimeType: 'image/png', ...more });

interface Scene {
  readonly kit: RoomKit;
  readonly clock: TestClock;
  readonly store: InMemoryMediaStore;
  readonly phone: TestTransport;
  readonly web: TestTransport;
  readonly roomId: string;
  readonly errors: ErrorNotice[];
  /** Somebody writes from the phone. */
  say(content: EventContent | string): Promise<RoomEvent>;
  /** The event as it stands in the timeline. */
  now(event: RoomEvent): Promise<RoomEvent>;
  /** What runs beside the messages has ended. */
  quiet(): Promise<void>;
}

async function scene(options: RoomKitOptions = {}, store = new InMemoryMediaStore(), phoneOptions: Partial<TestTransport> = {}): Promise<Scene> {
  const { kit, clock } = makeKit({ mediaStore: store, ...options });
  store.addresses.set(CAT, { bytes: PNG, mimeType: 'image/png', filename: 'cat.png' });
  store.addresses.set(DOG, { bytes: PNG.slice(0, 5), mimeType: 'image/png' });
  const phone = new TestTransport('phone', { capabilities: { mediaTypes: [...MANY] }, ...phoneOptions });
  const web = new TestTransport('web', { durable: false, capabilities: { mediaTypes: [...MANY] } });
  const roomId = await openRoom(kit, [phone, web]);
  const errors: ErrorNotice[] = [];
  kit.hook('on_error', (error) => void errors.push(error));
  return {
    kit,
    clock,
    store,
    phone,
    web,
    roomId,
    errors,
    say: async (content) => {
      const { event } = await kit.processInbound({ channelId: 'phone', senderId: 'ada', content }, { roomId });
      if (event === undefined) throw new Error('It was refused.');
      return event;
    },
    now: async (event) => {
      const found = await kit.getEvent(roomId, event.id);
      if (found === null) throw new Error('It is gone.');
      return found;
    },
    quiet: () => quiet(kit),
  };
}

async function quiet(kit: RoomKit): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(kit.stats().tasks).toBe(0);
}

function recordsOf(event: RoomEvent): readonly MediaRecord[] {
  return event.channelData.extra?.['media'] as readonly MediaRecord[]; // what is expected of it
}

async function bytesOf(store: InMemoryMediaStore, id: string | undefined): Promise<number[]> {
  const bytes: number[] = [];
  for await (const piece of await store.open(id ?? '')) bytes.push(...piece);
  return bytes;
}

describe('media of a message', () => {
  it('is fetched after the commit, beside it, and the stored one takes the place of the link', async () => {
    verifies('MED-01', 'PV-14');
    const { kit, store, roomId, say, now, quiet: settle } = await scene();
    let committedFirst = false;
    store.onFetch = async () => {
      committedFirst = (await kit.getTimeline(roomId)).some(({ content }) => content.type === 'media' && content.url === CAT);
    };
    const event = await say(media(CAT, { caption: 'my cat' }));
    expect(event.content).toMatchObject({ url: CAT });
    await settle();
    expect(committedFirst).toBe(true);
    const stored = await now(event);
    const [record] = recordsOf(stored);
    expect(stored.content).toEqual({
      type: 'media',
      url: record?.url,
      mimeType: 'image/png',
      filename: 'cat.png',
      sizeBytes: PNG.length,
      caption: 'my cat',
    });
    expect(recordsOf(stored)).toEqual([{ original_url: CAT, id: store.ids[0], url: record?.url }]);
    expect(stored).toMatchObject({ index: event.index, createdAt: event.createdAt, source: event.source });
    expect(await bytesOf(store, record?.id)).toEqual([...PNG]);
    expect(store.info(record?.id ?? '')).toMatchObject({ mimeType: 'image/png', filename: 'cat.png', roomId, eventId: event.id });
    expect(store.fetched.map(({ url, options }) => [url, options.mimeType])).toEqual([[CAT, 'image/png']]);
    await kit.close();
    expect(store.closed).toBe(1);
  });

  it('reaches those who follow the timeline', async () => {
    verifies('MED-01');
    const { kit, roomId, say, quiet: settle } = await scene();
    const live = new WebSocketChannel('live');
    kit.registerChannel(live);
    await kit.attachChannel(roomId, 'live');
    const seen: (string | undefined)[] = [];
    const urlOf = ({ content }: RoomEvent): string | undefined => (content.type === 'media' ? new URL(content.url).host : undefined);
    void live.registerConnection('browser', (frame) => (frame.type === 'event' ? seen.push(urlOf(frame.event)) : undefined), {
      roomIds: [roomId],
      changed: (event, change) => void seen.push(change, urlOf(event)),
    });
    const hooked: RoomEvent[] = [];
    kit.hook('on_event_updated', (event) => void hooked.push(event));
    const event = await say(media(CAT));
    await settle();
    expect(hooked.map(({ id, content }) => [id, content.type === 'media' && content.url.startsWith('https://media.test/')])).toEqual([
      [event.id, true],
    ]);
    expect(seen).toEqual(['vendor.example', 'updated', 'media.test']);
    await kit.close();
  });

  it('keeps the type its vendor named where the address tells none', async () => {
    verifies('MED-01');
    const { kit, store, say, now, quiet: settle } = await scene();
    store.addresses.set(CAT, { bytes: PNG, mimeType: 'application/octet-stream' });
    store.addresses.set(DOG, { bytes: PNG, mimeType: 'image/webp' });
    const [cat, dog] = [await say(media(CAT)), await say(media(DOG))];
    await settle();
    expect((await now(cat)).content).toMatchObject({ mimeType: 'image/png', url: expect.stringMatching(/^https:\/\/media\.test/) as string });
    expect((await now(dog)).content).toMatchObject({ mimeType: 'image/webp' });
    await kit.close();
  });

  it('is found wherever it stands in the content', async () => {
    verifies('MED-01');
    const { kit, store, say, now, quiet: settle } = await scene();
    store.addresses.set('https://vendor.example/a.ogg', { bytes: PNG, mimeType: 'audio/ogg' });
    store.addresses.set('https://vendor.example/v.mp4', { bytes: PNG, mimeType: 'video/mp4' });
    const event = await say({
      type: 'composite',
      parts: [
        { type: 'text', body: 'all of these' },
        media(CAT),
        { type: 'composite', parts: [{ type: 'audio', url: 'https://vendor.example/a.ogg' }, media(CAT), media(DOG)] },
        { type: 'video', url: 'https://vendor.example/v.mp4', durationSeconds: 3 },
      ],
    });
    await settle();
    const { content, ...stored } = await now(event);
    const urls = JSON.stringify(content).match(/https:\/\/[^"]+/g) ?? [];
    expect(urls).toHaveLength(5);
    expect(urls.every((url) => url.startsWith('https://media.test/'))).toBe(true);
    expect(urls[0], 'the same address is fetched once').toBe(urls[2]);
    expect(content).toMatchObject({ parts: [{ body: 'all of these' }, {}, {}, { mimeType: 'video/mp4', durationSeconds: 3 }] });
    expect(recordsOf(stored as RoomEvent).map(({ original_url }) => original_url)).toEqual([
      CAT,
      'https://vendor.example/a.ogg',
      DOG,
      'https://vendor.example/v.mp4',
    ]);
    expect(store.ids).toHaveLength(4);
    await kit.close();
  });

  it('is fetched by its own channel, with what that knows, and by the guarded fetch where the channel leaves it', async () => {
    verifies('MED-01');
    const own: FetchedMedia = { data: pieces(PNG), mimeType: 'image/jpeg', filename: 'voice.jpg' };
    const asked: [string, string | undefined][] = [];
    const {
      kit,
      store,
      say,
      now,
      quiet: settle,
    } = await scene({}, undefined, {
      fetchMedia: async (url: string, { mimeType, fetch }: { mimeType?: string; fetch: InMemoryMediaStore['fetch'] }) => {
        asked.push([url, mimeType]);
        if (url === 'https://files.example/AgAC-123') return own;
        return url === CAT ? fetch(CAT, { credentials: { headers: { authorization: 'Bearer x' }, hosts: ['vendor.example'] } }) : null;
      },
    } as Partial<TestTransport>);
    const events = [await say(media('https://files.example/AgAC-123')), await say(media(CAT)), await say(media(DOG))];
    await settle();
    const stored = await Promise.all(events.map(now));
    expect(stored.map(({ content }) => content)).toMatchObject([{ filename: 'voice.jpg', mimeType: 'image/jpeg' }, { filename: 'cat.png' }, {}]);
    expect(stored.map(recordsOf)).toMatchObject([
      [{ original_url: 'https://files.example/AgAC-123', id: 'media-1' }],
      [{ id: 'media-2' }],
      [{ id: 'media-3' }],
    ]);
    expect(asked).toEqual([
      ['https://files.example/AgAC-123', 'image/png'],
      [CAT, 'image/png'],
      [DOG, 'image/png'],
    ]);
    expect(store.fetched.map(({ url, options }) => [url, options.credentials?.hosts])).toEqual([
      [CAT, ['vendor.example']],
      [DOG, undefined],
    ]);
    await kit.close();
  });

  it('is taken out of data: urls', async () => {
    verifies('MED-01');
    const { kit, store, say, now, quiet: settle } = await scene();
    const one = await say(media(`data:image/png;base64,${Buffer.from(PNG).toString('base64')}`));
    const two = await say({
      type: 'composite',
      parts: [
        media('data:text/plain,Gr%C3%BC%C3%9Fe', { mimeType: 'text/plain' }),
        media('data:text/plain;charset=utf-8;base64,aGk=', { mimeType: 'text/plain' }),
      ],
    });
    const bad = await say(media('data:image/png;base64,%%%'));
    await settle();
    expect(await bytesOf(store, recordsOf(await now(one))[0]?.id)).toEqual([...PNG]);
    expect(JSON.stringify(await now(one))).not.toContain('base64');
    const records = recordsOf(await now(two));
    expect(await Promise.all(records.map(async ({ id }) => Buffer.from(await bytesOf(store, id)).toString()))).toEqual(['Grüße', 'hi']);
    expect(recordsOf(await now(bad))).toEqual([{ original_url: 'data:', error: 'media_unavailable', attempts: 1, retryable: false }]);
    expect(store.fetched).toEqual([]);
    await kit.close();
  });

  it('stays a link when it cannot be fetched, and on_error tells why, without addresses', async () => {
    verifies('MED-01');
    const secret = 'https://vendor.example/file?token=secret';
    const { kit, store, errors, say, now, roomId, quiet: settle } = await scene();
    store.addresses.set(secret, new Error(`GET ${secret} failed`));
    store.addresses.set(DOG, new RoomKitError('media_too_large', 'https://vendor.example/… is larger than 25 bytes.'));
    const event = await say({ type: 'composite', parts: [media(secret), media(DOG), media(CAT)] });
    await settle();
    const stored = await now(event);
    expect(stored.content).toMatchObject({
      parts: [{ url: secret }, { url: DOG }, { url: expect.stringMatching(/^https:\/\/media\.test/) as string }],
    });
    expect(recordsOf(stored)).toEqual([
      { original_url: secret, error: 'internal', attempts: 1, retryable: true },
      { original_url: DOG, error: 'media_too_large', attempts: 1, retryable: false },
      { original_url: CAT, id: 'media-1', url: expect.stringContaining('media-1') as string },
    ]);
    expect(errors.map(({ category, code, room_id, channel_id }) => [category, code, room_id, channel_id])).toEqual([
      ['media', 'internal', roomId, 'phone'],
      ['media', 'media_too_large', roomId, 'phone'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('secret');
    await kit.close();
  });

  it('is left alone without a store, in what agents and hosts say, and in what was blocked', async () => {
    verifies('MED-01');
    const { kit, store, say, roomId, now, quiet: settle } = await scene();
    const sent = await kit.sendEvent(roomId, 'web', media(CAT));
    kit.hook('before_broadcast', () => HookResult.block('no'));
    const blocked = await say(media(DOG));
    await settle();
    expect([(await now(sent)).content, (await now(blocked)).content]).toMatchObject([{ url: CAT }, { url: DOG }]);
    expect([store.ids, store.fetched]).toEqual([[], []]);
    await kit.close();
    const plain = makeKit();
    const room = await openRoom(plain.kit, [new TestTransport('phone')]);
    const { event } = await plain.kit.processInbound({ channelId: 'phone', senderId: 'ada', content: media(CAT) }, { roomId: room });
    expect([event?.content, event?.channelData]).toEqual([media(CAT), {}]);
    expect(await plain.kit.sweepMedia()).toEqual({ stored: 0, removed: 0 });
    await plain.kit.close();
  });

  it('is fetched for the new content of an edit, and not for one that was edited away meanwhile', async () => {
    verifies('MED-01', 'MED-02');
    const { kit, store, say, now, quiet: settle } = await scene();
    const event = await say(media(CAT));
    await settle();
    await say({ type: 'edit', targetEventId: event.id, newContent: media(DOG) });
    await settle();
    const edited = await now(event);
    expect(recordsOf(edited).map(({ original_url, id }) => [original_url, id])).toEqual([
      [CAT, 'media-1'],
      [DOG, 'media-2'],
    ]);
    expect(edited.content).toMatchObject({ url: recordsOf(edited)[1]?.url });

    const held = gate();
    store.onFetch = () => held.open;
    const other = await say(media(CAT));
    await say({ type: 'edit', targetEventId: other.id, newContent: { type: 'text', body: 'no picture' } });
    held.release();
    await settle();
    expect((await now(other)).content).toEqual({ type: 'text', body: 'no picture' });
    expect(store.ids, 'what came too late is not kept').toEqual(['media-1', 'media-2']);
    await kit.close();
  });

  it('is fetched for so many messages at a time, and no more', async () => {
    verifies('MED-01', 'PV-14');
    const { kit, store, say, quiet: settle } = await scene();
    let running = 0;
    let most = 0;
    store.onFetch = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    };
    for (let n = 0; n < 30; n++) await say(media(CAT, { caption: String(n) }));
    await settle();
    expect([most, store.ids.length]).toEqual([8, 30]);
    await kit.close();
  });

  it('is fetched for the first twenty files of a message', async () => {
    verifies('MED-01');
    const { kit, store, say, now, quiet: settle } = await scene();
    const urls = Array.from({ length: 30 }, (_, n) => `https://vendor.example/${n}.png`);
    for (const url of urls) store.addresses.set(url, { bytes: PNG, mimeType: 'image/png' });
    const event = await say({ type: 'composite', parts: urls.map((url) => media(url)) });
    await settle();
    expect(await kit.sweepMedia()).toEqual({ stored: 0, removed: 0 });
    const { content } = await now(event);
    expect(store.ids).toHaveLength(20);
    expect(content.type === 'composite' && content.parts.slice(20)).toEqual(urls.slice(20).map((url) => media(url)));
    await kit.close();
  });

  it('is not waited for by a message, and not for long by the end of the kit', async () => {
    verifies('MED-01', 'KIT-03');
    const { kit, clock, store, say, errors } = await scene();
    store.onFetch = () => new Promise(() => undefined);
    await say(media(CAT));
    await say('the next one');
    const closing = kit.close();
    await clock.advance(15_000);
    await closing;
    expect(errors).toEqual([]);
  });
});

describe('a crash', () => {
  it.each(DISKS)('between the commit and the fetch loses nothing: the sweep finds it (%s)', async (_name, open) => {
    verifies('MED-01');
    const disk = await open();
    const before = await scene({ store: disk.store });
    before.store.onFetch = () => new Promise(() => undefined);
    const event = await before.say(media(CAT, { caption: 'unfetched' }));
    const sent = await before.kit.sendEvent(before.roomId, 'web', media(DOG));

    const after = makeKit({ store: (await disk.afterCrash()).store, mediaStore: before.store });
    before.store.onFetch = undefined;
    after.kit.registerChannel(new TestTransport('phone'));
    expect(await after.kit.sweepMedia()).toEqual({ stored: 1, removed: 0 });
    const found = await after.kit.getEvent(before.roomId, event.id);
    expect(found?.content).toMatchObject({ url: expect.stringMatching(/^https:\/\/media\.test/) as string, caption: 'unfetched' });
    expect((await after.kit.getEvent(before.roomId, sent.id))?.content, 'what was sent was never to be stored').toMatchObject({ url: DOG });
    expect(await after.kit.sweepMedia()).toEqual({ stored: 0, removed: 0 });
    await after.kit.close();
  });

  it('between the store and the event leaves a file that is kept for an hour, and then swept', async () => {
    verifies('MED-02');
    const store = new InMemoryMediaStore();
    const { kit, clock, roomId } = await scene({}, store);
    await store.put(PNG, { mimeType: 'image/png', roomId, eventId: 'lost', keepUntil: new Date(clock.now() + 3_600_000).toISOString() });
    expect(await kit.sweepMedia()).toEqual({ stored: 0, removed: 0 });
    await clock.advance(3_600_001);
    expect(await kit.sweepMedia()).toEqual({ stored: 0, removed: 1 });
    await kit.close();
  });

  it('of the store while the event is changed is waited for', async () => {
    verifies('MED-01');
    const faults = new FaultStore();
    const { kit, clock, say, now, store } = await scene({ store: faults });
    const held = gate();
    store.onFetch = () => held.open;
    const event = await say(media(CAT));
    faults.fail('updateEvent', { times: 2 });
    held.release();
    for (let n = 0; n < 20; n++) await clock.advance(100);
    await quiet(kit);
    expect((await now(event)).content).toMatchObject({ url: expect.stringMatching(/^https:\/\/media\.test/) as string });
    await kit.close();
  });

  it('of the vendor is tried again by the sweep, a few times; what cannot help is not', async () => {
    verifies('MED-01');
    const { kit, store, say, now, errors, quiet: settle } = await scene();
    store.addresses.set(CAT, new RoomKitError('media_unavailable', 'https://vendor.example/… answered with status 503.', { retryable: true }));
    store.addresses.set(DOG, new RoomKitError('media_type_mismatch', 'It is something else.'));
    const [cat, dog, late] = [await say(media(CAT)), await say(media(DOG)), await say(media(CAT, { caption: 'late' }))];
    await settle();
    for (let n = 0; n < 3; n++) await kit.sweepMedia();
    store.addresses.set(CAT, { bytes: PNG, mimeType: 'image/png' });
    await kit.sweepMedia();
    await settle();
    expect(recordsOf(await now(cat))).toMatchObject([{ original_url: CAT, id: expect.any(String) as string }]);
    expect(recordsOf(await now(late))).toMatchObject([{ id: expect.any(String) as string }]);
    expect(recordsOf(await now(dog))).toMatchObject([{ error: 'media_type_mismatch', attempts: 1 }]);
    expect(errors).toHaveLength(4 + 1 + 4);

    store.addresses.set(CAT, new Error('away'));
    const hopeless = await say(media(CAT));
    await settle();
    for (let n = 0; n < 9; n++) await kit.sweepMedia();
    expect(recordsOf(await now(hopeless))).toMatchObject([{ error: 'internal', attempts: 5 }]);
    await kit.close();
  });
});

describe('the sweep', () => {
  it('fetches nothing that is being fetched, and looks back as far as it is told', async () => {
    verifies('MED-01', 'MED-02');
    const { kit, clock, store, say, now, quiet: settle } = await scene();
    const held = gate();
    store.onFetch = () => held.open;
    await say(media(CAT));
    const sweeping = kit.sweepMedia();
    held.release();
    expect(await sweeping).toEqual({ stored: 0, removed: 0 });
    expect([store.fetched.length, store.ids.length]).toEqual([1, 1]);

    store.addresses.set(DOG, new RoomKitError('media_unavailable', 'It is away.', { retryable: true }));
    const missed = await say(media(DOG));
    await settle();
    store.addresses.set(DOG, { bytes: PNG, mimeType: 'image/png' });
    await clock.advance(60_000);
    expect((await kit.sweepMedia({ sinceSeconds: 59 })).stored).toBe(0);
    expect((await kit.sweepMedia({ sinceSeconds: 60 })).stored).toBe(1);
    expect(recordsOf(await now(missed))).toMatchObject([{ id: expect.any(String) as string }]);
    await kit.close();
  });

  it('finds what was missed behind many other events and rooms', async () => {
    verifies('MED-01');
    const { kit, store, say, now, phone, quiet: settle } = await scene();
    store.addresses.set(CAT, new RoomKitError('media_unavailable', 'It is away.', { retryable: true }));
    const missed = await say(media(CAT));
    for (let n = 0; n < 101; n++) await say('one more message');
    for (let n = 0; n < 101; n++) await openRoom(kit, [], `room-${n}`);
    await kit.attachChannel('room-0', phone.channelId);
    await settle();
    store.addresses.set(CAT, { bytes: PNG, mimeType: 'image/png' });
    expect(await kit.sweepMedia()).toEqual({ stored: 1, removed: 0 });
    expect(recordsOf(await now(missed))).toMatchObject([{ id: expect.any(String) as string }]);
    await kit.close();
  });
});

describe('stored media', () => {
  it('is deleted with its event, also when it was taken back, and before it arrived', async () => {
    verifies('MED-02');
    const { kit, store, say, roomId, now, quiet: settle } = await scene();
    const [one, two, three] = [await say(media(CAT)), await say({ type: 'composite', parts: [media(CAT), media(DOG)] }), await say(media(DOG))];
    await settle();
    expect(store.ids).toHaveLength(4);
    await kit.deleteEvent(roomId, one.id);
    await settle();
    expect(store.ids).toHaveLength(3);
    await say({ type: 'delete', targetEventId: two.id });
    await settle();
    expect(store.ids).toEqual([recordsOf(await now(three))[0]?.id]);
    const held = gate();
    store.onFetch = () => held.open;
    const late = await say(media(CAT));
    const takenBack = await say(media(CAT));
    await kit.deleteEvent(roomId, late.id);
    await say({ type: 'delete', targetEventId: takenBack.id });
    held.release();
    await settle();
    expect(store.ids).toHaveLength(1);
    await kit.close();
  });

  it('is deleted with its room, edited-away pictures included', async () => {
    verifies('MED-02');
    const { kit, store, say, roomId, phone, quiet: settle } = await scene();
    const other = await openRoom(kit, [], 'other');
    await kit.attachChannel(other, phone.channelId);
    const kept = await kit.processInbound({ channelId: 'phone', senderId: 'bob', content: media(DOG) }, { roomId: other });
    for (let n = 0; n < 120; n++) await say(media(CAT, { caption: String(n) }));
    const event = await say(media(DOG));
    await settle();
    await say({ type: 'edit', targetEventId: event.id, newContent: { type: 'text', body: 'no dog' } });
    await settle();
    expect(store.ids).toHaveLength(122);
    await kit.deleteRoom(roomId);
    await settle();
    expect(store.ids).toEqual([recordsOf((await kit.getEvent(other, kept.event?.id ?? '')) as RoomEvent)[0]?.id]);
    await kit.close();
  });

  it('is swept when no event shows it any more, and by the kit itself every hour', async () => {
    verifies('MED-02');
    const { kit, clock, store, say, roomId, quiet: settle } = await scene();
    const [shown, edited, patched] = [await say(media(CAT)), await say(media(DOG)), await say(media(DOG))];
    await settle();
    await say({ type: 'edit', targetEventId: edited.id, newContent: { type: 'text', body: 'edited' } });
    await kit.updateEvent(roomId, patched.id, { content: 'patched' });
    await settle();
    expect(store.ids).toHaveLength(3);
    kit.startSweeping(60);
    await clock.advance(60_000);
    await settle();
    expect(store.ids, 'within its first hour all is kept').toHaveLength(3);
    await clock.advance(3_540_000);
    await settle();
    expect(store.ids).toHaveLength(3);
    await clock.advance(3_600_000);
    await settle();
    expect(store.ids).toEqual([recordsOf((await kit.getEvent(roomId, shown.id)) as RoomEvent)[0]?.id]);
    await kit.close();
  });

  it('that cannot be deleted now is left to the sweep, also when its message was taken back', async () => {
    verifies('MED-02');
    const store = new InMemoryMediaStore();
    const { kit, clock, say, roomId, quiet: settle } = await scene({}, store);
    const [event, takenBack] = [await say(media(CAT)), await say(media(DOG))];
    await settle();
    const remove = store.delete.bind(store);
    store.delete = () => {
      throw new Error('The disk is away.');
    };
    await kit.deleteEvent(roomId, event.id);
    await say({ type: 'delete', targetEventId: takenBack.id });
    await settle();
    store.delete = remove;
    expect(store.ids).toHaveLength(2);
    await clock.advance(3_600_001);
    expect(await kit.sweepMedia()).toEqual({ stored: 0, removed: 2 });
    await kit.close();
  });
});

describe('a channel whose vendor takes media by its address', () => {
  /** A vendor that is given links, in a room with the phone. */
  async function published(
    content: MediaContent,
    from: 'host' | 'phone' = 'host',
    fetchesMedia = true,
  ): Promise<Scene & { links: (string | undefined)[]; provider: MockTransportProvider }> {
    const all = await scene();
    const provider = new MockTransportProvider('vendor', { fetchesMedia });
    const links: (string | undefined)[] = [];
    provider.onSend = ({ content: sent }) => {
      if (sent.type === 'media') links.push(sent.url);
    };
    const sms = new TransportChannel('sms', { channelType: 'sms', provider, recipientKey: 'to', capabilities: { mediaTypes: ['text', 'media'] } });
    all.kit.registerChannel(sms);
    await all.kit.attachChannel(all.roomId, 'sms', { metadata: { to: '+15550001111' } });
    await (from === 'phone' ? all.say(content) : all.kit.sendEvent(all.roomId, 'web', content));
    await all.quiet();
    return { ...all, links, provider };
  }

  it('is given a link that expires for a data: url, and the same one for each try', async () => {
    verifies('PV-05');
    const {
      kit,
      clock,
      store,
      links,
      provider,
      roomId,
      quiet: settle,
    } = await published(media(`data:image/png;base64,${Buffer.from(PNG).toString('base64')}`, { filename: 'cat.png' }));
    expect(links).toHaveLength(1);
    const link = new URL(links[0] ?? '');
    expect(link.host).toBe('media.test');
    expect(Date.parse(link.searchParams.get('expires') ?? '') - clock.now()).toBe(3_600_000);
    const id = store.ids[0] ?? '';
    expect(link.pathname).toBe(`/media/${id}`);
    expect(store.info(id)).toMatchObject({ mimeType: 'image/png', filename: 'cat.png', roomId });
    expect(await bytesOf(store, id)).toEqual([...PNG]);
    provider.failNext(new DeliveryError('busy', 'Try again.', { retryable: true }));
    await kit.sendEvent(roomId, 'web', media('data:text/plain,again', { mimeType: 'text/plain' }), { wait: 'commit' });
    for (let n = 0; n < 40; n++) await clock.advance(1000);
    await settle();
    expect(links).toHaveLength(3);
    expect(links[1]).toBe(links[2]);
    expect(store.ids).toHaveLength(2);
    await clock.advance(3_600_001);
    expect(await kit.sweepMedia(), 'no event shows what was published').toEqual({ stored: 0, removed: 2 });
    await kit.close();
  });

  it('is given the stored file of what only another vendor can open', async () => {
    verifies('PV-05', 'MED-01');
    const { kit, links, store } = await published(media(CAT), 'phone');
    expect(links).toEqual([expect.stringMatching(/^https:\/\/media\.test\/media\/media-1\?expires=/)]);
    expect(store.ids).toEqual(['media-1']);
    await kit.close();
  });

  it('uploads bytes itself where it does not say that it fetches them', async () => {
    verifies('PV-05');
    const bytes = media('data:text/plain,hello', { mimeType: 'text/plain' });
    const { kit, links, store } = await published(bytes, 'host', false);
    expect([links, store.ids]).toEqual([[bytes.url], []]);
    await kit.close();
  });

  it('is given an ordinary link as it is', async () => {
    verifies('PV-05');
    const plain = await published(media(DOG));
    expect(plain.links).toEqual([DOG]);
    await plain.kit.close();
  });
});

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}

function gate(): { readonly open: Promise<void>; release(): void } {
  let release = (): void => undefined;
  const open = new Promise<void>((resolve) => (release = resolve));
  return { open, release: () => release() };
}

import { describe, expect, it } from 'vitest';
import { RoomKit } from '../core/kit.js';
import { silentLogger } from '../core/logger.js';
import type { RoomEvent } from '../core/models/event.js';
import type { EphemeralEvent } from '../core/models/ephemeral.js';
import type { StreamPlaceholder } from '../core/channel.js';
import { MockTransportProvider } from '../testing/mock-transport-provider.js';
import { TestClock } from '../testing/test-clock.js';
import { verifies } from '../../test/requirements.js';
import { TransportChannel } from './transport.js';
import { WebSocketChannel, type WebSocketChannelOptions } from './websocket.js';
import type { ConnectionFrame, StreamFrame } from './websocket/frames.js';

/** A room in which `desk` speaks and `web` listens. */
async function listening(options: WebSocketChannelOptions = {}) {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  const web = new WebSocketChannel('web', options);
  kit.registerChannel(web);
  kit.registerChannel(new WebSocketChannel('desk'));
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'web');
  await kit.attachChannel('r', 'desk');
  const say = (body: string, visibility = 'all') =>
    kit.processInbound({ channelId: 'desk', senderId: 'agent', content: body, visibility }, { roomId: 'r' });
  return { kit, clock, web, say };
}

class Ear {
  readonly frames: ConnectionFrame[] = [];
  readonly streams: StreamFrame[] = [];
  readonly hear = (frame: ConnectionFrame): void => void this.frames.push(frame);
  readonly watch = (frame: StreamFrame): void => void this.streams.push(frame);

  get words(): string[] {
    return this.frames.map((frame) => (frame.type === 'event' ? bodyOf(frame.event) : frame.type));
  }

  get places(): number[][] {
    return this.frames.flatMap((frame) => (frame.type === 'event' ? [[frame.prev, frame.event.index]] : []));
  }
}

function bodyOf(event: RoomEvent): string {
  return event.content.type === 'text' ? event.content.body : event.content.type;
}

const placeholder = (streamId = 's1'): StreamPlaceholder => ({
  streamId,
  roomId: 'r',
  source: { channelId: 'bot', channelType: 'ai', direction: 'outbound', rawPayload: {} },
  visibility: 'all',
});

describe('connections and rooms', () => {
  it('hear exactly the rooms they follow', async () => {
    verifies('WS-01');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const [inRoom, nowhere, elsewhere] = [new Ear(), new Ear(), new Ear()];
    web.registerConnection('a', inRoom.hear, { roomIds: ['r'] });
    web.registerConnection('b', nowhere.hear);
    web.registerConnection('c', elsewhere.hear, { roomIds: ['other'] });
    await say('one');
    web.subscribe('b', 'r');
    expect(web.unsubscribe('a', 'r')).toBe(true);
    await say('two');
    expect([inRoom.words, nowhere.words, elsewhere.words]).toEqual([['one'], ['two'], []]);
    expect(web.unsubscribe('a', 'r')).toBe(false);
    expect(web.roomsOf('b')).toEqual(['r']);
  });

  it('are replaced when registered again, with a clean record, and forgotten when unregistered', async () => {
    verifies('WS-01');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const broken = (): never => {
      throw new Error('broken pipe');
    };
    web.registerConnection('a', broken, { roomIds: ['r'] });
    await say('one');
    await say('two');
    const ear = new Ear();
    let calls = 0;
    const breaksOnce = (frame: ConnectionFrame): void => {
      if (++calls === 1) broken();
      ear.hear(frame);
    };
    web.registerConnection('a', breaksOnce, { roomIds: ['r'] }); // its first failure is not the third
    await say('three');
    await say('four');
    expect(ear.words).toEqual(['four']);
    expect(web.connectionCount()).toBe(1);
    expect(web.unregisterConnection('a')).toBe(true);
    expect(web.unregisterConnection('a')).toBe(false);
    await say('five');
    expect(ear.words).toEqual(['four']);
    expect([web.connectionCount(), web.connectionCount('r')]).toEqual([0, 0]);
  });

  it('refuse what cannot work', () => {
    const web = new WebSocketChannel('web');
    expect(() => web.subscribe('nobody', 'r')).toThrow(/not registered with channel 'web'/);
    expect(() => web.registerConnection('a', 'send' as never)).toThrow(/needs a function/);
    expect(() => web.registerConnection('a', () => undefined, { roomIds: ['r'], afterIndex: -2 })).toThrow(/afterIndex of room 'r' is -2/);
    expect(() => web.registerConnection('a', () => undefined, { roomIds: ['r'], afterIndex: 3 })).toThrow(/kit.registerChannel/);
    expect(() => new WebSocketChannel('web', { sendTimeoutMs: 0 })).toThrow(/sendTimeoutMs is 0/);
    expect(() => new WebSocketChannel('all')).toThrow(/all/);
  });

  it('are announced by the kit, whose answer to a wrong channel says so', async () => {
    verifies('WS-07');
    const { kit } = await listening();
    await using _kit = kit;
    kit.registerChannel(new TransportChannel('sms', { channelType: 'sms' }));
    const told: unknown[] = [];
    for (const type of ['channel_connected', 'channel_disconnected'] as const) {
      kit.on(type, (event) => void told.push([event.type, event.channelId, event.data]));
    }
    await kit.connectWebsocket('web', 'a', () => undefined, { roomIds: ['r'] });
    await kit.disconnectWebsocket('web', 'a');
    await kit.disconnectWebsocket('web', 'a');
    await expect(kit.connectWebsocket('sms', 'a', () => undefined)).rejects.toMatchObject({ code: 'channel_not_registered' });
    await expect(kit.disconnectWebsocket('none', 'a')).rejects.toMatchObject({ code: 'channel_not_registered' });
    await kit.background(async () => undefined);
    expect(told).toEqual([
      ['channel_connected', 'web', { connection_id: 'a' }],
      ['channel_disconnected', 'web', { connection_id: 'a', reason: 'closed' }],
    ]);
  });

  it('has the capabilities of a browser', () => {
    const { capabilities } = new WebSocketChannel('web');
    expect(capabilities).toMatchObject({
      mediaTypes: ['text', 'rich', 'media', 'audio', 'video', 'location'],
      supportsTyping: true,
      supportsReadReceipts: true,
      supportsReactions: true,
      supportsEdit: true,
      supportsDelete: true,
      supportsRichText: true,
      supportsMedia: true,
      supportsAudio: true,
      supportsVideo: true,
      supportsButtons: true,
      supportsCards: true,
      supportsQuickReplies: true,
      supportsThreading: false,
      supportsTemplates: false,
    });
    expect(capabilities.maxLength).toBeUndefined();
  });
});

describe('delivery', () => {
  it('goes to all at once, and one that takes its time is given so much of it', async () => {
    verifies('WS-02');
    const { kit, clock, web, say } = await listening();
    await using _kit = kit;
    const order: string[] = [];
    for (const id of ['a', 'b', 'c']) web.registerConnection(id, () => void order.push(id), { roomIds: ['r'] });
    web.registerConnection('slow', () => new Promise(() => order.push('slow')), { roomIds: ['r'] });
    const result = await say('one');
    expect(order.sort()).toEqual(['a', 'b', 'c', 'slow']);
    expect(result.deliveryResults['web']?.status).toBe('sent');
    // Alone, its time decides about the delivery.
    for (const id of ['a', 'b', 'c']) web.unregisterConnection(id);
    let settled = false;
    const saying = say('two').then((later) => {
      settled = true;
      return later;
    });
    await clock.advance(4999);
    expect(settled).toBe(false);
    await clock.advance(5001);
    expect((await saying).deliveryResults['web']).toMatchObject({ status: 'failed', error: { code: 'timeout', retryable: false } });
  });

  it('waits for the last slow one before it calls the event lost', async () => {
    verifies('WS-03');
    const { kit, clock, web, say } = await listening();
    await using _kit = kit;
    const settle: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const slow = (): Promise<void> => new Promise((resolve, reject) => settle.push({ resolve, reject }));
    web.registerConnection('a', slow, { roomIds: ['r'] });
    web.registerConnection('b', slow, { roomIds: ['r'] });
    const first = say('one');
    await clock.advance(10);
    settle[0]?.reject(new Error('broken pipe'));
    await clock.advance(10);
    settle[1]?.resolve();
    expect((await first).deliveryResults['web']?.status).toBe('sent');
    const second = say('two');
    await clock.advance(10);
    settle[2]?.reject(new Error('broken pipe'));
    settle[3]?.reject(new Error('broken pipe'));
    expect((await second).deliveryResults['web']).toMatchObject({ status: 'failed', error: { code: 'send_failed' } });
  });

  it('skips a closing socket, which is neither taken nor failed', async () => {
    verifies('WS-02', 'WS-03');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    let asked = 0;
    web.registerConnection('a', () => void asked++, { roomIds: ['r'], state: () => 'closing' });
    for (let n = 0; n < 4; n++) expect((await say('hi')).deliveryResults['web']?.status).toBe('sent');
    expect(asked).toBe(0);
    expect(web.connectionCount()).toBe(1);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken pipe');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken pipe'))],
  ])('gives up a connection that %s three times in a row, and says so', async (_how, send) => {
    verifies('WS-03');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const gone: unknown[] = [];
    const ended: string[] = [];
    kit.on('channel_disconnected', (event) => void gone.push(event.data));
    web.registerConnection('bad', send, { roomIds: ['r'], ended: (reason) => ended.push(reason) });
    const first = await say('one');
    expect(first.deliveryResults['web']).toMatchObject({ status: 'failed', error: { code: 'send_failed' } });
    await say('two');
    expect(web.hasConnection('bad')).toBe(true);
    await say('three');
    expect(web.hasConnection('bad')).toBe(false);
    expect((await say('four')).deliveryResults['web']?.status).toBe('sent'); // nobody to send to
    expect(gone).toEqual([{ connection_id: 'bad', reason: 'send_failed' }]);
    expect(ended).toEqual(['send_failed']);
  });

  it.each(['at once', 'with a promise'])('forgets failures at the first success %s, and succeeds when one took it', async (how) => {
    verifies('WS-03');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const good = new Ear();
    let round = 0;
    web.registerConnection('good', good.hear, { roomIds: ['r'] });
    web.registerConnection(
      'moody',
      () => {
        if (++round % 3 !== 0) throw new Error('not now');
        return how === 'at once' ? undefined : Promise.resolve();
      },
      { roomIds: ['r'] },
    );
    for (let n = 0; n < 9; n++) expect((await say(`${n}`)).deliveryResults['web']?.status).toBe('sent');
    expect(web.hasConnection('moody')).toBe(true);
    expect(good.words).toHaveLength(9);
  });

  it('F23 slow_target_is_alone: a socket that stops reading delays nobody, is timed out, and evicted after three', async () => {
    verifies('F23', 'WS-02', 'WS-03', 'OUT-02');
    const { kit, clock, web, say } = await listening();
    await using _kit = kit;
    const provider = new MockTransportProvider();
    kit.registerChannel(new TransportChannel('sms', { channelType: 'sms', provider }));
    await kit.attachChannel('r', 'sms');
    const gone: unknown[] = [];
    kit.on('channel_disconnected', (event) => void gone.push(event.data));
    const ear = new Ear();
    let stuck = 0;
    web.registerConnection('stuck', () => new Promise(() => stuck++), { roomIds: ['r'] });
    web.registerConnection('fast', ear.hear, { roomIds: ['r'] });
    for (const word of ['one', 'two', 'three', 'four']) await say(word); // no time passes
    expect(ear.words).toEqual(['one', 'two', 'three', 'four']);
    expect(provider.sent).toHaveLength(4);
    expect(stuck).toBe(1); // the others wait behind its first
    await clock.advance(10_000);
    expect([stuck, web.hasConnection('stuck')]).toEqual([3, true]);
    await clock.advance(5000);
    expect([stuck, web.hasConnection('stuck')]).toEqual([3, false]);
    expect(gone).toEqual([{ connection_id: 'stuck', reason: 'timeout' }]);
    // A transport that hangs delays neither the sockets nor the next commit.
    provider.hangNext();
    const waiting = say('five');
    await clock.advance(0);
    expect(ear.words.at(-1)).toBe('five');
    expect((await kit.processInbound({ channelId: 'desk', senderId: 'agent', content: 'six' }, { roomId: 'r', wait: 'commit' })).blocked).toBe(false);
    await clock.advance(0);
    expect(ear.words.at(-1)).toBe('six');
    await clock.advance(60_000);
    await waiting;
  });

  it.each([
    ['messages', { maxQueuedMessages: 5 }, 7],
    ['bytes', { maxQueuedBytes: 4000 }, 12],
  ])('drops a connection with too many %s waiting, never the room', async (_what, options, count) => {
    verifies('WS-04');
    const { kit, web, say } = await listening(options);
    await using _kit = kit;
    const gone: unknown[] = [];
    kit.on('channel_disconnected', (event) => void gone.push(event.data));
    const ear = new Ear();
    web.registerConnection('stuck', () => new Promise(() => undefined), { roomIds: ['r'] });
    web.registerConnection('fast', ear.hear, { roomIds: ['r'] });
    for (let n = 0; n < count; n++) await say(`${n}`);
    expect(gone).toEqual([{ connection_id: 'stuck', reason: 'slow_consumer' }]);
    expect(ear.words).toHaveLength(count);
  });

  it('bounds a connection’s queue at a thousand messages unless told otherwise', () => {
    verifies('WS-04');
    expect(new WebSocketChannel('web').limits).toEqual({ sendTimeoutMs: 5000, maxQueuedMessages: 1000, maxQueuedBytes: 16 * 1024 * 1024 });
  });

  it('keeps the order of what waited', async () => {
    verifies('WS-02');
    const { kit, clock, web, say } = await listening();
    await using _kit = kit;
    const ear = new Ear();
    let free: () => void = () => undefined;
    let first = true;
    web.registerConnection(
      'late',
      (frame) => {
        ear.hear(frame);
        if (!first) return;
        first = false;
        return new Promise<void>((resolve) => (free = resolve));
      },
      { roomIds: ['r'] },
    );
    web.registerConnection('other', () => undefined, { roomIds: ['r'] });
    for (const word of ['one', 'two', 'three']) await say(word);
    expect(ear.words).toEqual(['one']);
    free();
    await clock.advance(0);
    expect(ear.words).toEqual(['one', 'two', 'three']);
  });

  it('returns at once when every send did', async () => {
    verifies('HK-07');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const event = (await say('hi')).event;
    const binding = (await kit.listBindings('r'))[0];
    if (event === undefined || binding === undefined) throw new Error('The room was not made.');
    web.registerConnection('a', () => undefined, { roomIds: ['r'] });
    expect(web.deliver({ ...event, index: event.index + 1 }, binding, {} as never)).toBeUndefined();
    web.registerConnection('b', async () => undefined, { roomIds: ['r'] });
    expect(web.deliver({ ...event, index: event.index + 2 }, binding, {} as never)).toBeInstanceOf(Promise);
  });

  it('has no rows: nothing is left in the outbox', async () => {
    verifies('OUT-15');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    web.registerConnection('a', () => undefined, { roomIds: ['r'] });
    const result = await say('hi');
    expect(web.durable).toBe(false);
    expect(await kit.listDeliveries({ roomId: 'r' })).toEqual([]);
    expect((await kit.getEvent('r', result.event?.id ?? ''))?.deliveryResults?.['web']).toMatchObject({ status: 'sent', attempts: 1 });
  });

  it('leaves no timer, connection or room behind', async () => {
    verifies('KIT-04');
    const { kit, clock, web, say } = await listening();
    const ended: string[] = [];
    web.registerConnection('stuck', () => new Promise(() => undefined), { roomIds: ['r'], ended: (reason) => ended.push(reason) });
    web.registerConnection('fast', () => undefined, { roomIds: ['r'] });
    await say('one');
    await kit.close();
    web.close();
    expect(ended).toEqual(['channel_closed']);
    expect([web.connectionCount(), web.connectionCount('r'), clock.pendingTimers]).toEqual([0, 0, 0]);
  });
});

describe('echo', () => {
  it('is off by default: a channel does not hear itself', async () => {
    verifies('PERM-04');
    const { kit, web } = await listening();
    await using _kit = kit;
    const ear = new Ear();
    web.registerConnection('a', ear.hear, { roomIds: ['r'] });
    await kit.processInbound({ channelId: 'web', senderId: 'ann', content: 'hi' }, { roomId: 'r' });
    expect(ear.words).toEqual([]);
  });

  it('brings a message of one connection to the others, as a replay would give it', async () => {
    verifies('WS-10');
    const { kit, web } = await listening({ echo: true });
    await using _kit = kit;
    const [ann, bob] = [new Ear(), new Ear()];
    web.registerConnection('ann', ann.hear, { roomIds: ['r'] });
    await web.registerConnection('bob', bob.hear, { roomIds: ['r'], afterIndex: -1 });
    await kit.processInbound({ channelId: 'web', senderId: 'ann', content: 'hi' }, { roomId: 'r' });
    const later = new Ear();
    await web.registerConnection('bob', later.hear, { roomIds: ['r'], afterIndex: -1 });
    expect(ann.words).toEqual(['hi']);
    expect(later.frames).toEqual(bob.frames);
    expect(bob.words).toEqual(['hi']);
  });
});

describe('replay', () => {
  it('gives what was missed and visible, in order, each with its place, then what is live', async () => {
    verifies('WS-09', 'F43', 'PERM-07', 'WIRE-05');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    for (const word of ['one', 'two']) await say(word);
    await say('secret', 'none');
    await say('for agents', 'intelligence');
    await say('three');
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r'], afterIndex: 2 });
    await say('hidden', 'internal');
    await say('four');
    expect(ear.words).toEqual(['two', 'three', 'four']);
    expect(ear.places).toEqual([
      [2, 3],
      [3, 6],
      [6, 8],
    ]);
  });

  it('takes one index per room', async () => {
    verifies('WS-09');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'q' });
    await kit.attachChannel('q', 'web');
    await kit.attachChannel('q', 'desk');
    await say('one');
    await kit.processInbound({ channelId: 'desk', senderId: 'agent', content: 'uno' }, { roomId: 'q' });
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r', 'q'], afterIndex: { r: 2, q: 1 } });
    expect(ear.words).toEqual(['uno']);
  });

  it('stops at five hundred with a resync, and goes on live', async () => {
    verifies('WS-09');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    for (let n = 0; n < 510; n++) await say(`${n}`);
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r'], afterIndex: 1 });
    expect(ear.frames).toHaveLength(501);
    expect(ear.words.slice(0, 2)).toEqual(['0', '1']);
    expect(ear.frames.at(-1)).toEqual({ type: 'resync', roomId: 'r', fromIndex: 502 });
    await say('live');
    expect(ear.words.at(-1)).toBe('live');
    expect(ear.places.at(-1)).toEqual([511, 512]);
  });

  it('gives exactly five hundred without one', async () => {
    verifies('WS-09');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    for (let n = 0; n < 500; n++) await say(`${n}`);
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r'], afterIndex: 1 });
    expect(ear.words).toHaveLength(500);
    expect(ear.words).not.toContain('resync');
  });

  it('begins anew for a client that knows more than there is', async () => {
    verifies('WS-09');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    await say('one');
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r'], afterIndex: 40 });
    await say('two');
    expect(ear.frames[0]).toEqual({ type: 'resync', roomId: 'r', fromIndex: 0 });
    expect(ear.words).toEqual(['resync', 'two']);
  });

  it('never leaves a client asking again, though the last event it has was hidden or deleted since', async () => {
    verifies('WIRE-05');
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const last = (await say('one')).event;
    await kit.updateEvent('r', last?.id ?? '', { visibility: 'none' });
    await say('two');
    const ear = new Ear();
    await web.registerConnection('a', ear.hear, { roomIds: ['r'], afterIndex: last?.index ?? 0 });
    expect(ear.places).toEqual([[2, 3]]);
  });

  it('takes no part in a room that cannot be read, and says so', async () => {
    const { kit, web, say } = await listening();
    await using _kit = kit;
    const ear = new Ear();
    await expect(web.registerConnection('a', ear.hear, { roomIds: ['gone'], afterIndex: 0 })).rejects.toMatchObject({ code: 'room_not_found' });
    expect(web.roomsOf('a')).toEqual([]);
    await web.registerConnection('b', ear.hear, { roomIds: ['r'], afterIndex: 1 });
    await say('one');
    expect(ear.words).toEqual(['one']);
  });

  it('has the form of a live delivery: without stamps, in content the channel carries', async () => {
    verifies('WS-10', 'ORC-02');
    const { kit, web } = await listening();
    await using _kit = kit;
    const live = new Ear();
    web.registerConnection('live', live.hear, { roomIds: ['r'] });
    const content = { type: 'template', templateId: 't1', body: 'Your order is ready' } as const;
    await kit.processInbound({ channelId: 'desk', senderId: 'agent', content, metadata: { _routed_to: 'bot', topic: 'order' } }, { roomId: 'r' });
    const replayed = new Ear();
    await web.registerConnection('later', replayed.hear, { roomIds: ['r'], afterIndex: 1 });
    expect(live.words).toEqual(['Your order is ready']);
    const [frame] = replayed.frames;
    expect(frame?.type === 'event' && frame.event).toEqual(live.frames[0]?.type === 'event' && live.frames[0].event);
    expect(frame?.type === 'event' && frame.event.metadata).toEqual({ topic: 'order' });
  });
});

describe('streams', () => {
  async function streaming() {
    const all = await listening();
    const watcher = new Ear();
    const listener = new Ear();
    all.web.registerConnection('watcher', watcher.hear, { roomIds: ['r'], streamSend: watcher.watch });
    all.web.registerConnection('listener', listener.hear, { roomIds: ['r'] });
    const stored = async (body: string): Promise<RoomEvent> => {
      const { event } = await all.kit.processInbound({ channelId: 'desk', senderId: 'agent', content: body, visibility: 'desk' }, { roomId: 'r' });
      if (event === undefined) throw new Error('It was not stored.');
      return { ...event, visibility: 'all' };
    };
    return { ...all, watcher, listener, stored };
  }

  it('can be watched where somebody can watch', async () => {
    verifies('WS-06');
    const { kit, web } = await listening();
    await using _kit = kit;
    expect(web.supportsStreamingDelivery('r')).toBe(false);
    web.registerConnection('a', () => undefined, { roomIds: ['r'] });
    web.registerConnection('b', () => undefined, { roomIds: ['other'], streamSend: () => undefined });
    expect(web.supportsStreamingDelivery('r')).toBe(false);
    web.subscribe('b', 'r');
    expect([web.supportsStreamingDelivery('r'), web.supportsStreamingDelivery('none')]).toEqual([true, false]);
  });

  it('show start, chunks with all so far, and the event as end; who cannot watch gets the event once', async () => {
    verifies('WS-05');
    const { kit, web, watcher, listener, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('Hel', 'Hel');
    stream?.write('lo', 'Hello');
    const event = await stored('Hello');
    expect(await stream?.end(event, {} as never)).toBe(true);
    const { source } = placeholder();
    expect(watcher.streams).toEqual([
      { type: 'stream_start', roomId: 'r', streamId: 's1', source },
      { type: 'stream_chunk', roomId: 'r', streamId: 's1', delta: 'Hel', offset: 0, text: 'Hel' },
      { type: 'stream_chunk', roomId: 'r', streamId: 's1', delta: 'lo', offset: 3, text: 'Hello' },
      { type: 'stream_end', roomId: 'r', streamId: 's1', prev: -1, event },
    ]);
    expect(watcher.words).toEqual([]);
    expect(listener.words).toEqual(['Hello']);
    // The ordinary delivery that may follow gives it to nobody a second time.
    const binding = (await kit.listBindings('r'))[0];
    if (binding !== undefined) await web.deliver(event, binding, {} as never);
    expect([watcher.words, listener.words]).toEqual([[], ['Hello']]);
  });

  it('end exactly once, however often they are told to', async () => {
    verifies('WS-05');
    const { kit, web, watcher, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('a', 'a');
    stream?.error('provider_failed');
    stream?.error('again');
    stream?.write('b', 'ab');
    await stream?.end(await stored('late'), {} as never);
    expect(watcher.streams.map((frame) => frame.type)).toEqual(['stream_start', 'stream_chunk', 'stream_error']);
    expect(watcher.streams.at(-1)).toMatchObject({ code: 'provider_failed' });
  });

  it('F24 stream_dies_half_way: the text that stays goes to watchers with the error, to the others once', async () => {
    verifies('F24', 'WS-05', 'STR-05');
    const { kit, web, watcher, listener, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('Half', 'Half');
    const event = await stored('Half');
    stream?.error('provider_error', event);
    expect(watcher.streams.at(-1)).toEqual({ type: 'stream_error', roomId: 'r', streamId: 's1', code: 'provider_error', prev: -1, event });
    expect([watcher.words, listener.words]).toEqual([[], ['Half']]);
  });

  it('never show a blocked text when they are taken back', async () => {
    verifies('INV-05');
    const { kit, web, watcher, listener, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('Bad', 'Bad');
    stream?.error('blocked', { ...(await stored('Bad word')), status: 'blocked' });
    expect(watcher.streams.at(-1)).toEqual({ type: 'stream_error', roomId: 'r', streamId: 's1', code: 'blocked' });
    expect(listener.words).toEqual([]);
  });

  it('begin for one who comes later with all that was written', async () => {
    verifies('WIRE-09');
    const { kit, web, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('Hello', 'Hello');
    const late = new Ear();
    await web.registerConnection('late', late.hear, { roomIds: ['r'], afterIndex: 1, streamSend: late.watch });
    stream?.write(' you', 'Hello you');
    await stream?.end(await stored('Hello you'), {} as never);
    expect(late.streams.map((frame) => (frame.type === 'stream_chunk' ? [frame.offset, frame.delta] : frame.type))).toEqual([
      'stream_start',
      [0, 'Hello'],
      [5, ' you'],
      'stream_end',
    ]);
    expect(late.words).toEqual([]);
  });

  it('are over for one who leaves the room, and for nobody else', async () => {
    verifies('WS-05');
    const { kit, web, watcher, listener, stored } = await streaming();
    await using _kit = kit;
    const stream = web.openStream(placeholder());
    stream?.write('a', 'a');
    web.unsubscribe('watcher', 'r');
    await stream?.end(await stored('a'), {} as never);
    expect(watcher.streams.map((frame) => frame.type)).toEqual(['stream_start', 'stream_chunk', 'stream_error']);
    expect(listener.words).toEqual(['a']);
  });

  it('cut off who does not keep up: it gets the end like everybody, and delays nobody', async () => {
    verifies('STR-01');
    const { kit, clock, web, watcher, stored } = await streaming();
    await using _kit = kit;
    const slow = new Ear();
    let free: () => void = () => undefined;
    web.registerConnection('slow', slow.hear, {
      roomIds: ['r'],
      streamSend: (frame) => {
        slow.watch(frame);
        return frame.type === 'stream_start' ? new Promise<void>((resolve) => (free = resolve)) : undefined;
      },
    });
    const stream = web.openStream(placeholder());
    for (let n = 1; n <= 500; n++) stream?.write('x', 'x'.repeat(n));
    const ended = stream?.end(await stored('x'.repeat(500)), {} as never);
    expect(watcher.streams).toHaveLength(502);
    expect(await ended).toBe(true);
    free();
    await clock.advance(0);
    expect(slow.streams.length).toBeLessThan(80);
    expect(slow.streams.at(-1)?.type).toBe('stream_end');
  });

  it('give up a watcher whose socket breaks, and go on', async () => {
    verifies('WS-03', 'WS-05');
    const { kit, web, watcher, stored } = await streaming();
    await using _kit = kit;
    web.registerConnection('broken', () => undefined, {
      roomIds: ['r'],
      streamSend: () => {
        throw new Error('broken pipe');
      },
    });
    const stream = web.openStream(placeholder());
    stream?.write('a', 'a');
    stream?.write('b', 'ab');
    expect(web.hasConnection('broken')).toBe(false);
    await stream?.end(await stored('ab'), {} as never);
    expect(watcher.streams.at(-1)?.type).toBe('stream_end');
  });

  it('end for their watchers also when the place of their end cannot be looked up', async () => {
    verifies('WS-05');
    const { kit, web, watcher, stored } = await streaming();
    await using _kit = kit;
    await web.registerConnection('follower', () => undefined, { roomIds: ['r'], afterIndex: 1 });
    const stream = web.openStream(placeholder());
    stream?.write('a', 'a');
    const event = await stored('a');
    await kit.deleteRoom('r');
    await expect(stream?.end(event, {} as never)).rejects.toMatchObject({ code: 'room_not_found' });
    expect(watcher.streams.at(-1)).toEqual({ type: 'stream_error', roomId: 'r', streamId: 's1', code: 'internal' });
  });

  it('keep the room’s order although the end has to look up its place', async () => {
    verifies('INV-10');
    const { kit, web, watcher, stored } = await streaming();
    await using _kit = kit;
    const follower = new Ear();
    await web.registerConnection('follower', follower.hear, { roomIds: ['r'], afterIndex: 1 });
    const stream = web.openStream(placeholder());
    stream?.write('a', 'a');
    const event = await stored('a');
    stream?.error('provider_error', event); // nobody waits for it
    const binding = (await kit.listBindings('r'))[0];
    if (binding === undefined) throw new Error('web is not attached.');
    await web.deliver({ ...event, id: 'next', index: event.index + 1, content: { type: 'text', body: 'next' } }, binding, {} as never);
    expect(follower.words).toEqual(['a', 'next']);
    expect(watcher.streams.at(-1)?.type).toBe('stream_error');
    expect(watcher.words).toEqual(['next']);
  });
});

describe('what is not stored, and what changes', () => {
  it('forwards typing, receipts and reactions of others to who takes them', async () => {
    verifies('EPH-03');
    const { kit, web } = await listening({ echo: true });
    await using _kit = kit;
    const heard: Record<string, EphemeralEvent[]> = { ann: [], bob: [] };
    web.registerConnection('ann', () => undefined, { roomIds: ['r'], participantId: 'ann', ephemeral: (event) => heard['ann']?.push(event) });
    web.registerConnection('bob', () => undefined, { roomIds: ['r'], participantId: 'bob', ephemeral: (event) => heard['bob']?.push(event) });
    web.registerConnection('deaf', () => undefined, { roomIds: ['r'] });
    await kit.publishTyping('r', 'ann', true, 'web');
    await kit.publishReaction('r', 'agent', 'e1', '👍', 'add', 'desk');
    await kit.publishTyping('r', 'ann', false);
    expect(heard['ann']?.map((event) => event.type)).toEqual(['reaction']);
    expect(heard['bob']?.map((event) => event.type)).toEqual(['typing_start', 'reaction', 'typing_stop']);
  });

  it('tells of changed events, and of hidden or removed ones only that they are gone', async () => {
    verifies('ROOM-13', 'F43', 'EDT-04');
    const { kit, clock, web, say } = await listening();
    await using _kit = kit;
    const told: unknown[] = [];
    web.registerConnection('a', () => undefined, { roomIds: ['r'], changed: (event, change) => told.push([change, event.id, bodyOf(event)]) });
    const [one, two, three, hidden] = [await say('one'), await say('two'), await say('three'), await say('x', 'none')].map(
      (result) => result.event?.id ?? '',
    );
    if (one === undefined || two === undefined || three === undefined || hidden === undefined) throw new Error('unreachable');
    await kit.updateEvent('r', one, { content: 'uno' });
    await kit.updateEvent('r', two, { visibility: 'none' });
    await kit.deleteEvent('r', three);
    await clock.advance(0);
    expect(told).toEqual([
      ['updated', one, 'uno'],
      ['deleted', two, 'two'],
      ['deleted', three, 'three'],
    ]);
  });

  it('tells who follows a room that it is lost', async () => {
    verifies('WIRE-12');
    const { kit, web } = await listening();
    await using _kit = kit;
    const lost: string[] = [];
    web.registerConnection('a', () => undefined, { roomIds: ['r'], roomLost: (roomId) => lost.push(roomId) });
    await kit.setAccess('r', 'web', 'read_only');
    expect(lost).toEqual([]);
    await kit.setAccess('r', 'web', 'none');
    await kit.setAccess('r', 'web', 'read_write');
    await kit.detachChannel('r', 'web');
    expect(lost).toEqual(['r', 'r']);
  });
});

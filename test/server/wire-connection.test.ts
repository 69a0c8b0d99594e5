import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MockAIProvider } from '../../src/ai/mock-provider.js';
import { AIChannel } from '../../src/ai/ai-channel.js';
import { HookResult } from '../../src/core/hooks/verdict.js';
import { RoomKit } from '../../src/core/kit.js';
import { silentLogger } from '../../src/core/logger.js';
import { TestClock } from '../../src/testing/test-clock.js';
import { verifies } from '../requirements.js';
import { WebSocketChannel } from '../../src/channels/websocket.js';
import { WireConnection, type WireConnectionOptions, type WirePrincipal } from '../../src/channels/wire/connection.js';
import type { ServerFrame, WireEvent } from '../../src/channels/wire/frames.js';

type Frame = ServerFrame & Record<string, unknown>;

/** One browser: what it was sent, and how its socket ended. */
class Browser {
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | undefined;
  buffered = 0;
  readonly line: WireConnection;

  constructor(
    kit: RoomKit,
    channel: WebSocketChannel | undefined,
    principal: Partial<WirePrincipal> = {},
    options: Partial<WireConnectionOptions> = {},
  ) {
    this.line = new WireConnection({
      id: kit.ids.next(),
      kit,
      ...(channel !== undefined && { channel }),
      principal: { kind: 'client', participantId: 'ann', canWrite: true, ...principal },
      clock: kit.clock,
      logger: silentLogger,
      send: (text) => {
        this.texts.push(text);
        this.frames.push(JSON.parse(text) as Frame);
      },
      close: (code, reason) => (this.closed = { code, reason }),
      buffered: () => this.buffered,
      ...options,
    });
  }

  say(frame: Record<string, unknown>): void {
    this.line.onText(JSON.stringify(frame));
  }

  of<Type extends ServerFrame['type']>(type: Type): Extract<ServerFrame, { type: Type }>[] {
    return this.frames.filter((frame): frame is Extract<ServerFrame, { type: Type }> & Frame => frame.type === type);
  }

  /** What the room's sequence looks like from here: acks stand in the place of events. */
  get sequence(): [number, number, string][] {
    return this.frames.flatMap((frame): [number, number, string][] => {
      if (frame.type !== 'event' && frame.type !== 'ack' && frame.type !== 'stream_end') return [];
      const { prev, event } = frame;
      return prev === undefined || event === undefined ? [] : [[prev, event.index, bodyOf(event)]];
    });
  }
}

function bodyOf(event: WireEvent): string {
  return event.content.type === 'text' ? event.content.body : event.content.type;
}

/** A room with one channel for many people, and a desk that speaks from outside. */
async function served(options: { echo?: boolean } = {}) {
  const clock = new TestClock();
  const kit = new RoomKit({ clock, logger: silentLogger });
  const web = new WebSocketChannel('web', { echo: options.echo ?? true });
  kit.registerChannel(web);
  kit.registerChannel(new WebSocketChannel('desk'));
  await kit.createRoom({ roomId: 'r' });
  await kit.attachChannel('r', 'web');
  await kit.attachChannel('r', 'desk');
  const speak = (body: string, visibility = 'all') =>
    kit.processInbound({ channelId: 'desk', senderId: 'agent', content: body, visibility }, { roomId: 'r' });
  const settle = () => clock.advance(0);
  const join = async (principal: Partial<WirePrincipal> = {}, subscribe: Record<string, unknown> = {}, more: Partial<WireConnectionOptions> = {}) => {
    const browser = new Browser(kit, web, principal, more);
    browser.say({ type: 'subscribe', id: 'sub', roomId: 'r', ...subscribe });
    await settle();
    return browser;
  };
  return { kit, clock, web, speak, settle, join };
}

/** Lets promises go on by so many steps. */
async function steps(count: number): Promise<void> {
  for (let step = 0; step < count; step++) await Promise.resolve();
}

describe('subscribing', () => {
  it('is answered first, then what was missed, then what is live: one sequence without gap or double', async () => {
    verifies('WIRE-04', 'WIRE-05');
    const { kit, speak, join } = await served();
    await using _kit = kit;
    await speak('one');
    await speak('hidden', 'none');
    await speak('two');
    const browser = await join({}, { afterIndex: 2 });
    await speak('hidden too', 'desk');
    await speak('three');
    expect(browser.frames[0]).toEqual({ type: 'subscribed', id: 'sub', roomId: 'r', latestIndex: 4 });
    expect(browser.sequence).toEqual([
      [2, 4, 'two'],
      [4, 6, 'three'],
    ]);
  });

  it('without an index begins live', async () => {
    verifies('WIRE-04');
    const { kit, speak, join } = await served();
    await using _kit = kit;
    await speak('one');
    const browser = await join();
    expect(browser.frames).toEqual([{ type: 'subscribed', id: 'sub', roomId: 'r', latestIndex: 2 }]);
    await speak('two');
    expect(browser.sequence).toEqual([[2, 3, 'two']]);
  });

  it('after too long an absence begins anew', async () => {
    verifies('WIRE-04');
    const { kit, speak, join } = await served();
    await using _kit = kit;
    for (let n = 0; n < 502; n++) await speak(`${n}`);
    const browser = await join({}, { afterIndex: 1 });
    expect(browser.of('resync')).toEqual([{ type: 'resync', roomId: 'r', fromIndex: 502 }]);
    await speak('live');
    expect(browser.sequence.at(-1)).toEqual([503, 504, 'live']);
  });

  it('that fails half-way is no subscription, and may be asked for again', async () => {
    verifies('WIRE-04', 'WIRE-14');
    const { kit, join, speak, settle } = await served();
    await using _kit = kit;
    await speak('one');
    const { listEvents } = kit.store;
    kit.store.listEvents = () => Promise.reject(new Error('The store is away.'));
    const browser = await join({}, { afterIndex: -1 });
    expect(browser.frames).toMatchObject([{ type: 'error', id: 'sub', code: 'internal', retryable: true }]);
    expect(browser.line.roomCount).toBe(0);
    kit.store.listEvents = listEvents.bind(kit.store);
    browser.say({ type: 'subscribe', id: 'again', roomId: 'r', afterIndex: -1 });
    await settle();
    expect(browser.sequence).toEqual([[-1, 2, 'one']]);
  });

  it('ends when asked to', async () => {
    const { kit, speak, join } = await served();
    await using _kit = kit;
    const browser = await join();
    browser.say({ type: 'unsubscribe', id: 'u', roomId: 'r' });
    await speak('one');
    expect(browser.frames.at(-1)).toEqual({ type: 'unsubscribed', id: 'u', roomId: 'r' });
    expect(browser.line.roomCount).toBe(0);
  });

  it.each([
    ['does not exist', 'nowhere', {}],
    ['is not on the list', 'r', { rooms: ['other'] }],
    ['does not have this channel', 'q', {}],
  ])('to a room that %s is answered like one that is not there', async (_what, roomId, principal) => {
    verifies('WIRE-14', 'AUTH-03', 'AUTH-09');
    const { kit, web, settle } = await served();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'q' });
    const browser = new Browser(kit, web, principal);
    browser.say({ type: 'subscribe', id: 'sub', roomId });
    browser.say({ type: 'send', id: 'm', roomId, content: 'Hi' });
    await settle();
    const refused = { type: 'error', code: 'room_not_found', message: 'There is no such room for you.', retryable: false, roomId };
    expect(browser.frames).toEqual([
      { ...refused, id: 'sub' },
      { ...refused, id: 'm' },
    ]);
    expect(await kit.listBindings('q')).toEqual([]); // speaking attaches nothing
  });

  it('may not be as another channel', async () => {
    verifies('AUTH-03');
    const { kit, join } = await served();
    await using _kit = kit;
    const browser = await join({}, { as: 'desk' });
    expect(browser.frames).toMatchObject([{ type: 'error', id: 'sub', code: 'forbidden' }]);
  });
});

describe('the event on the wire', () => {
  it('holds what a client may know and nothing else, and the name of who said it', async () => {
    verifies('WIRE-06', 'ORC-02');
    const { kit, join } = await served();
    await using _kit = kit;
    await kit.ensureParticipant('r', 'desk', 'agent', { displayName: 'Agent Smith' });
    const browser = await join({}, { afterIndex: -1 });
    const { event } = await kit.processInbound(
      {
        channelId: 'desk',
        senderId: 'agent',
        content: 'Hi',
        externalId: 'ext',
        threadId: 'thread',
        providerMessageId: 'pm',
        idempotencyKey: 'key',
        rawPayload: { secret: 'payload' },
        metadata: { _routed_to: 'bot', mood: 'good' },
        parentEventId: 'parent',
      },
      { roomId: 'r' },
    );
    const wire = {
      id: event?.id,
      roomId: 'r',
      index: 2,
      type: 'message',
      status: 'delivered',
      source: { channelId: 'desk', channelType: 'websocket', participantId: 'agent', displayName: 'Agent Smith' },
      content: { type: 'text', body: 'Hi' },
      visibility: 'all',
      chainDepth: 0,
      parentEventId: 'parent',
      createdAt: event?.createdAt,
      metadata: { mood: 'good' },
    };
    expect(browser.of('event')).toEqual([{ type: 'event', roomId: 'r', prev: -1, event: wire }]);
    // A replay gives the same text.
    const later = await join({ participantId: 'bob' }, { afterIndex: -1 });
    expect(later.texts.at(-1)).toBe(browser.texts.at(-1));
  });

  it('keeps the name of who said it when it is changed', async () => {
    verifies('WIRE-06');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    const ann = await join({ displayName: 'Ann' });
    const bob = await join({ participantId: 'bob', displayName: 'Bob' });
    expect((await kit.listParticipants('r')).map(({ id, displayName }) => [id, displayName])).toEqual([
      ['ann', 'Ann'],
      ['bob', 'Bob'],
    ]);
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Helo' });
    await settle();
    expect(bob.of('event').map(({ event }) => event.source.displayName)).toEqual(['Ann']);
    await kit.updateEvent('r', bob.of('event')[0]?.event.id ?? '', { content: 'Hello' });
    await settle();
    expect(bob.of('event_changed').map(({ event }) => [event.source.displayName, bodyOf(event)])).toEqual([['Ann', 'Hello']]);
  });

  it('is made into text once for all who get it', async () => {
    verifies('WIRE-06');
    const { kit, join } = await served();
    await using _kit = kit;
    const browsers = await Promise.all(['ann', 'bob', 'cid'].map((participantId) => join({ participantId })));
    let made = 0;
    const metadata = Object.defineProperty({}, 'mood', { enumerable: true, value: { toJSON: () => ++made && 'good' } });
    // A live object in metadata is not stored as such; it only counts how often it was put into JSON.
    const binding = (await kit.listBindings('r')).find(({ channelId }) => channelId === 'web');
    const event = (await kit.sendEvent('r', 'desk', 'Hi', { wait: 'commit' })) as object;
    const web = kit.getChannel('web');
    if (binding === undefined) throw new Error('web is not attached.');
    await web?.deliver?.({ ...event, index: 9, metadata } as never, binding, { participants: [] } as never, {} as never);
    expect(browsers.map((browser) => browser.of('event').length)).toEqual([2, 2, 2]);
    expect(made).toBe(1);
  });
});

describe('sending', () => {
  it('is acknowledged after the commit, in the place of the event, with what was committed', async () => {
    verifies('WIRE-07', 'WS-10');
    const { kit, speak, join, settle } = await served();
    await using _kit = kit;
    kit.hook('before_broadcast', { name: 'polite', channelIds: ['web'] }, (event) =>
      HookResult.modify({ ...event, content: { type: 'text', body: 'Please.' } }),
    );
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    await speak('one');
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Now!' });
    await settle();
    await speak('two');
    expect(ann.of('ack')).toMatchObject([
      { id: 'm1', roomId: 'r', prev: 2, event: { index: 3, content: { body: 'Please.' }, source: { channelId: 'web', participantId: 'ann' } } },
    ]);
    expect(ann.sequence).toEqual([
      [-1, 2, 'one'],
      [2, 3, 'Please.'],
      [3, 4, 'two'],
    ]);
    expect(bob.of('ack')).toEqual([]);
    expect(bob.sequence).toEqual(ann.sequence);
    expect((await kit.getTimeline('r')).at(-2)?.idempotencyKey).toBe('ann:m1');
  });

  it('again under the same id is answered with the first event, on any connection', async () => {
    verifies('WIRE-07', 'WIRE-08', 'INB-08');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    const ann = await join();
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    ann.line.close();
    const again = await join({}, { afterIndex: 1 });
    again.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    expect(again.sequence).toEqual([[1, 2, 'Hi']]); // from the replay
    expect(again.of('ack')).toMatchObject([{ id: 'm1', duplicate: true, event: { index: 2 } }]);
    expect(again.of('ack')[0]).not.toHaveProperty('prev');
    // Another participant's id of the same name is another message.
    const bob = await join({ participantId: 'bob' });
    bob.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Me too' });
    await settle();
    expect(bob.of('ack')).toMatchObject([{ id: 'm1', event: { index: 3 } }]);
  });

  it('that is blocked says why, without a place', async () => {
    verifies('WIRE-07');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    kit.hook('before_broadcast', { name: 'filter' }, () => HookResult.block('not_nice'));
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Bad' });
    await settle();
    expect(ann.of('ack')).toEqual([{ type: 'ack', id: 'm1', roomId: 'r', blocked: true, reason: 'not_nice' }]);
    expect(bob.frames).toHaveLength(1);
    await kit.closeRoom('r');
    ann.say({ type: 'send', id: 'm2', roomId: 'r', content: 'Hi' });
    await settle();
    expect(ann.of('ack').at(-1)).toEqual({ type: 'ack', id: 'm2', roomId: 'r', blocked: true, reason: 'room_closed' });
  });

  it('under one id in two rooms is two messages', async () => {
    verifies('WIRE-07', 'INB-08');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'q' });
    await kit.attachChannel('q', 'web');
    const ann = await join();
    ann.say({ type: 'subscribe', id: 'sub-q', roomId: 'q' });
    await settle();
    for (const roomId of ['r', 'q']) ann.say({ type: 'send', id: 'm1', roomId, content: `in ${roomId}` });
    await settle();
    expect(ann.of('ack').map(({ roomId, event }) => [roomId, event?.roomId, event && bodyOf(event)])).toEqual([
      ['r', 'r', 'in r'],
      ['q', 'q', 'in q'],
    ]);
  });

  it('keeps the order in which the frames came', async () => {
    verifies('WIRE-07', 'INB-27');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    let slow = true;
    const ann = await join(
      {},
      {},
      {
        // The first is judged slowly; nothing overtakes it.
        allowed: () => {
          if (!slow) return true;
          slow = false;
          return new Promise((resolve) => setImmediate(() => resolve(true)));
        },
      },
    );
    for (let n = 0; n < 20; n++) ann.say({ type: 'send', id: `m${n}`, roomId: 'r', content: `${n}` });
    await settle();
    await settle();
    expect(ann.sequence.map(([, , body]) => body)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
  });

  it('may be an edit or a delete: the content decides', async () => {
    verifies('WIRE-07', 'EDT-04');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Helo' });
    await settle();
    const target = ann.of('ack')[0]?.event?.id;
    ann.say({ type: 'send', id: 'm2', roomId: 'r', content: { type: 'edit', targetEventId: target, newContent: { type: 'text', body: 'Hello' } } });
    await settle();
    expect(bob.of('event_changed')).toMatchObject([{ roomId: 'r', event: { id: target, content: { body: 'Hello' } } }]);
    ann.say({ type: 'send', id: 'm3', roomId: 'r', content: { type: 'delete', targetEventId: target } });
    await settle();
    expect(bob.of('event_removed')).toEqual([{ type: 'event_removed', roomId: 'r', eventId: target }]);
    bob.say({ type: 'send', id: 'm4', roomId: 'r', content: { type: 'delete', targetEventId: ann.of('ack')[1]?.event?.id } });
    await settle();
    expect(bob.of('ack')).toMatchObject([{ id: 'm4', blocked: true, reason: 'not_original_author' }]);
  });

  it('piles up no frames behind one that takes for ever', async () => {
    verifies('WIRE-14', 'CON-11');
    const { kit, clock, web } = await served();
    await using _kit = kit;
    const ann = new Browser(kit, web, {}, { allowed: () => new Promise(() => undefined) });
    ann.say({ type: 'subscribe', id: 'stuck', roomId: 'r' });
    for (let n = 0; n < 210; n++) {
      if (n % 20 === 19) await clock.advance(1000);
      ann.say({ type: 'ping', t: n });
    }
    expect(ann.of('pong')).toEqual([]);
    expect(ann.of('error').length).toBeGreaterThan(0);
    expect(new Set(ann.of('error').map(({ code }) => code))).toEqual(new Set(['busy']));
    expect(ann.closed).toBeUndefined();
  });

  it('waits for at most a hundred acknowledgements', async () => {
    verifies('WIRE-07', 'WIRE-14');
    const { kit, clock, join } = await served();
    await using _kit = kit;
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    kit.hook('before_broadcast', { name: 'slow' }, async () => {
      await gate;
      return HookResult.allow();
    });
    const ann = await join();
    for (let n = 0; n < 101; n++) {
      if (n % 40 === 39) await clock.advance(2000);
      ann.say({ type: 'send', id: `m${n}`, roomId: 'r', content: `${n}` });
    }
    expect(ann.of('error')).toMatchObject([{ id: 'm100', code: 'busy', retryable: true, retryAfterSeconds: 1 }]);
    open();
    await clock.advance(0);
    expect(ann.of('ack')).toHaveLength(100);
  });

  it('takes write, and a channel and participant', async () => {
    verifies('AUTH-02', 'WIRE-14', 'WIRE-15');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    const reader = await join({ canWrite: false });
    const host = new Browser(kit, undefined, { kind: 'host' });
    for (const browser of [reader, host]) {
      browser.say({ type: 'send', id: 'm', roomId: 'r', content: 'Hi' });
      browser.say({ type: 'typing', roomId: 'r', on: true });
      await settle();
      expect(browser.of('error')).toMatchObject([{ id: 'm', code: 'forbidden' }, { code: 'forbidden' }]);
    }
    expect(await kit.getTimeline('r')).toHaveLength(2);
  });

  it('into a room it does not hear is acknowledged without a place', async () => {
    verifies('WIRE-07');
    const { kit, web, settle } = await served();
    await using _kit = kit;
    const ann = new Browser(kit, web);
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    expect(ann.frames).toMatchObject([{ type: 'ack', id: 'm1', event: { index: 2 } }]);
    expect(ann.frames[0]).not.toHaveProperty('prev');
  });

  it('over a channel without echo finds the place in the store', async () => {
    verifies('WIRE-07');
    const { kit, join, speak, settle } = await served({ echo: false });
    await using _kit = kit;
    const ann = await join({}, { afterIndex: 1 });
    await speak('one');
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    await speak('two');
    expect(ann.sequence).toEqual([
      [-1, 2, 'one'],
      [2, 3, 'Hi'],
      [3, 4, 'two'],
    ]);
  });

  it('is acknowledged at once also when the room is subscribed to anew while it is being committed', async () => {
    verifies('WIRE-07');
    // As after the restart of a server: the first subscription is of another past, the second one begins at the newest event.
    const unanswered: string[] = [];
    for (const hookSteps of [0, 3]) {
      for (let sent = 0; sent < 4; sent++) {
        for (let again = 0; again < 30; again++) {
          const { kit, web, settle } = await served();
          kit.hook('before_broadcast', { name: 'slow' }, async () => {
            await steps(hookSteps);
            return HookResult.allow();
          });
          const ann = new Browser(kit, web, { displayName: 'Ann' });
          ann.say({ type: 'subscribe', id: 's1', roomId: 'r', afterIndex: 50 });
          await steps(sent);
          ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Written while away' });
          await steps(again);
          ann.say({ type: 'subscribe', id: 's2', roomId: 'r' });
          for (let turn = 0; turn < 3; turn++) await settle();
          if (ann.of('ack').length !== 1) unanswered.push(`sent after ${sent} steps, subscribed again after ${again}, hook of ${hookSteps}`);
          await kit.close();
        }
      }
    }
    expect(unanswered).toEqual([]);
  });

  it('is acknowledged all the same when its event never comes back', async () => {
    verifies('WIRE-07');
    const { kit, clock, join, speak, settle } = await served();
    await using _kit = kit;
    await kit.attachChannel('r', 'web', { direction: 'outbound' }); // it only produces: nothing is delivered to it
    const ann = await join();
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    expect(ann.of('ack')).toEqual([]);
    await clock.advance(5000);
    expect(ann.of('ack')).toMatchObject([{ id: 'm1', event: { content: { body: 'Hi' } } }]);
    // And sooner when the room goes on without it.
    ann.say({ type: 'send', id: 'm2', roomId: 'r', content: 'Still' });
    await settle();
    await kit.attachChannel('r', 'web', { direction: 'bidirectional' });
    await speak('next');
    expect(ann.frames.slice(-2)).toMatchObject([
      { type: 'ack', id: 'm2' },
      { type: 'event', event: { content: { body: 'next' } } },
    ]);
  });
});

describe('what a client may send', () => {
  it('is twenty frames a second with a burst of forty; what is too much is to come again, and surplus typing is dropped', async () => {
    verifies('WIRE-03', 'WIRE-14');
    const { kit, clock, web } = await served();
    await using _kit = kit;
    const ann = new Browser(kit, web);
    for (let n = 0; n < 50; n++) ann.say({ type: 'ping', t: n });
    expect(ann.of('pong')).toHaveLength(40);
    expect(ann.of('error')).toHaveLength(10);
    expect(ann.of('error')[0]).toMatchObject({ code: 'rate_limited', retryable: true, retryAfterSeconds: 1 });
    ann.say({ type: 'typing', roomId: 'r', on: true });
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    expect(ann.of('error')).toHaveLength(11);
    expect(ann.of('error').at(-1)).toMatchObject({ id: 'm1' });
    expect(ann.closed).toBeUndefined();
    await clock.advance(1000);
    for (let n = 0; n < 20; n++) ann.say({ type: 'ping', t: n });
    expect(ann.of('pong')).toHaveLength(60);
    for (let n = 0; n < 200; n++) ann.say({ type: 'ping', t: n });
    expect(ann.closed).toEqual({ code: 1008, reason: 'rate_limited' });
  });

  it('may be nonsense nine times within ten seconds', async () => {
    verifies('WIRE-03', 'WIRE-13');
    const { kit, clock, web } = await served();
    await using _kit = kit;
    const ann = new Browser(kit, web);
    for (let n = 0; n < 9; n++) ann.line.onText('{');
    await clock.advance(10_001);
    for (let n = 0; n < 9; n++) ann.say({ type: 'dance' });
    expect(ann.closed).toBeUndefined();
    ann.line.onText('nonsense');
    expect(ann.closed).toEqual({ code: 1008, reason: 'invalid' });
    const before = ann.frames.length;
    ann.say({ type: 'ping', t: 1 });
    expect(ann.frames).toHaveLength(before);
  });

  it('is never longer than a mebibyte', async () => {
    verifies('WIRE-03', 'WIRE-13');
    const { kit, web } = await served();
    await using _kit = kit;
    const ann = new Browser(kit, web);
    ann.line.onText(`{"type":"ping","t":1,"x":"${'x'.repeat(1024 * 1024)}"}`);
    expect(ann.closed).toEqual({ code: 1009, reason: 'too_large' });
  });

  it('holds one hello, and its token for renewal goes to the server', async () => {
    verifies('WIRE-12');
    const { kit, web } = await served();
    await using _kit = kit;
    const tokens: string[] = [];
    const ann = new Browser(kit, web, {}, { renew: (token) => void tokens.push(token) });
    ann.say({ type: 'hello', version: 1 });
    ann.say({ type: 'auth', token: 'new' });
    expect(ann.frames).toMatchObject([{ type: 'error', code: 'invalid' }]);
    expect(tokens).toEqual(['new']);
  });
});

describe('ephemeral frames', () => {
  it('reach the others under the sender’s own name, without an answer', async () => {
    verifies('WIRE-10', 'AUTH-03', 'EPH-03');
    const { kit, join, settle } = await served();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    ann.say({ type: 'typing', roomId: 'r', on: true, userId: 'eve', channelId: 'desk' });
    ann.say({ type: 'reaction', roomId: 'r', eventId: 'e1', emoji: '👍', action: 'add' });
    ann.say({ type: 'presence', status: 'away' });
    await settle();
    expect(ann.frames).toHaveLength(1);
    expect(bob.of('ephemeral').map(({ roomId, event }) => [roomId, event.type, event.userId, event.channelId, event.data])).toEqual([
      ['r', 'typing_start', 'ann', 'web', {}],
      ['r', 'reaction', 'ann', 'web', { event_id: 'e1', emoji: '👍', action: 'add' }],
      ['r', 'presence_away', 'ann', 'web', {}],
    ]);
  });

  it('of who is not in the room reach nobody', async () => {
    verifies('WIRE-10', 'WIRE-14');
    const { kit, web, join, settle } = await served();
    await using _kit = kit;
    await kit.createRoom({ roomId: 'q' });
    await kit.attachChannel('q', 'desk');
    const heard: unknown[] = [];
    await kit.subscribeRoom('q', (event) => void heard.push(event));
    const ann = await join();
    const before = ann.frames.length;
    ann.say({ type: 'typing', roomId: 'q', on: true });
    ann.say({ type: 'reaction', roomId: 'q', eventId: 'e', emoji: '👍' });
    ann.say({ type: 'receipt', roomId: 'q', eventId: 'e' });
    await settle();
    expect([heard, web.connectionCount('q')]).toEqual([[], 0]);
    expect(ann.frames.slice(before).map(({ type, code, roomId }) => [type, code, roomId])).toEqual(Array(3).fill(['error', 'room_not_found', 'q']));
  });

  it('move the read marker with a receipt', async () => {
    verifies('WIRE-10', 'ROOM-12');
    const { kit, join, speak, settle } = await served();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    const { event } = await speak('one');
    await speak('two');
    ann.say({ type: 'receipt', roomId: 'r', eventId: event?.id });
    await settle();
    expect(await kit.getUnreadCount('r', 'web')).toBe(1);
    expect(bob.of('ephemeral')).toMatchObject([{ event: { type: 'read_receipt', userId: 'ann', data: { event_id: event?.id } } }]);
  });

  it('end typing six seconds after the last sign of it, and with the connection', async () => {
    verifies('WIRE-10');
    const { kit, clock, join, settle } = await served();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    const heard = () => bob.of('ephemeral').map(({ event }) => event.type);
    ann.say({ type: 'typing', roomId: 'r', on: true });
    await clock.advance(4000);
    ann.say({ type: 'typing', roomId: 'r', on: true });
    await clock.advance(5999);
    expect(heard()).toEqual(['typing_start', 'typing_start']);
    await clock.advance(1);
    expect(heard()).toEqual(['typing_start', 'typing_start', 'typing_stop']);
    ann.say({ type: 'typing', roomId: 'r', on: true });
    await settle();
    ann.line.close();
    await settle();
    expect(heard().slice(-2)).toEqual(['typing_start', 'typing_stop']);
    expect(clock.pendingTimers).toBeLessThanOrEqual(1); // the kit's own
  });
});

describe('streams', () => {
  async function withAgent() {
    const all = await served();
    const provider = new MockAIProvider({ responses: ['Hello there'], streaming: true });
    all.kit.registerChannel(new AIChannel('bot', { provider }));
    await all.kit.attachChannel('r', 'bot', { category: 'intelligence' });
    return all;
  }

  it('show what is written by offset, and end in the place of the event', async () => {
    verifies('WIRE-09', 'WS-05', 'STR-01');
    const { kit, join, settle } = await withAgent();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' }, {}, { streams: false })];
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    const [start] = ann.of('stream_start');
    expect(start?.source).toEqual({ channelId: 'bot', channelType: 'ai' });
    let text = '';
    for (const { delta, offset } of ann.of('stream_chunk')) {
      expect(offset).toBe(text.length);
      text += delta;
    }
    expect(text).toBe('Hello there');
    expect(ann.of('stream_chunk')[0]).not.toHaveProperty('text');
    expect(ann.sequence).toEqual([
      [-1, 3, 'Hi'],
      [3, 4, 'Hello there'],
    ]);
    expect(ann.of('stream_end')).toMatchObject([{ streamId: start?.streamId, prev: 3, event: { index: 4 } }]);
    expect([bob.of('stream_start'), bob.of('stream_end')]).toEqual([[], []]);
    expect(bob.sequence).toEqual(ann.sequence);
  });

  it('are taken back when the text is blocked', async () => {
    verifies('STR-02', 'WS-05');
    const { kit, join, settle } = await withAgent();
    await using _kit = kit;
    kit.hook('before_broadcast', { name: 'filter', channelIds: ['bot'], preview: true }, () => HookResult.block('not_nice'));
    const ann = await join();
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    expect(ann.of('stream_error')).toEqual([{ type: 'stream_error', roomId: 'r', streamId: ann.of('stream_start')[0]?.streamId, code: 'blocked' }]);
    expect(ann.sequence).toEqual([[-1, 3, 'Hi']]);
  });
});

describe('losing things', () => {
  it('a room ends that subscription only', async () => {
    verifies('WIRE-12');
    const { kit, join, speak } = await served();
    await using _kit = kit;
    const ann = await join();
    await kit.detachChannel('r', 'web');
    await speak('one');
    expect(ann.frames.slice(1)).toMatchObject([{ type: 'error', code: 'room_not_found', roomId: 'r' }]);
    expect([ann.line.roomCount, ann.closed]).toEqual([0, undefined]);
    ann.line.loseRoom('r'); // a second time says nothing
    expect(ann.frames).toHaveLength(2);
  });

  it('a room that is removed ends that subscription at once', async () => {
    verifies('WIRE-12');
    const { kit, web, join, settle } = await served();
    await using _kit = kit;
    const ann = await join();
    expect(await kit.deleteRoom('r')).toBe(true);
    await settle();
    expect(ann.frames.slice(1)).toMatchObject([{ type: 'error', code: 'room_not_found', roomId: 'r' }]);
    expect([ann.line.roomCount, web.connectionCount('r'), ann.closed]).toEqual([0, 0, undefined]);
  });

  it('a room that could not be read for a moment is not called gone: whoever subscribes again goes on with it', async () => {
    verifies('WIRE-12', 'WIRE-08');
    const { kit, web, join, speak, settle } = await served();
    await using _kit = kit;
    const ann = await join({}, { afterIndex: -1 });
    await speak('one');
    const list = kit.store.listEvents.bind(kit.store);
    kit.store.listEvents = () => Promise.reject(new Error('The connection was lost.'));
    web.catchUp('r', 100); // another process has committed there
    await settle();
    expect(ann.frames.at(-1)).toMatchObject({ type: 'error', code: 'internal', retryable: true, roomId: 'r' });
    expect(ann.line.roomCount).toBe(0);
    kit.store.listEvents = list;
    await speak('two');
    ann.say({ type: 'subscribe', id: 'again', roomId: 'r', afterIndex: 2 });
    await settle();
    expect(ann.sequence).toEqual([
      [-1, 2, 'one'],
      [2, 3, 'two'],
    ]);
  });

  it('the right to a room is seen at the next frame', async () => {
    verifies('WIRE-12', 'AUTH-05');
    const { kit, join, speak, settle } = await served();
    await using _kit = kit;
    let welcome = true;
    const ann = await join({}, {}, { allowed: () => Promise.resolve(welcome) });
    welcome = false;
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    await settle();
    await speak('one');
    expect(ann.frames.slice(1)).toMatchObject([{ type: 'error', id: 'm1', code: 'room_not_found', roomId: 'r' }]);
    expect(await kit.getTimeline('r')).toHaveLength(3);
  });

  it('what the network does not take ends the connection, never the room', async () => {
    verifies('WIRE-13', 'WS-04', 'F23');
    const { kit, join, speak } = await served();
    await using _kit = kit;
    const [stuck, bob] = [await join(), await join({ participantId: 'bob' })];
    stuck.buffered = 17 * 1024 * 1024;
    await speak('one');
    expect(stuck.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    expect(bob.sequence).toHaveLength(1);
  });

  it('a backed-up socket is held back for, and given up when it stays so', async () => {
    verifies('WS-03', 'WIRE-13');
    const { kit, clock, join, speak } = await served();
    await using _kit = kit;
    const [ann, bob] = [await join(), await join({ participantId: 'bob' })];
    ann.buffered = 2 * 1024 * 1024;
    for (const word of ['one', 'two', 'three']) await speak(word);
    expect([ann.sequence.length, bob.sequence.length]).toEqual([1, 3]);
    ann.buffered = 0;
    await clock.advance(100);
    expect(ann.sequence).toEqual(bob.sequence);
    ann.buffered = 2 * 1024 * 1024;
    for (const word of ['four', 'five', 'six']) await speak(word);
    await clock.advance(15_000);
    expect(ann.closed).toEqual({ code: 1013, reason: 'slow_consumer' });
    expect(bob.sequence).toHaveLength(6);
  });

  it('the connection leaves nothing behind', async () => {
    verifies('WIRE-08', 'KIT-04');
    const { kit, clock, web, join } = await served();
    const told: unknown[] = [];
    kit.on('channel_connected', (event) => void told.push(event.type));
    kit.on('channel_disconnected', (event) => void told.push([event.type, event.data['reason']]));
    const ann = await join();
    ann.say({ type: 'send', id: 'm1', roomId: 'r', content: 'Hi' });
    ann.say({ type: 'typing', roomId: 'r', on: true });
    ann.line.close(1001, 'bye');
    ann.line.close(1011, 'again');
    await clock.advance(0);
    expect(ann.closed).toEqual({ code: 1001, reason: 'bye' });
    expect([web.connectionCount(), web.connectionCount('r')]).toEqual([0, 0]);
    expect(told).toEqual(['channel_connected', ['channel_disconnected', 'closed']]);
    await kit.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('the channel says goodbye to its sockets', async () => {
    verifies('WIRE-13');
    const { kit, join } = await served();
    const ann = await join();
    await kit.close();
    expect(ann.closed).toEqual({ code: 1012, reason: 'closing' });
  });
});

describe('a client that keeps the protocol', () => {
  it('sees every message of everybody once and in order, however the lines break', async () => {
    verifies('WIRE-04', 'WIRE-05', 'WIRE-07', 'WIRE-08', 'WS-10');
    const act = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), who: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('speak' as const), hidden: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('break' as const), who: fc.nat(2) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ticks: fc.integer({ min: 1, max: 9 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 50, size: 'max' }), async (acts) => {
        const { kit, web, clock, speak, settle } = await served();
        const people = ['ann', 'bob', 'cid'].map((participantId) => new Person(kit, web, participantId));
        for (const person of people) person.connect();
        const speaking: Promise<unknown>[] = [];
        for (const one of acts) {
          if (one.do === 'send') people[one.who]?.send();
          else if (one.do === 'speak') speaking.push(speak('from the desk', one.hidden ? 'none' : 'all'));
          else if (one.do === 'break') people[one.who]?.connect();
          else for (let tick = 0; tick < one.ticks; tick++) await Promise.resolve();
        }
        await Promise.all(speaking);
        await settle();
        await clock.advance(5000);
        const visible = (await kit.getTimeline('r', { as: 'web', limit: 1000 })).map((event) => event.index);
        for (const person of people) {
          expect(person.faults).toEqual([]);
          expect(person.seen).toEqual(visible);
          expect(person.unacknowledged).toEqual([]);
        }
        await kit.close();
      }),
      { numRuns: 120 },
    );
  });
});

/** A client to the letter of WIRE-05 and WIRE-08. */
class Person {
  last = -1;
  readonly seen: number[] = [];
  readonly faults: string[] = [];
  readonly #unacknowledged = new Map<string, string>();
  #browser: Browser | undefined;
  #sends = 0;
  #subscribed = false;

  constructor(
    private readonly kit: RoomKit,
    private readonly web: WebSocketChannel,
    private readonly participantId: string,
  ) {}

  get unacknowledged(): string[] {
    return [...this.#unacknowledged.keys()];
  }

  connect(): void {
    this.#browser?.line.close();
    this.#subscribed = false;
    const browser = new Browser(this.kit, this.web, { participantId: this.participantId });
    this.#browser = browser;
    browser.frames.push = (frame: Frame): number => {
      if (this.#browser === browser) this.#take(frame);
      return 0;
    };
    browser.say({ type: 'subscribe', id: 's', roomId: 'r', afterIndex: this.last });
  }

  send(): void {
    const id = `m${++this.#sends}`;
    this.#unacknowledged.set(id, `${this.participantId} ${id}`);
    if (this.#subscribed) this.#browser?.say({ type: 'send', id, roomId: 'r', content: `${this.participantId} ${id}` });
  }

  #take(frame: Frame): void {
    if (frame.type === 'subscribed') {
      this.#subscribed = true;
      for (const [id, content] of this.#unacknowledged) this.#browser?.say({ type: 'send', id, roomId: 'r', content });
    } else if (frame.type === 'ack') {
      if (!this.#unacknowledged.delete(frame.id)) this.faults.push(`a second ack of ${frame.id}`);
      if (frame.prev !== undefined && frame.event !== undefined) this.#place(frame.event.index, frame.prev);
      else if (frame.duplicate !== true) this.faults.push(`an ack of ${frame.id} without a place`);
    } else if (frame.type === 'event') this.#place(frame.event.index, frame.prev);
    else this.faults.push(JSON.stringify(frame));
  }

  #place(index: number, prev: number): void {
    if (prev !== this.last || index <= prev) this.faults.push(`${index} after ${prev}, having ${this.last}`);
    this.last = index;
    this.seen.push(index);
  }
}

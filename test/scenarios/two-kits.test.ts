/** Sockets of one room on two processes: both are shown the same, whoever commits, types, changes or writes (OUT-15, OUT-18). */
import { afterEach, describe, expect, it } from 'vitest';
import { AIChannel, InMemoryRealtime, MockAIProvider, RoomKit, silentLogger, SMSChannel, UuidGenerator, WebSocketChannel } from '../../src/index.js';
import type { ServerFrame } from '../../src/channels/wire/frames.js';
import { HostView } from '../../src/channels/wire/host-view.js';
import type { ConnectionFrame, StreamFrame } from '../../src/core/live-connection.js';
import type { EphemeralEvent, RealtimeBackend, RealtimeCallback, RealtimeMessage, RoomEvent } from '../../src/index.js';
import { SeededRandom, SimulatedDatabase, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

/** Carries what kits tell each other, or loses it. */
class Wire implements RealtimeBackend {
  readonly distributed = true;
  readonly #inner = new InMemoryRealtime({ ids: new UuidGenerator(), logger: silentLogger });

  constructor(private readonly loses: (channel: string) => boolean = () => false) {}

  publish(channel: string, message: RealtimeMessage): void | Promise<void> {
    return this.loses(channel) ? undefined : this.#inner.publish(channel, message);
  }
  subscribe(channel: string, callback: RealtimeCallback): string {
    return this.#inner.subscribe(channel, callback);
  }
  unsubscribe(id: string): boolean {
    return this.#inner.unsubscribe(id);
  }
  close(): void {
    // The other kit still needs it.
  }
}

const open: RoomKit[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((kit) => kit.close()));
});

function twoKits(loses?: (channel: string) => boolean, delayMs = 0) {
  const clock = new TestClock();
  const store = new SimulatedDatabase();
  const realtime = new Wire(loses);
  const kits = [0, 1].map(() => {
    const kit = new RoomKit({ store, realtime, clock, logger: silentLogger });
    kit.registerChannel(new WebSocketChannel('web', { echo: true }));
    kit.registerChannel(
      new AIChannel('agent', { provider: new MockAIProvider({ responses: ['one two three four'], streaming: true, delayMs, clock }) }),
    );
    open.push(kit);
    return kit;
  });
  return { clock, kits: kits as [RoomKit, RoomKit] };
}

/** Somebody at a socket, who asks again from the last index when told that something is missing. */
class Client {
  readonly frames: (ConnectionFrame | StreamFrame)[] = [];
  readonly shown: number[] = [];
  readonly ephemeral: EphemeralEvent[] = [];
  readonly changed: [RoomEvent, string][] = [];
  #id = '';

  constructor(
    private readonly kit: RoomKit,
    readonly name: string,
  ) {}

  async connect(): Promise<void> {
    const id = (this.#id = `${this.name}-${this.frames.length}`);
    const take = (frame: ConnectionFrame | StreamFrame): void => {
      if (id !== this.#id) return;
      this.frames.push(frame);
      if ('event' in frame && frame.event !== undefined) this.shown.push(frame.event.index);
    };
    await this.#channel.registerConnection(id, take, {
      roomIds: ['room'],
      afterIndex: this.shown.at(-1) ?? -1,
      streamSend: take,
      ephemeral: (event) => this.ephemeral.push(event),
      changed: (event, change) => this.changed.push([event, change]),
      participantId: this.name,
    });
  }

  leave(): void {
    this.#channel.unregisterConnection(this.#id);
  }

  get #channel(): WebSocketChannel {
    return this.kit.getChannel('web') as WebSocketChannel;
  }
}

describe('sockets on two processes', () => {
  it('F27e sockets_on_two_processes: both see every visible event once, in index order, whatever is lost between them', async () => {
    verifies('F27e', 'OUT-15', 'WS-09');
    const random = new SeededRandom(5);
    const { clock, kits } = twoKits(() => random.chance(0.4));
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    const [ada, ben] = [new Client(kits[0], 'ada'), new Client(kits[1], 'ben')];
    await ada.connect();
    await ben.connect();
    for (let n = 0; n < 200; n++) {
      await kits[n % 2 === 0 ? 0 : 1].processInbound({ channelId: 'web', senderId: 'somebody', content: `word ${n}` }, { roomId: 'room' });
      if (n % 40 === 13) ben.leave();
      if (n % 40 === 17) await ben.connect();
      if (random.chance(0.2)) await clock.advance(random.below(700));
    }
    await clock.advance(2000);
    const visible = (await kits[0].getTimeline('room', { limit: 500 })).filter(({ type }) => type === 'message').map(({ index }) => index);
    expect(visible).toHaveLength(200);
    expect(ada.shown.filter((index) => visible.includes(index))).toEqual(visible);
    expect(ben.shown).toEqual(ada.shown);
  });

  it('hear who types on the other, once, and not from each process again', async () => {
    verifies('OUT-18', 'EPH-03');
    const { kits, clock } = twoKits();
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    const [ada, ben] = [new Client(kits[0], 'ada'), new Client(kits[1], 'ben')];
    await ada.connect();
    await ben.connect();
    await kits[0].publishTyping('room', 'ada', true, 'web');
    await clock.advance(10);
    expect(ben.ephemeral.map(({ type, userId }) => [type, userId])).toEqual([['typing_start', 'ada']]);
    expect(ada.ephemeral).toEqual([]);
  });

  it('see a message change, and disappear, without its words on the way', async () => {
    verifies('OUT-18', 'CHO-06');
    const told: string[] = [];
    const { kits, clock } = twoKits();
    await kits[0].realtime.subscribe('room:room:live', (message) => void told.push(JSON.stringify(message)));
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    const ben = new Client(kits[1], 'ben');
    await ben.connect();
    const { event } = await kits[0].processInbound({ channelId: 'web', senderId: 'ada', content: 'a secret' }, { roomId: 'room' });
    if (event === undefined) throw new Error('It was not stored.');
    await kits[0].updateEvent('room', event.id, { content: { type: 'text', body: 'a flower' } });
    await clock.advance(10);
    await kits[0].deleteEvent('room', event.id);
    await clock.advance(10);
    expect(ben.changed.map(([{ id, content }, change]) => [id, change, change === 'updated' ? content : undefined])).toEqual([
      [event.id, 'updated', { type: 'text', body: 'a flower' }],
      [event.id, 'deleted', undefined],
    ]);
    expect(told.length).toBeGreaterThan(1);
    expect(told.join()).not.toMatch(/secret|flower/);
  });

  it('watch a reply being written by the other, whose event ends the preview in its place', async () => {
    verifies('OUT-18', 'WS-05', 'STR-01');
    const { kits, clock } = twoKits(undefined, 400);
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    await kits[0].attachChannel('room', 'agent');
    const ben = new Client(kits[1], 'ben');
    await ben.connect();
    const asking = kits[0].processInbound({ channelId: 'web', senderId: 'ada', content: 'count' }, { roomId: 'room' });
    await clock.advance(1100);
    const late = new Client(kits[1], 'late');
    await late.connect();
    await clock.advance(5000);
    await asking;
    await clock.advance(3000);
    const frames = ben.frames.filter(({ type }) => type.startsWith('stream_'));
    expect(frames.map(({ type }) => type)).toEqual(['stream_start', ...Array(frames.length - 2).fill('stream_chunk'), 'stream_end']);
    expect(frames.length).toBeGreaterThan(3);
    const chunks = frames.filter((frame) => frame.type === 'stream_chunk');
    // What was written in the last moment comes with the event.
    expect(chunks.map(({ delta }) => delta).join('')).toBe('one two three');
    const end = frames.at(-1);
    expect(end?.type === 'stream_end' && end.event.content).toEqual({ type: 'text', body: 'one two three four' });
    expect(ben.frames.filter((frame) => frame.type === 'event' && frame.event.source.channelId === 'agent')).toEqual([]);
    // Who comes later begins with all that was written so far.
    expect(late.frames.map(({ type }) => type)).toContain('stream_start');
    expect(late.frames.at(-1)?.type).toBe('stream_end');
  });

  it('see a preview withdrawn when whoever writes it is gone', async () => {
    verifies('OUT-18', 'WS-05');
    let isCut = false;
    const { kits, clock } = twoKits(() => isCut, 400);
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    await kits[0].attachChannel('room', 'agent');
    const ben = new Client(kits[1], 'ben');
    await ben.connect();
    const asking = kits[0].processInbound({ channelId: 'web', senderId: 'ada', content: 'count' }, { roomId: 'room' });
    await clock.advance(900);
    isCut = true;
    ben.frames.length = 0;
    await clock.advance(20_000);
    await asking;
    const ends = ben.frames.filter(({ type }) => type === 'stream_end' || type === 'stream_error');
    expect(ends).toHaveLength(1);
    expect(ben.shown.at(-1)).toBe((await kits[0].getTimeline('room')).at(-1)?.index);
  });
});

describe('a host at one of two processes', () => {
  async function watched(delayMs = 0) {
    const { kits, clock } = twoKits(undefined, delayMs);
    await kits[0].createRoom({ roomId: 'room' });
    await kits[0].attachChannel('room', 'web');
    await kits[0].attachChannel('room', 'agent');
    const frames: ServerFrame[] = [];
    const view = new HostView({ kit: kits[1], clock, logger: silentLogger, send: (frame) => void frames.push(frame), relief: () => undefined });
    await view.subscribe({ type: 'subscribe', id: '1', roomId: 'room' });
    await view.subscribe({ type: 'subscribe', id: '2', roomId: '*' });
    await clock.advance(500);
    frames.length = 0;
    return { kits, clock, view, frames };
  }

  it('sees what the other commits and changes, replies while they are written, and which rooms it touches', async () => {
    verifies('WIRE-15', 'OUT-15', 'OUT-18');
    const { kits, clock, view, frames } = await watched(400);
    const asking = kits[0].processInbound({ channelId: 'web', senderId: 'ada', content: 'count' }, { roomId: 'room' });
    await clock.advance(8000);
    const { event } = await asking;
    const types = frames.map(({ type }) => type).filter((type) => type !== 'room' && type !== 'event_changed');
    expect([types[0], types[1], types.at(-1)]).toEqual(['event', 'stream_start', 'stream_end']);
    expect(frames.filter(({ type }) => type === 'room').length).toBeGreaterThan(0);
    frames.length = 0;
    if (event === undefined) throw new Error('It was not stored.');
    await kits[0].updateEvent('room', event.id, { content: { type: 'text', body: 'never mind' } });
    await clock.advance(10);
    await kits[0].deleteEvent('room', event.id, { cascadeReplies: false });
    await clock.advance(10);
    expect(frames.map(({ type }) => type).filter((type) => type !== 'room')).toEqual(['event_changed', 'event_removed']);
    view.close();
    frames.length = 0;
    await kits[0].processInbound({ channelId: 'web', senderId: 'ada', content: 'more' }, { roomId: 'room', wait: 'commit' });
    await clock.advance(8000);
    expect(frames, 'and nothing more when it has left').toEqual([]);
  });

  it('of one organization is told of its own rooms alone', async () => {
    verifies('PERM-09', 'WIRE-15');
    const clock = new TestClock();
    const store = new SimulatedDatabase();
    const realtime = new Wire();
    const kitOf = (organizationId: string): RoomKit => {
      const kit = new RoomKit({ store, realtime, clock, organizationId, logger: silentLogger });
      open.push(kit);
      return kit;
    };
    const [acme, alsoAcme, globex] = [kitOf('acme'), kitOf('acme'), kitOf('globex')];
    const told: string[] = [];
    const stop = alsoAcme.onRoomsChanged((roomId) => void told.push(roomId));
    for (const [kit, roomId] of [
      [acme, 'acme-room'],
      [globex, 'globex-room'],
    ] as const) {
      kit.registerChannel(new WebSocketChannel('web'));
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    await clock.advance(1000);
    expect(told).toEqual(['acme-room']);
    await expect(alsoAcme.followRoom('globex-room', { grown: () => told.push('grown') })).rejects.toMatchObject({ code: 'room_not_found' });
    stop();
    await acme.closeRoom('acme-room');
    await clock.advance(1000);
    expect(told).toEqual(['acme-room']);
  });
});

describe('two processes with different channels', () => {
  it('do not keep work from each other that only one of them can do', async () => {
    verifies('OUT-10', 'BC-01', 'OUT-08');
    const clock = new TestClock();
    const store = new SimulatedDatabase();
    const realtime = new Wire();
    const sent: string[] = [];
    const make = (): RoomKit => {
      const kit = new RoomKit({ store, realtime, clock, logger: silentLogger });
      open.push(kit);
      kit.registerChannel(new WebSocketChannel('web'));
      return kit;
    };
    const sms = (): SMSChannel =>
      new SMSChannel('sms', {
        provider: { name: 'gateway', send: ({ event }) => ({ success: true, providerMessageId: `SM${sent.push(event.id)}` }) },
      });
    const first = make();
    first.registerChannel(sms());
    await first.createRoom({ roomId: 'room' });
    await first.attachChannel('room', 'web');
    await first.attachChannel('room', 'sms', { metadata: { phone_number: '+15550123' } });
    await first.close();
    open.splice(0);
    const without = make();
    const said = await without.processInbound({ channelId: 'web', senderId: 'ada', content: 'hello' }, { roomId: 'room', wait: 'commit' });
    await clock.advance(5000); // it has looked for work, and found what it cannot do
    expect(store.listRows({ channelId: 'sms' }).map(({ state, leaseOwner }) => [state, leaseOwner])).toEqual([['queued', undefined]]);
    const having = make();
    having.registerChannel(sms());
    await clock.advance(2500);
    expect(sent).toEqual([said.event?.id]);
    // And who gets the channel later goes on at once with what nobody else has done.
    await having.close();
    const again = await without.processInbound({ channelId: 'web', senderId: 'ada', content: 'again' }, { roomId: 'room', wait: 'commit' });
    await clock.advance(3000);
    without.registerChannel(sms());
    await clock.advance(1500);
    expect(sent).toEqual([said.event?.id, again.event?.id]);
  });
});

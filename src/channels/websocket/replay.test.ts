import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChannelServices, DeliveryStream, VisiblePage } from '../../core/channel.js';
import { silentLogger } from '../../core/logger.js';
import type { ChannelBinding } from '../../core/models/binding.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { RoomContext } from '../../core/rooms/context.js';
import { TestClock } from '../../testing/test-clock.js';
import { verifies } from '../../../test/requirements.js';
import { WebSocketChannel } from '../websocket.js';

/**
 * A room whose commits and deliveries are apart, as in the kit: a lane gives the channel one event after another, some time
 * after its commit. Some events are hidden, some deliveries get lost.
 */
class Room {
  readonly events: { readonly event: RoomEvent; readonly visible: boolean; readonly stream?: string }[] = [];
  #next = 0;
  #lane: Promise<unknown> = Promise.resolve();
  #stream: { id: string; stream: DeliveryStream | null } | undefined;

  constructor(private readonly channel: WebSocketChannel) {}

  commit(visible: boolean): void {
    const index = this.events.length;
    const stream = this.#stream;
    this.#stream = undefined;
    this.events.push({ event: eventAt(index), visible: visible || stream !== undefined, ...(stream && { stream: stream.id }) });
    if (stream !== undefined) this.#streams.set(stream.id, stream.stream);
  }

  readonly #streams = new Map<string, DeliveryStream | null>();

  /** The next committed event becomes the end of a stream. */
  startStream(): void {
    if (this.#stream !== undefined) return;
    const id = `s${this.events.length}`;
    this.#stream = { id, stream: this.channel.openStream({ streamId: id, roomId: 'r', source: SOURCE, visibility: 'all' }) };
    this.#stream.stream?.write('words', 'words');
  }

  /** One step of the lane; `lost` events never reach the channel. */
  deliver(lost: boolean): void {
    const next = this.events[this.#next];
    if (next === undefined) return;
    this.#next++;
    if (!next.visible || (lost && next.stream === undefined)) return;
    const stream = next.stream === undefined ? null : this.#streams.get(next.stream);
    this.#lane = this.#lane
      .then(() => (stream != null ? stream.end(next.event, CONTEXT) : this.channel.deliver(next.event, BINDING, CONTEXT)))
      .catch(() => undefined);
  }

  async settled(): Promise<void> {
    while (this.#next < this.events.length) this.deliver(false);
    await this.#lane;
  }

  page({ afterIndex, limit }: { afterIndex: number; limit: number }): VisiblePage {
    const visible = this.events.filter((one) => one.visible).map((one) => one.event);
    const after = visible.filter((event) => event.index > afterIndex);
    const prev = visible.filter((event) => event.index <= afterIndex).at(-1)?.index ?? -1;
    return { events: after.slice(0, limit), prev, latestIndex: this.events.length - 1, more: after.length > limit };
  }
}

const SOURCE = { channelId: 'desk', channelType: 'websocket', direction: 'inbound', rawPayload: {} } as const;
const BINDING = {} as ChannelBinding; // not looked at
const CONTEXT = { participants: [] } as unknown as RoomContext; // nothing else is looked at

function eventAt(index: number): RoomEvent {
  return {
    id: `e${index}`,
    roomId: 'r',
    type: 'message',
    source: SOURCE,
    content: { type: 'text', body: `${index}` },
    status: 'delivered',
    visibility: 'all',
    index,
    chainDepth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    metadata: {},
    channelData: {},
  };
}

/** A client that keeps the rules of WIRE-05 to the letter, and complains when the server does not. */
class Client {
  last = -1;
  readonly seen: number[] = [];
  readonly faults: string[] = [];
  readonly openStreams = new Set<string>();
  connected = false;
  #generation = 0;

  constructor(
    private readonly channel: WebSocketChannel,
    private readonly send: () => Promise<unknown> | undefined,
    private readonly watches: boolean,
    /** Nothing is lost on the way: then it never has to ask again. */
    private readonly isCalm: boolean,
  ) {}

  connect(): void {
    const generation = ++this.#generation;
    this.connected = true;
    this.openStreams.clear();
    const isOld = (): boolean => generation !== this.#generation;
    const take = (index: number, prev: number): void => {
      if (index <= this.last) this.faults.push(`${index} came again after ${this.last}`);
      else if (prev !== this.last) {
        if (this.isCalm || prev < this.last) this.faults.push(`prev of ${index} is ${prev}, the client has ${this.last}`);
        this.connect(); // something is missing: ask for it
      } else {
        this.last = index;
        this.seen.push(index);
      }
    };
    this.channel
      .registerConnection(
        'client',
        (frame) => {
          if (isOld()) return;
          if (frame.type === 'event') take(frame.event.index, frame.prev);
          else this.faults.push('resync');
          return this.send();
        },
        {
          roomIds: ['r'],
          afterIndex: this.last,
          ...(this.watches && {
            streamSend: (frame) => {
              if (isOld()) return;
              if (frame.type === 'stream_start') {
                if (this.openStreams.has(frame.streamId)) this.faults.push('two starts');
                this.openStreams.add(frame.streamId);
              } else if (!this.openStreams.has(frame.streamId)) this.faults.push(`${frame.type} without a start`);
              if (frame.type !== 'stream_end' && frame.type !== 'stream_error') return;
              this.openStreams.delete(frame.streamId);
              if (frame.event !== undefined) take(frame.event.index, frame.prev ?? -1);
            },
          }),
        },
      )
      .catch(() => isOld() || this.connect()); // the server could not read: the client asks again
  }

  drop(): void {
    this.connected = false;
    this.#generation++;
    this.channel.unregisterConnection('client');
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('commit' as const), visible: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('deliver' as const), lost: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stream' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failRead' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('run' as const), count: fc.integer({ min: 1, max: 4 }) }) },
);

describe('replay under any interleaving', () => {
  it('gives every visible event exactly once and in order, whatever was delivered late, lost, or while it read', async () => {
    verifies('WS-09', 'WS-05', 'WIRE-04', 'WIRE-05', 'INV-06', 'INV-10');
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 5, maxLength: 80, size: 'max' }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        async (scheduler, steps, slowSends, watches, isCalm) => {
          const channel = new WebSocketChannel('web');
          const room = new Room(channel);
          let failNext = false;
          // The page is as the room was when the reading began; it comes some time later, or not at all.
          const read = scheduler.scheduleFunction(async (page: VisiblePage) => {
            if (!failNext) return page;
            failNext = false;
            throw new Error('The store is away.');
          });
          channel.connect({
            clock: new TestClock(),
            logger: silentLogger,
            emit: () => undefined,
            messageIdOf: () => Promise.resolve(undefined),
            messageIdsOf: () => Promise.resolve([]),
            noteMessageIds: () => Promise.resolve(),
            answeredBy: () => Promise.resolve(undefined),
            follow: () => false,
            unfollow: () => false,
            readVisible: (_roomId, options) => read(room.page(options)),
          } as Partial<ChannelServices> as ChannelServices); // the rest is not used
          const client = new Client(channel, () => (slowSends ? scheduler.schedule(Promise.resolve()) : undefined), watches, isCalm);
          client.connect();
          for (const one of steps) {
            if (one.do === 'commit') room.commit(one.visible);
            else if (one.do === 'deliver') room.deliver(one.lost === 0 && !isCalm);
            else if (one.do === 'connect') client.connect();
            else if (one.do === 'drop') client.drop();
            else if (one.do === 'stream') room.startStream();
            else if (one.do === 'failRead') failNext = !isCalm;
            else for (let n = 0; n < one.count && scheduler.count() > 0; n++) await scheduler.waitOne();
          }
          room.commit(true);
          if (!isCalm || !client.connected) client.connect();
          await scheduler.waitFor(room.settled());
          for (let quiet = 0; quiet < 20; quiet++) {
            await Promise.resolve();
            if (scheduler.count() === 0) continue;
            await scheduler.waitAll();
            quiet = 0;
          }
          expect(client.faults).toEqual([]);
          expect(client.seen).toEqual(room.events.flatMap(({ event, visible }) => (visible ? [event.index] : [])));
          expect([...client.openStreams]).toEqual([]);
          channel.close();
        },
      ),
      { numRuns: 400 },
    );
  });
});

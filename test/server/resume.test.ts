/**
 * Lines that break: clients on real sockets, with a network between that cuts connections in the middle of anything, also of
 * a frame. A client to the letter of the protocol checks what it is told.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AIChannel, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';
import { serve } from 'roomkit/server';
import { WebSocket } from 'ws';
import { silentLogger } from '../../src/core/logger.js';
import { verifies } from '../requirements.js';

interface WireEventLike {
  readonly index: number;
}
interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly prev?: number;
  readonly event?: WireEventLike;
  readonly duplicate?: boolean;
  readonly blocked?: boolean;
  readonly streamId?: string;
}

/** Forwards connections to a port; each is cut after so many bytes, counted both ways, as long as there are cuts left. */
class Network {
  readonly #lines = new Set<Socket>();
  cutCount = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(port: number, cuts: readonly number[]): Promise<Network> {
    const left = [...cuts];
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      let budget = left.shift() ?? Infinity;
      const forward = (from: Socket, to: Socket): void => {
        network.#lines.add(from);
        from.on('data', (chunk: Buffer) => {
          to.write(chunk.length <= budget ? chunk : chunk.subarray(0, budget));
          budget -= chunk.length;
          if (budget > 0) return;
          network.cutCount++;
          to.destroySoon(); // the rest of the frame never comes
          from.destroy();
        });
        from.on('error', () => undefined);
        from.on('close', () => {
          network.#lines.delete(from);
          to.destroy();
        });
      };
      forward(near, far);
      forward(far, near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const network = new Network(server, (server.address() as { port: number }).port);
    return network;
  }

  async close(): Promise<void> {
    for (const line of this.#lines) line.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Says what WIRE-08 asks of a client, and notes every breach of WIRE-05 by the server. */
class Person {
  readonly seen: number[] = [];
  readonly faults: string[] = [];
  readonly unacknowledged = new Map<string, string>();
  connections = 0;
  #last: number;
  #socket: WebSocket | undefined;
  #isSubscribed = false;
  #isDone = false;
  #sends = 0;

  constructor(
    private readonly name: string,
    private readonly address: string,
    private readonly token: string,
    start: number,
  ) {
    this.#last = start;
    this.#connect();
  }

  say(): void {
    const id = `m${++this.#sends}`;
    this.unacknowledged.set(id, `${this.name} ${id}`);
    if (this.#isSubscribed) this.#send(id);
  }

  close(): void {
    this.#isDone = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    if (this.#isDone) return;
    this.connections++;
    const socket = new WebSocket(this.address, 'roomkit.v1');
    const streams = new Set<string>();
    this.#socket = socket;
    this.#isSubscribed = false;
    socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', version: 1, token: this.token })));
    socket.on('message', (data: Buffer) => this.#socket === socket && this.#take(JSON.parse(data.toString()) as Frame, streams));
    socket.on('error', () => undefined);
    socket.on('close', (code) => {
      if (code !== 1006 && !this.#isDone) this.faults.push(`closed with ${code}`);
      setImmediate(() => this.#connect());
    });
  }

  #send(id: string): void {
    this.#socket?.send(JSON.stringify({ type: 'send', id, roomId: 'r', content: this.unacknowledged.get(id) }));
  }

  #take(frame: Frame, streams: Set<string>): void {
    switch (frame.type) {
      case 'welcome':
        this.#socket?.send(JSON.stringify({ type: 'subscribe', id: 's', roomId: 'r', afterIndex: this.#last }));
        return;
      case 'subscribed':
        this.#isSubscribed = true;
        for (const id of this.unacknowledged.keys()) this.#send(id);
        return;
      case 'ack':
        if (frame.blocked === true || frame.event === undefined) this.faults.push(`not taken: ${JSON.stringify(frame)}`);
        if (!this.unacknowledged.delete(frame.id ?? '')) this.faults.push(`a second ack of ${frame.id}`);
        if (frame.prev === undefined && frame.duplicate !== true) this.faults.push(`an ack of ${frame.id} without a place`);
        this.#place(frame);
        return;
      case 'event':
        this.#place(frame);
        return;
      case 'stream_start':
        streams.add(frame.streamId ?? '');
        return;
      case 'stream_chunk':
      case 'stream_end':
      case 'stream_error':
        if (!streams.has(frame.streamId ?? '')) this.faults.push(`${frame.type} without a start`);
        if (frame.type !== 'stream_chunk') streams.delete(frame.streamId ?? '');
        this.#place(frame);
        return;
      default:
        this.faults.push(JSON.stringify(frame));
    }
  }

  #place({ prev, event }: Frame): void {
    if (prev === undefined || event === undefined) return;
    if (prev !== this.#last || event.index <= prev) this.faults.push(`${event.index} after ${prev}, having ${this.#last}`);
    this.#last = event.index;
    this.seen.push(event.index);
  }
}

describe('lines that break under load', () => {
  it(
    'lose nothing and double nothing: each client sees every visible event once, in order, and each message is taken once',
    { timeout: 120_000 },
    async () => {
      verifies('WS-09', 'WIRE-04', 'WIRE-05', 'WIRE-07', 'WIRE-08', 'WIRE-09');
      const cuts = fc.array(fc.integer({ min: 1, max: 12_000 }), { minLength: 10, maxLength: 40, size: 'max' });
      await fc.assert(
        fc.asyncProperty(
          cuts,
          fc.array(fc.constantFrom('ann', 'bob', 'cid', 'desk', 'hidden', 'pause'), { minLength: 60, maxLength: 160, size: 'max' }),
          async (given, acts) => {
            const kit = new RoomKit({ logger: silentLogger });
            kit.registerChannel(new WebSocketChannel('web', { echo: true }));
            kit.registerChannel(new WebSocketChannel('desk'));
            kit.registerChannel(new AIChannel('bot', { provider: new MockAIProvider({ responses: ['As you say, it is so.'], streaming: true }) }));
            await kit.createRoom({ roomId: 'r' });
            for (const channelId of ['web', 'desk']) await kit.attachChannel('r', channelId);
            await kit.attachChannel('r', 'bot', { category: 'intelligence' });
            const server = await serve(kit, { port: 0 });
            const network = await Network.to(server.port, given);
            const people = new Map<string, Person>();
            for (const participantId of ['ann', 'bob', 'cid']) {
              const { token } = await server.mintClientToken({ rooms: ['r'], channelId: 'web', participantId });
              people.set(participantId, new Person(participantId, `ws://127.0.0.1:${network.port}/ws`, token, -1));
            }
            let said = 0;
            const speaking: Promise<unknown>[] = [];
            for (const act of acts) {
              const person = people.get(act);
              // Below the rate limit of one connection, however many repeats it has to make.
              if (person !== undefined && person.unacknowledged.size < 12) {
                person.say();
                said++;
              } else if (act === 'desk' || act === 'hidden') {
                speaking.push(kit.sendEvent('r', 'desk', act, { visibility: act === 'hidden' ? 'desk' : 'all', wait: 'commit' }));
              }
              if (act === 'pause') await new Promise((resolve) => setImmediate(resolve));
            }
            await Promise.all(speaking);
            const isQuiet = async (): Promise<boolean> => {
              if ([...people.values()].some(({ unacknowledged }) => unacknowledged.size > 0)) return false;
              if ((await kit.store.listTurns({ roomId: 'r', state: ['queued', 'running'] })).length > 0) return false;
              const visible = await kit.getTimeline('r', { as: 'web', limit: 1000 });
              return [...people.values()].every(({ seen }) => seen.at(-1) === visible.at(-1)?.index);
            };
            const patience = performance.now() + 20_000;
            while (performance.now() < patience && !(await isQuiet())) await new Promise((resolve) => setImmediate(resolve));
            const visible = (await kit.getTimeline('r', { as: 'web', limit: 1000 })).map(({ index }) => index);
            const messages = (await kit.getTimeline('r', { limit: 1000 })).filter(({ source }) => source.channelId === 'web');
            for (const person of people.values()) {
              expect(person.faults).toEqual([]);
              expect(person.seen).toEqual(visible);
              expect([...person.unacknowledged.keys()]).toEqual([]);
              person.close();
            }
            expect(messages).toHaveLength(said);
            expect(network.cutCount).toBeGreaterThan(0);
            await network.close();
            await server.close();
            await kit.close();
          },
        ),
        { numRuns: 12 },
      );
    },
  );
});

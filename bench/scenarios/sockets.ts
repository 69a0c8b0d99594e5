/** The browser wire protocol over a thousand real sockets of a second process, beside a bare `ws` that does as little as it can. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { serve, type RoomKitServer } from 'roomkit/server';
import { WebSocketServer } from 'ws';
import { Crowd } from '../crowd.js';
import { atMost } from '../figures.js';
import { BODY, Bench, check, residentBytes, type Scenario, type Side } from '../harness.js';

const SOCKETS = 1000;
/** Frames a socket may send at once; it gets as many again within two seconds. */
const BURST = 30;
const REFILL_MS = 2000;
const LIMITS = { maxWaitingPerAddress: 5000, maxWaitingSockets: 5000, requestsPerSecond: 1e9, requestBurst: 1e9 };

export const wsEndToEnd: Scenario = {
  name: 'ws_end_to_end',
  async run(bench) {
    const count = bench.size(SOCKETS, 5);
    const names = Array.from({ length: count }, (_, n) => `room-${n}`);
    const kit = new RoomKit();
    kit.registerChannel(new WebSocketChannel('web'));
    for (const roomId of names) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    const server = await serve(kit, { port: 0, limits: LIMITS });
    const bare = await bareServer();
    const crowds = [new Crowd(), new Crowd()] as const;
    try {
      await crowds[0].tell({
        do: 'open_sockets',
        url: `${server.url.replace('http', 'ws')}/ws`,
        protocol: 'roomkit.v1',
        opening: await Promise.all(names.map(async (roomId) => [await helloOf(server, roomId, 'user-1')])),
        ready: 'welcome',
      });
      await crowds[1].tell({ do: 'open_sockets', url: bare.url, opening: names.map(() => []), ready: '' });
      const times = bench.size(BURST, 3);
      const frame = `{"type":"send","id":"NAME","roomId":"ROOM","content":${JSON.stringify(BODY)}}`;
      const talk = (crowd: Crowd, pauseMs: number): Side => ({
        messages: count * times,
        async begin() {
          // The protocol lets a client send so many frames a second (WIRE-03); they are there again when the round begins.
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
          return {
            async work() {
              check((await crowd.tell({ do: 'send', frame, times, answer: 'ack', names })) === count * times, 'acknowledgements are missing');
            },
          };
        },
      });
      await report(bench, talk(crowds[0], bench.options.quick ? 0 : REFILL_MS), talk(crowds[1], 0));
      check((await kit.getRoom('room-0')).eventCount % times === 1, 'messages are missing');
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.end()));
      bare.close();
      await server.close();
      await kit.close();
    }
  },
};

export const wsBroadcast1000: Scenario = {
  name: 'ws_broadcast_1000',
  async run(bench) {
    const count = bench.size(SOCKETS, 5);
    const kit = new RoomKit();
    kit.registerChannel(new WebSocketChannel('web'));
    kit.registerChannel(new WebSocketChannel('desk'));
    await kit.createRoom({ roomId: 'room-0' });
    for (const channelId of ['web', 'desk']) await kit.attachChannel('room-0', channelId);
    const server = await serve(kit, { port: 0, limits: LIMITS });
    const bare = await bareServer();
    const crowds = [new Crowd(), new Crowd()] as const;
    try {
      const subscribe = JSON.stringify({ type: 'subscribe', id: 's', roomId: 'room-0' });
      await crowds[0].tell({
        do: 'open_sockets',
        url: `${server.url.replace('http', 'ws')}/ws`,
        protocol: 'roomkit.v1',
        opening: await Promise.all(Array.from({ length: count }, async (_, n) => [await helloOf(server, 'room-0', `user-${n}`), subscribe])),
        ready: 'subscribed',
      });
      await crowds[1].tell({ do: 'open_sockets', url: bare.url, opening: Array.from({ length: count }, () => []), ready: '' });
      const messages = bench.size(30, 3);
      const tell = (crowd: Crowd, say: (n: number) => Promise<unknown> | void): Side => ({
        messages: messages * count,
        begin: () => ({
          async work() {
            for (let n = 0; n < messages; n++) {
              const listening = crowd.next('listening');
              const heard = crowd.tell({ do: 'listen', frames: count });
              await listening;
              await say(n);
              check((await heard) === count, 'frames are missing');
            }
          },
        }),
      });
      await report(
        bench,
        tell(crowds[0], () => kit.processInbound({ channelId: 'desk', senderId: 'host', content: BODY }, { roomId: 'room-0' })),
        tell(crowds[1], (n) => bare.sayToAll(n)),
        'frames/s',
      );
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.end()));
      bare.close();
      await server.close();
      await kit.close();
    }
  },
};

/** People who have a page open: ten to a room, each subscribed, nobody says anything. */
export const wsIdle10k: Scenario = {
  name: 'ws_idle_10k',
  async run(bench) {
    const count = bench.size(10_000, 20);
    const kit = new RoomKit();
    const web = new WebSocketChannel('web');
    kit.registerChannel(web);
    const rooms = Array.from({ length: count / 10 }, (_, n) => `room-${n}`);
    for (const roomId of rooms) {
      await kit.createRoom({ roomId });
      await kit.attachChannel(roomId, 'web');
    }
    const server = await serve(kit, { port: 0, limits: LIMITS });
    const crowd = new Crowd();
    try {
      const before = await residentBytes();
      const opening = await Promise.all(
        Array.from({ length: count }, async (_, n) => {
          const roomId = rooms[n % rooms.length] ?? '';
          return [await helloOf(server, roomId, `user-${n}`), JSON.stringify({ type: 'subscribe', id: 's', roomId })];
        }),
      );
      const url = `${server.url.replace('http', 'ws')}/ws`;
      check((await crowd.tell({ do: 'open_sockets', url, protocol: 'roomkit.v1', opening, ready: 'subscribed' })) === count, 'sockets are missing');
      opening.length = 0;
      const after = await residentBytes();
      check(web.connectionCount() === count, 'sockets have gone');
      bench.report('process', 'MB RSS', [after / 1e6], { goal: atMost(400) });
      bench.report('per_socket', 'bytes', [(after - before) / count]);
    } finally {
      await crowd.end();
      await server.close();
      await kit.close();
    }
  },
};

/** By the processor's time of the serving process, in which both servers live: what the clients cost is another process's. */
async function report(bench: Bench, ours: Side, bare: Side, unit = 'msg/s'): Promise<void> {
  const perCore = new Bench(bench.scenario, { ...bench.options, processorTime: true });
  bench.reportShare(unit, await perCore.compare(ours, bare), 0.7);
}

async function helloOf(server: RoomKitServer, roomId: string, participantId: string): Promise<string> {
  const { token } = await server.mintClientToken({ rooms: [roomId], channelId: 'web', participantId, ttlSeconds: 3600 });
  return JSON.stringify({ type: 'hello', version: 1, token });
}

interface BareServer {
  readonly url: string;
  sayToAll(n: number): void;
  close(): void;
}

/** Answers each frame with one of an acknowledgement's size; both are parsed and written as JSON. */
async function bareServer(): Promise<BareServer> {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
  let index = 0;
  const event = (roomId: string, content: string): object => ({
    id: '0192f0c0-0000-7000-8000-000000000000',
    roomId,
    index: index++,
    type: 'message',
    status: 'delivered',
    source: { channelId: 'web', channelType: 'websocket', participantId: 'user-1' },
    content: { type: 'text', body: content },
    visibility: 'all',
    chainDepth: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    metadata: {},
  });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const { id, roomId, content } = JSON.parse(data.toString()) as { id: string; roomId: string; content: string };
      socket.send(JSON.stringify({ type: 'ack', id, roomId, event: event(roomId, content) }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    sayToAll(n) {
      const text = JSON.stringify({ type: 'event', roomId: 'room-0', prev: n, event: event('room-0', BODY) });
      for (const socket of sockets.clients) socket.send(text);
    },
    close() {
      for (const socket of sockets.clients) socket.terminate();
      http.close();
    },
  };
}

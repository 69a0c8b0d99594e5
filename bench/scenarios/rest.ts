/** REST over real connections: posting a message, and a page of a long timeline. The clients are a second process. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createApiKey, serve, type RoomKitServer } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { Crowd } from '../crowd.js';
import { atLeast, atMost } from '../figures.js';
import { BODY, Bench, check, type Scenario, type Side } from '../harness.js';
import { openPlainDatabase } from '../plain-sqlite.js';

const LINES = 32;
const UNLIMITED = { requestsPerSecond: 1e9, requestBurst: 1e9 };

export const restPostMessage: Scenario = {
  name: 'rest_post_message',
  async run(bench) {
    const kit = new RoomKit();
    kit.registerChannel(new WebSocketChannel('ws-0'));
    await kit.createRoom({ roomId: 'room-0' });
    await kit.attachChannel('room-0', 'ws-0');
    const { server, key } = await open(kit);
    const plain = await plainServer();
    const crowds = [new Crowd(), new Crowd()] as const;
    try {
      const requests = bench.size(20_000, 100);
      const body = JSON.stringify({ channelId: 'ws-0', senderId: 'user-1', content: BODY });
      await crowds[0].tell({ do: 'open_lines', port: server.port, count: LINES });
      await crowds[1].tell({ do: 'open_lines', port: (plain.address() as AddressInfo).port, count: LINES });
      const ours = side(crowds[0], requests, post('/api/rooms/room-0/messages', key, body), async () => {
        check((await kit.getRoom('room-0')).eventCount % requests === 1, 'messages are missing');
      });
      const limit = side(crowds[1], requests, post('/', key, body));
      // What counts is one core: the processor's time of the serving process, whatever else the machine does.
      const perCore = new Bench(bench.scenario, { ...bench.options, processorTime: true });
      const rates = await perCore.compare(ours, limit);
      bench.report('per_core', 'msg/s', rates.ours, { limit: rates.limit, goal: atLeast(10_000) });
      const wall = new Bench(bench.scenario, { ...bench.options, processorTime: false });
      bench.report('throughput', 'msg/s', await wall.measure(ours));
    } finally {
      await Promise.all(crowds.map((crowd) => crowd.end()));
      plain.close();
      await server.close();
      await kit.close();
    }
  },
};

export const timelinePage1m: Scenario = {
  name: 'timeline_page_1m',
  async run(bench) {
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-bench-'));
    const path = join(folder, 'long.db');
    const events = bench.size(1_000_000, 2000);
    await fill(path, events);
    const kit = new RoomKit({ store: await SqliteStore.open(path) });
    const { server, key } = await open(kit);
    try {
      const pages = bench.size(2000, 20);
      const headers = { authorization: `Bearer ${key}` };
      const latencies = { newest: [] as number[], anywhere: [] as number[], as_channel: [] as number[] };
      const queries: Readonly<Record<keyof typeof latencies, (n: number) => string>> = {
        newest: () => 'newestFirst=true&limit=50',
        anywhere: (n) => `afterIndex=${(n * 7919) % (events - 100)}&limit=50`,
        as_channel: (n) => `afterIndex=${(n * 7919) % (events - 100)}&limit=50&as=ws-0`,
      };
      for (let n = -200; n < pages; n++) {
        for (const name of ['newest', 'anywhere', 'as_channel'] as const) {
          const startedAt = performance.now();
          const response = await fetch(`${server.url}/api/rooms/room-0/events?${queries[name](Math.abs(n))}`, { headers });
          const page = (await response.json()) as { events: unknown[] };
          if (n >= 0) latencies[name].push(performance.now() - startedAt);
          check(page.events.length === 50, 'the page is not whole');
        }
      }
      for (const name of ['newest', 'anywhere', 'as_channel'] as const) bench.report(name, 'ms', latencies[name], { goal: atMost(2) });
    } finally {
      await server.close();
      await kit.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function open(kit: RoomKit): Promise<{ server: RoomKitServer; key: string }> {
  const { key, hash } = await createApiKey('bench');
  const authenticate = apiKeys([{ id: 'bench', hash, scopes: ['read', 'write', 'operate'] }]);
  return { key, server: await serve(kit, { port: 0, authenticate, limits: UNLIMITED }) };
}

function side(crowd: Crowd, requests: number, request: string, end?: () => Promise<void>): Side {
  return {
    messages: requests,
    begin: () => ({
      async work() {
        check((await crowd.tell({ do: 'request', request, times: requests })) === requests, 'requests were refused');
      },
      ...(end !== undefined && { end }),
    }),
  };
}

function post(path: string, key: string, body: string): string {
  const head = [`POST ${path} HTTP/1.1`, 'host: 127.0.0.1', `authorization: Bearer ${key}`, 'content-type: application/json'];
  return `${head.join('\r\n')}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The ceiling: Node's server with nothing but the JSON of a request and of an answer of the same size. */
async function plainServer(): Promise<Server> {
  let index = 0;
  const server = createServer((incoming, outgoing) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => (text += chunk));
    incoming.on('end', () => {
      const { channelId, senderId, content } = JSON.parse(text) as { channelId: string; senderId: string; content: string };
      const event = {
        id: '0192f0c0-0000-7000-8000-000000000000',
        roomId: 'room-0',
        index: index++,
        type: 'message',
        status: 'delivered',
        source: { channelId, channelType: 'websocket', participantId: senderId },
        content: { type: 'text', body: content },
        visibility: 'all',
        chainDepth: 0,
        correlationId: '0192f0c0-0000-7000-8000-000000000000',
        createdAt: '2026-01-01T00:00:00.000Z',
        metadata: {},
      };
      const answer = JSON.stringify({ event, blocked: false, duplicate: false, deliveryResults: {}, turns: [] });
      outgoing.writeHead(201, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
      outgoing.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A room with so many messages: the first was said, the others are copies of it with an index of their own. */
async function fill(path: string, events: number): Promise<void> {
  const kit = new RoomKit({ store: await SqliteStore.open(path) });
  kit.registerChannel(new WebSocketChannel('ws-0'));
  await kit.createRoom({ roomId: 'room-0' });
  await kit.attachChannel('room-0', 'ws-0');
  await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
  await kit.close();
  const database = await openPlainDatabase(path);
  database.exec(`
    PRAGMA synchronous = OFF;
    WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${events - 1})
    INSERT INTO events (id, room_id, idx, channel_id, visibility, json)
      SELECT id || '-' || n, room_id, n, channel_id, visibility, json_set(json, '$.id', id || '-' || n, '$.index', n)
      FROM numbers, events WHERE room_id = 'room-0' AND idx = 1;
    INSERT OR IGNORE INTO places (room_id, idx, number) SELECT room_id, idx, number FROM events;
    UPDATE searched SET up_to = (SELECT MAX(number) FROM events);
    UPDATE counters SET event_count = ${events}, latest_index = ${events - 1} WHERE room_id = 'room-0';
  `);
  database.close();
}

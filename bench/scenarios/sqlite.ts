/** sqlite_inbound_seq: durable messages, WAL and synchronous=FULL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';
import { atLeast } from '../figures.js';
import { BODY, check, type Bench, type Scenario } from '../harness.js';
import { openPlainDatabase, type PlainDatabase } from '../plain-sqlite.js';
import { assertHeard } from '../rooms.js';

const ROOMS = 200;

export const sqliteInbound: Scenario = {
  name: 'sqlite_inbound_seq',
  async run(bench) {
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-bench-'));
    const plain = await openPlainDatabase(join(folder, 'plain.db'));
    const kit = new RoomKit({ store: await SqliteStore.open(join(folder, 'ours.db')) });
    try {
      kit.registerChannel(new WebSocketChannel('ws-0'));
      for (let n = 0; n < ROOMS; n++) {
        await kit.createRoom({ roomId: `room-${n}` });
        await kit.attachChannel(`room-${n}`, 'ws-0');
      }
      await oneAfterAnother(bench, kit, plain);
      await manyRooms(bench, kit, plain);
    } finally {
      plain.close();
      await kit.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** One room: a message is on the disk before the next one comes. */
async function oneAfterAnother(bench: Bench, kit: RoomKit, plain: PlainDatabase): Promise<void> {
  const messages = bench.size(5000);
  const insert = insertInto(plain);
  const rates = await bench.compare(
    {
      messages,
      async begin() {
        const before = await kit.store.countEvents('room-0');
        return {
          async work() {
            for (let n = 0; n < messages; n++) await send(kit, 'room-0', 'user-1');
          },
          end: async () => check((await kit.store.countEvents('room-0')) === before + messages, 'events are missing'),
        };
      },
    },
    {
      messages,
      begin: () => ({
        async work() {
          for (let n = 0; n < messages; n++) insert('room-0', n);
          await Promise.resolve();
        },
      }),
    },
  );
  bench.reportShare('msg/s', rates, 0.65);
}

/** Many rooms at once: what waits at the same moment shares a commit. The ceiling puts as many rows into each transaction. */
async function manyRooms(bench: Bench, kit: RoomKit, plain: PlainDatabase): Promise<void> {
  const each = bench.size(200, 2);
  const messages = each * ROOMS;
  const insert = insertInto(plain);
  const rates = await bench.compare(
    {
      messages,
      async begin() {
        const before = await kit.store.countEvents('room-7');
        return {
          async work() {
            await Promise.all(
              Array.from({ length: ROOMS }, async (_, task) => {
                for (let n = 0; n < each; n++) await send(kit, `room-${task}`, `user-${task}`);
              }),
            );
          },
          end: async () => check((await kit.store.countEvents('room-7')) === before + each, 'events are missing'),
        };
      },
    },
    {
      messages,
      begin: () => ({
        async work() {
          for (let n = 0; n < each; n++) {
            plain.exec('BEGIN IMMEDIATE');
            for (let room = 0; room < ROOMS; room++) insert(`room-${room}`, n);
            plain.exec('COMMIT');
          }
          await Promise.resolve();
        },
      }),
    },
  );
  bench.report('grouped_200_rooms', 'msg/s', rates.ours, { limit: rates.limit, goal: atLeast(50_000) });
}

async function send(kit: RoomKit, roomId: string, senderId: string): Promise<void> {
  assertHeard(await kit.processInbound({ channelId: 'ws-0', senderId, content: BODY }, { roomId }));
}

/** The least that is durable: one row with the event as JSON. */
function insertInto(plain: PlainDatabase): (roomId: string, index: number) => void {
  plain.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, room_id TEXT, idx INTEGER, json TEXT)',
  );
  const statement = plain.prepare('INSERT INTO events (room_id, idx, json) VALUES (?, ?, ?)');
  return (roomId, index) => void statement.run(roomId, index, JSON.stringify({ id: `event-${index}`, content: { type: 'text', body: BODY } }));
}

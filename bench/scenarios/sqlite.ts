/** sqlite_*: durable messages, WAL and synchronous=FULL. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';
import { openPlainDatabase } from '../plain-sqlite.js';
import { BODY, compare, median, rates, spread, type Scenario } from '../harness.js';

export const sqliteInbound: Scenario = {
  name: 'sqlite_inbound_seq',
  async run(report) {
    const folder = mkdtempSync(join(tmpdir(), 'roomkit-bench-'));
    try {
      const kit = new RoomKit({ store: await SqliteStore.open(join(folder, 'ours.db')) });
      const web = new WebSocketChannel('ws-0');
      kit.registerChannel(web);
      for (let n = 0; n < 200; n++) {
        await kit.createRoom({ roomId: `room-${n}` });
        await kit.attachChannel(`room-${n}`, 'ws-0');
      }
      const sequential = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId: 'room-0' });
      };
      const plain = await openPlainDatabase(join(folder, 'plain.db'));
      plain.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE events (number INTEGER PRIMARY KEY, room_id TEXT, idx INTEGER, json TEXT)',
      );
      const insert = plain.prepare('INSERT INTO events (room_id, idx, json) VALUES (?, ?, ?)');
      const ceiling = async (count: number): Promise<void> => {
        for (let n = 0; n < count; n++) insert.run('room-0', n, JSON.stringify({ id: `event-${n}`, content: { type: 'text', body: BODY } }));
        await Promise.resolve();
      };
      await sequential(2000);
      await ceiling(2000);
      const result = await compare({ count: 3000, run: sequential }, { count: 3000, run: ceiling });
      const limit = median(result.ceiling);
      report({
        scenario: this.name,
        metric: 'throughput',
        unit: 'msg/s',
        ...spread(result.ours),
        limit,
        goal: '≥ 65 % of limit',
        reached: median(result.ours) >= limit * 0.65,
      });
      const grouped = async (count: number): Promise<void> => {
        await Promise.all(
          Array.from({ length: 200 }, async (_, task) => {
            for (let n = 0; n < count / 200; n++)
              await kit.processInbound({ channelId: 'ws-0', senderId: `user-${task}`, content: BODY }, { roomId: `room-${task}` });
          }),
        );
      };
      await grouped(20_000);
      const many = await rates(40_000, grouped);
      report({
        scenario: this.name,
        metric: 'grouped_200_rooms',
        unit: 'msg/s',
        ...spread(many),
        limit: null,
        goal: '≥ 50,000',
        reached: median(many) >= 50_000,
      });
      plain.close();
      await kit.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** pg_rooms_1m_memory: what rooms cost a process that are stored and not active, and those that are. */
import pg from 'pg';
import { atMost } from '../figures.js';
import { BODY, check, residentBytes } from '../harness.js';
import { addRoom, assertHeard } from '../rooms.js';
import { openSharedKit } from '../shared-kit.js';
import { onPostgres } from './postgres.js';

export const pgRooms1mMemory = onPostgres('pg_rooms_1m_memory', async (bench, place) => {
  const stored = bench.size(1_000_000, 300);
  const active = bench.size(10_000, 30);
  const kit = await openSharedKit(place);
  try {
    await addRoom(kit, 'room-0', ['ws-0', 'texts']);
    const idle = await residentBytes();
    await storeRooms(place, stored);
    check((await kit.store.findRooms({ limit: 1, offset: stored - 1 })).length === 1, 'rooms are missing');
    const tasks = 20;
    await Promise.all(
      Array.from({ length: tasks }, async (_, task) => {
        for (let n = task; n < active; n += tasks) {
          const roomId = `room-${Math.floor((n * stored) / active)}`;
          const result = await kit.processInbound({ channelId: 'ws-0', senderId: 'user-1', content: BODY }, { roomId });
          assertHeard(result);
          check(result.deliveryResults['texts']?.status === 'sent', 'a delivery is missing');
        }
      }),
    );
    const used = await residentBytes();
    bench.report('process', 'MB RSS', [used / 1e6], { goal: atMost(400) });
    bench.report('per_active_room', 'bytes', [(used - idle) / active]);
  } finally {
    await kit.close();
  }
});

/** As many as wanted, each like the first one, by the server alone: with what belongs to a room that nobody has spoken in. */
async function storeRooms({ url, schema }: { url: string; schema: string }, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, statement_timeout: 0 });
  await client.connect();
  try {
    const renamed = `replace(json::text, '"room-0"', '"room-' || n || '"')::json`;
    await client.query(`SET search_path = "${schema}"`);
    await client.query(
      `INSERT INTO rooms (id, json, event_count, latest_index, version, updated_at, stamp, members)
         SELECT 'room-' || n, ${renamed}, 0, -1, 0, updated_at, nextval('stamps'), nextval('stamps') FROM rooms, generate_series(1, $1::int - 1) AS n WHERE id = 'room-0'`,
      [count],
    );
    await client.query(
      `INSERT INTO bindings (room_id, channel_id, position, room_open, json)
         SELECT 'room-' || n, channel_id, position, room_open, ${renamed} FROM bindings, generate_series(1, $1::int - 1) AS n WHERE room_id = 'room-0'`,
      [count],
    );
    await client.query('ANALYZE rooms, bindings');
  } finally {
    await client.end();
  }
}

/** A kit over PostgreSQL as one of several processes has it, and the least that keeps the same messages. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { RoomKit, TransportChannel, WebSocketChannel, type TransportProvider } from 'roomkit';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from 'roomkit/postgres';
import { BODY } from './harness.js';
import { assertHeard } from './rooms.js';

export interface Place {
  readonly url: string;
  readonly schema: string;
}

export interface SharedKitOptions {
  /** With locks and a realtime backend, for several processes. Without, one process is all there is. */
  readonly leaseSeconds?: number;
  /** What the vendor of the channel `texts` does. */
  readonly send?: TransportProvider['send'];
}

/** With the channels `ws-0` and `texts`. */
export async function openSharedKit(place: Place, { leaseSeconds, send }: SharedKitOptions = {}): Promise<RoomKit> {
  const store = await PostgresStore.open({ ...place });
  const others =
    leaseSeconds === undefined
      ? {}
      : {
          leaseSeconds,
          lockManager: await PostgresLockManager.open({ ...place, leaseSeconds }),
          realtime: await PostgresRealtime.open({ ...place }),
        };
  const kit = new RoomKit({ store, ...others });
  kit.registerChannel(new WebSocketChannel('ws-0'));
  const provider: TransportProvider = { name: 'gateway', supportsIdempotencyKey: true, send: send ?? (() => ({ success: true })) };
  kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider }));
  return kit;
}

export function newSchema(): string {
  return `bench_${randomUUID().replaceAll('-', '')}`;
}

/** One task for each room; each message waits for the one before it in its task. */
export async function sayInRooms(kit: RoomKit, rooms: number, each: number): Promise<void> {
  await Promise.all(
    Array.from({ length: rooms }, async (_, task) => {
      for (let n = 0; n < each; n++) {
        const said = { channelId: 'ws-0', senderId: `user-${task}`, content: BODY, idempotencyKey: randomUUID() };
        assertHeard(await kit.processInbound(said, { roomId: `room-${(task + n) % rooms}` }));
      }
    }),
  );
}

/** The least that is durable: one row with the event as JSON, in a transaction of its own. */
export class PlainPostgres {
  readonly #pool: pg.Pool;
  readonly #text: string;

  private constructor(url: string, schema: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 10 });
    this.#pool.on('error', () => undefined); // the server may end before the last connection is gone
    this.#text = `INSERT INTO "${schema}".plain (room_id, idx, json) VALUES ($1, $2, $3)`;
  }

  static async open({ url, schema }: Place): Promise<PlainPostgres> {
    const plain = new PlainPostgres(url, schema);
    await plain.#pool.query(
      `CREATE SCHEMA IF NOT EXISTS "${schema}"; CREATE TABLE IF NOT EXISTS "${schema}".plain (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, room_id text, idx int, json json)`,
    );
    return plain;
  }

  async insert(roomId: string, index: number): Promise<void> {
    const json = JSON.stringify({ id: `event-${index}`, content: { type: 'text', body: BODY } });
    await this.#pool.query({ name: 'plain', text: this.#text, values: [roomId, index, json] });
  }

  async insertInRooms(rooms: number, each: number): Promise<void> {
    await Promise.all(
      Array.from({ length: rooms }, async (_, task) => {
        for (let n = 0; n < each; n++) await this.insert(`room-${(task + n) % rooms}`, n);
      }),
    );
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** redis_lock_cycle, realtime_fanout_2_processes: what lies between processes. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { PostgresRealtime } from 'roomkit/postgres';
import { RedisLockManager, RedisRealtime } from 'roomkit/redis';
import { Fellow } from '../fellows.js';
import { shareOf } from '../figures.js';
import { BODY, type Bench, type Scenario } from '../harness.js';
import { postgresServer, redisServer, type Server } from '../servers.js';
import { newSchema } from '../shared-kit.js';
import { takingTurns } from './postgres.js';

/** A free room is taken and given back, one after the other; the limit is one SET NX PX and one DEL of the bare client. */
export const redisLockCycle: Scenario = {
  name: 'redis_lock_cycle',
  async run(bench) {
    const server = await redisServer();
    if (typeof server === 'string') {
      bench.skip(server);
      return;
    }
    const locks = new RedisLockManager({ url: server.url });
    const bare = new Redis(server.url);
    try {
      const cycles = bench.size(2_000);
      const rates = await bench.compare(
        {
          messages: cycles,
          begin: () => ({
            async work() {
              for (let n = 0; n < cycles; n++) await (await locks.acquire(`room-${n % 100}`)).release();
            },
          }),
        },
        {
          messages: cycles,
          begin: () => ({
            async work() {
              for (let n = 0; n < cycles; n++) {
                await bare.set(`plain-${n % 100}`, String(n), 'PX', 30_000, 'NX');
                await bare.del(`plain-${n % 100}`);
              }
            },
          }),
        },
      );
      bench.report('throughput', 'cycles/s', rates.ours, { limit: rates.limit, goal: shareOf(0.5) });
    } finally {
      await locks.close();
      await bare.quit();
      await server.stop();
    }
  },
};

/** What one process says on a channel is heard by another one; the limit is the engine's own client with the same texts. The wall's time. */
export const realtimeFanout: Scenario = {
  name: 'realtime_fanout_2_processes',
  async run(bench) {
    const servers = { postgres: await postgresServer(), redis: await redisServer() };
    try {
      for (const engine of ['postgres', 'redis'] as const) {
        const server = servers[engine];
        if (typeof server === 'string') bench.skip(`${engine}: ${server}`);
        else await fanout(bench, engine, server);
      }
    } finally {
      for (const server of Object.values(servers)) if (typeof server !== 'string') await server.stop();
    }
  },
};

const AT_ONCE = 100;

async function fanout(bench: Bench, engine: 'postgres' | 'redis', { url }: Server): Promise<void> {
  const place = { url, schema: newSchema() };
  const ours = engine === 'redis' ? new RedisRealtime({ url }) : await PostgresRealtime.open({ ...place });
  const bare = await openBare(engine, url);
  const [listener, plainListener] = [new Fellow(), new Fellow()];
  const channel = `room-${randomUUID()}`;
  const messages = bench.size(2_000);
  const message = { type: 'typing', roomId: 'room-0', channelId: 'ws-0', text: BODY };
  const round = async (fellow: Fellow, publish: () => Promise<unknown>): Promise<void> => {
    // A listener that lags behind by more loses the oldest, as it may (EPH-01).
    for (let sent = 0; sent < messages; sent += AT_ONCE) {
      const count = Math.min(AT_ONCE, messages - sent);
      const heard = fellow.next('heard');
      await fellow.tell({ do: 'await', messages: count });
      await Promise.all(Array.from({ length: count }, publish));
      await heard;
    }
  };
  try {
    await listener.tell({ do: 'listen', engine, bare: false, place, channel });
    await plainListener.tell({ do: 'listen', engine, bare: true, place, channel });
    const rates = await takingTurns(
      bench,
      messages,
      () => round(listener, () => Promise.resolve(ours.publish(channel, message))),
      () => round(plainListener, () => bare.publish(channel, JSON.stringify(message))),
    );
    bench.report(engine, 'messages/s', rates.ours, { limit: rates.limit, goal: shareOf(0.5) });
  } finally {
    await listener.end();
    await plainListener.end();
    await ours.close();
    await bare.close();
  }
}

interface Bare {
  publish(channel: string, text: string): Promise<unknown>;
  close(): Promise<unknown>;
}

async function openBare(engine: 'postgres' | 'redis', url: string): Promise<Bare> {
  if (engine === 'redis') {
    const redis = new Redis(url);
    return { publish: (channel, text) => redis.publish(channel, text), close: () => redis.quit() };
  }
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  await pool.query('SELECT 1');
  return { publish: (channel, text) => pool.query('SELECT pg_notify($1, $2)', [channel, text]), close: () => pool.end() };
}

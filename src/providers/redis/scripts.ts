/** What is done in one step on the server. All keys of a room are in one slot of a cluster, by `{roomId}`. */
import { createHash } from 'node:crypto';
import type { RedisClient } from './options.js';

interface Script {
  readonly text: string;
  readonly sha1: string;
}

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/**
 * Takes a room (LOCK-01), also from oneself: whoever asks again has lost the answer, or the lease. The token grows beyond the
 * last one, and beyond the time of the server in microseconds, which it knows also when it has forgotten the last one.
 * Keys: lease, last token, whether somebody waits. Arguments: who asks, milliseconds of the lease, and how long the token is kept.
 */
export const TAKE = script(`
local held = redis.call('GET', KEYS[1])
if held and string.match(held, ' (.*)$') ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[1])
  redis.call('SET', KEYS[3], '1', 'PX', math.max(left, 1))
  return {'', left}
end
local now = redis.call('TIME')
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, tonumber(now[1]) * 1000000 + tonumber(now[2]))
local text = string.format('%.0f', token)
redis.call('SET', KEYS[2], text, 'PX', ARGV[3])
if held then
  redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2])
else
  redis.call('SET', KEYS[1], text .. ' ' .. ARGV[1], 'PX', ARGV[2], 'NX')
end
return {text, 0}
`);

/** Keys: lease. Arguments: token and holder, milliseconds. */
export const RENEW = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** Keys: lease, whether somebody waits. Arguments: token and holder, the channel that says so, the room. */
export const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('DEL', KEYS[2]) == 1 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
`);

/** By its name, and in full to a server that does not know it yet. */
export async function runScript(client: RedisClient, { text, sha1 }: Script, keys: readonly string[], given: readonly string[]): Promise<unknown> {
  try {
    return await client.evalsha(sha1, keys.length, ...keys, ...given);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.eval(text, keys.length, ...keys, ...given);
  }
}

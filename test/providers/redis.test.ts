/** Locks and ephemeral events over a real Redis, while processes and the server fail. */
import { fork, type ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HookResult, silentLogger, type Logger, type RealtimeMessage } from '../../src/core/index.js';
import { RedisLockManager, RedisRealtime, type RedisLockOptions, type RedisOptions } from '../../src/providers/redis/index.js';
import { SimulatedDatabase } from '../../src/testing/simulator/store.js';
import { gapless, makeKit, openRoom, TestTransport, textOf } from '../support/harness.js';
import { silentLine } from '../support/silent-line.js';
import { redisServer, skipWithoutRedis, whyRedisIsLeftOut, type RedisServer } from '../support/redis.js';
import { verifies } from '../requirements.js';
import { soon } from '../sources/soon.js';

let server: RedisServer;
const closing: (() => unknown)[] = [];

function logging(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = [];
  return { ...silentLogger, warnings, warn: (message, fields) => void warnings.push(`${message} ${String(fields?.['error'] ?? '')}`) };
}

function locks(options: RedisLockOptions = {}): RedisLockManager {
  const manager = new RedisLockManager({ url: server.url, logger: silentLogger, leaseSeconds: 1, ...options });
  closing.push(() => manager.close());
  return manager;
}

function realtime(options: RedisOptions = {}): RedisRealtime {
  const backend = new RedisRealtime({ url: server.url, logger: silentLogger, ...options });
  closing.push(() => backend.close());
  return backend;
}

/** What the documentation says that a user needs. */
const RIGHTS = ['+@scripting', '+@pubsub', '+@connection', '+get', '+set', '+del', '+pexpire', '+pttl', '+time', '+info'];

/** Another process that holds a room. */
async function holder(roomId: string): Promise<{ readonly child: ChildProcess; readonly said: unknown[] }> {
  const file = new URL('../support/redis-holder.ts', import.meta.url);
  const child = fork(file, [server.url, roomId, '1'], { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  closing.push(() => child.kill('SIGKILL'));
  const said: unknown[] = [];
  child.on('message', (message) => void said.push(message));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`The process ended with ${String(code)}.`)));
  });
  return { child, said };
}

async function heardBy(backend: RedisRealtime, channel: string): Promise<RealtimeMessage[]> {
  const heard: RealtimeMessage[] = [];
  await backend.subscribe(channel, (message) => void heard.push(message));
  return heard;
}

describe.skipIf(skipWithoutRedis)(`locks and ephemeral events on Redis${whyRedisIsLeftOut}`, () => {
  beforeEach(async () => {
    server = await redisServer();
  });
  afterEach(async () => {
    server.resume();
    for (const close of closing.splice(0).reverse()) await close();
    await server.stop();
  });

  it('frees the room of a process that was killed', async () => {
    verifies('LOCK-04');
    const { child, said } = await holder('room');
    child.kill('SIGKILL');
    const lease = await locks().acquire('room');
    expect(lease.token).toBeGreaterThan(Number(said[0]));
    await lease.release();
  });

  it('gives the room of a process that was paused to another, and tells it when it goes on', async () => {
    verifies('LOCK-01', 'LOCK-04');
    const { child, said } = await holder('room');
    child.kill('SIGSTOP');
    const lease = await locks().acquire('room');
    expect(lease.token).toBeGreaterThan(Number(said[0]));
    child.kill('SIGCONT');
    await soon(() => said.includes('lost'));
    expect(lease.signal?.aborted).toBe(false);
    await lease.release();
  });

  it('wakes who waits in another process, without being asked again', async () => {
    const [one, two] = [locks({ leaseSeconds: 600 }), locks({ leaseSeconds: 600 })];
    for (let round = 0; round < 20; round++) {
      const held = await one.acquire('room');
      const waiting = two.acquire('room');
      await soon(async () => (await server.command('EXISTS', 'roomkit:{room}:waiting')) === '1');
      await held.release();
      await (await waiting).release();
    }
    expect(await server.command('EXISTS', 'roomkit:{room}:lease')).toBe('0');
  });

  it('gives growing tokens through a server that was started again, and tells the holder', async () => {
    verifies('LOCK-01');
    const [one, two] = [locks(), locks()];
    const held = await one.acquire('room');
    await server.kill();
    const waiting = two.acquire('room');
    await server.start();
    const lease = await waiting;
    expect(lease.token).toBeGreaterThan(held.token ?? Infinity);
    await soon(() => held.signal?.aborted === true);
    await lease.release();
    await held.release();
  });

  it('does not lose a lease with a connection that was cut', async () => {
    const manager = locks();
    const held = await manager.acquire('room');
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    const waiting = locks().acquire('room');
    await soon(async () => (await server.command('EXISTS', 'roomkit:{room}:waiting')) === '1');
    expect(held.signal?.aborted).toBe(false);
    await held.release();
    await (await waiting).release();
  });

  it('takes a room from itself after the answer was lost', async () => {
    const logger = logging();
    const manager = locks({ leaseSeconds: 600, timeoutSeconds: 0.1, logger });
    await (await manager.acquire('room')).release();
    server.pause();
    const waiting = manager.acquire('room');
    await soon(() => logger.warnings.some((line) => line.includes('did not answer within 0.1 seconds')));
    server.resume();
    const lease = await waiting;
    await lease.release();
    await soon(async () => (await server.command('EXISTS', 'roomkit:{room}:lease')) === '0');
  });

  it('lets waiters go while the server is away', async () => {
    verifies('LOCK-01');
    const logger = logging();
    const manager = locks({ logger });
    await server.kill();
    const controller = new AbortController();
    const waiting = manager.acquire('room', { signal: controller.signal });
    await soon(() => logger.warnings.length > 1);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
    expect(logger.warnings[0]).toContain(`Redis '127.0.0.1:${server.port}' cannot be reached (ECONNREFUSED). Check its url`);
  });

  it('hears again after the server was started again, and this process all the time', async () => {
    verifies('EPH-01', 'EPH-04');
    const logger = logging();
    const [one, two] = [realtime({ logger }), realtime()];
    const [here, there] = [await heardBy(one, 'room:r'), await heardBy(two, 'room:r')];
    one.publish('room:r', { n: 'before' });
    await soon(() => there.length === 1);
    await server.kill();
    one.publish('room:r', { n: 'away' });
    await soon(() => here.length === 2 && logger.warnings.length > 0); // given up: a server that is back before that would still get it
    const late = await heardBy(two, 'room:late');
    await server.start();
    await soon(() => {
      one.publish('room:r', { n: 'after' });
      one.publish('room:late', { n: 'after' });
      return there.some((message) => 'n' in message && message.n === 'after') && late.length > 0;
    });
    expect(there.some((message) => 'n' in message && message.n === 'away')).toBe(false);
  });

  it('hears again after its connections were cut', async () => {
    verifies('EPH-04');
    const [one, two] = [realtime(), realtime()];
    const there = await heardBy(two, 'room:r');
    for (const type of ['pubsub', 'normal']) {
      there.length = 0;
      await server.command('CLIENT', 'KILL', 'TYPE', type);
      await soon(() => {
        one.publish('room:r', { type });
        return there.length > 0;
      });
    }
  });

  it('hears again after its connection has died without a word', async () => {
    verifies('EPH-04');
    const line = await silentLine(server.port);
    closing.push(() => line.stop());
    const there = await heardBy(realtime({ url: `redis://127.0.0.1:${line.port}`, timeoutSeconds: 0.1 }), 'room:r');
    line.fallSilent();
    const one = realtime();
    await soon(() => {
      one.publish('room:r', { n: 1 });
      return there.length > 0;
    });
  });

  it('waits for no slow server, and keeps only so much for it', async () => {
    verifies('EPH-01', 'EPH-04');
    const logger = logging();
    const one = realtime({ logger });
    const here = await heardBy(one, 'room:r');
    await one.subscribe('room:s', () => undefined);
    one.publish('room:s', { n: 0 });
    server.pause();
    for (let n = 0; n < 3000; n++) one.publish('room:s', { n });
    one.publish('room:r', { heard: true });
    await soon(() => here.length === 1);
    expect(logger.warnings).toEqual([
      'What happens at the moment is not told to other processes. RoomKitError: More than 1000 messages wait to be sent.',
    ]);
  });

  it('leaves out what is not of RoomKit', async () => {
    const logger = logging();
    const there = await heardBy(realtime({ logger, prefix: 'mine:' }), 'room:r');
    for (const text of ['no JSON', 'null', '{"from":"x"}']) await server.command('PUBLISH', 'mine:realtime:room:r', text);
    await server.command('PUBLISH', 'mine:realtime:room:r', '{"from":"x","message":{"n":1}}');
    await soon(() => there.length === 1);
    expect(there).toEqual([{ n: 1 }]);
    expect(logger.warnings).toHaveLength(3);
  });

  it('works over clients of one’s own, and does not close them', async () => {
    const { Redis } = await import('ioredis');
    const client = new Redis(server.url);
    closing.push(() => client.disconnect());
    const manager = locks({ url: undefined, client });
    const backend = realtime({ url: undefined, client });
    const heard = await heardBy(backend, 'room:r');
    realtime().publish('room:r', { n: 1 });
    await soon(() => heard.length === 1);
    const held = await manager.acquire('room');
    const waiting = locks().acquire('room');
    await held.release();
    await (await waiting).release();
    await manager.close();
    await backend.close();
    expect(await client.ping()).toBe('PONG');
  });

  it('keeps all of a room in one slot of a cluster', async () => {
    const { Cluster } = await import('ioredis');
    const cluster = await redisServer({ cluster: true });
    closing.push(() => cluster.stop());
    const client = new Cluster([{ host: '127.0.0.1', port: cluster.port }]);
    closing.push(() => client.disconnect());
    const open = (): RedisLockManager => {
      const manager = new RedisLockManager({ client, logger: silentLogger });
      closing.push(() => manager.close());
      return manager;
    };
    const [one, two] = [open(), open()];
    for (const roomId of ['room', 'another', 'r3', 'r4', 'r5']) {
      const held = await one.acquire(roomId);
      const waiting = two.acquire(roomId);
      await soon(async () => (await cluster.command('EXISTS', `roomkit:{${roomId}}:waiting`)) === '1');
      await held.release();
      await (await waiting).release();
    }
    const backend = new RedisRealtime({ client, logger: silentLogger });
    closing.push(() => backend.close());
    const heard = await heardBy(backend, 'room:r');
    const other = new RedisRealtime({ client, logger: silentLogger });
    closing.push(() => other.close());
    other.publish('room:r', { n: 1 });
    await soon(() => heard.length === 1);
  });

  it('leaves no connection and no timer', async () => {
    verifies('KIT-04');
    const sockets = (): number => process.getActiveResourcesInfo().filter((what) => what === 'TCPSocketWrap').length;
    const before = sockets();
    const [manager, backend] = [locks(), realtime()];
    await (await manager.acquire('room')).release();
    await heardBy(backend, 'room:r');
    expect(sockets()).toBeGreaterThan(before);
    await Promise.all([manager.close(), backend.close()]);
    await soon(() => sockets() <= before);
    await expect(manager.acquire('room')).rejects.toThrow('closed');
    backend.publish('room:r', { n: 1 });
  });

  it('says what is wrong with its password, and not which it was', async () => {
    const guarded = await redisServer({ password: 'open-sesame' });
    closing.push(() => guarded.stop());
    await (await locks({ url: guarded.url }).acquire('room')).release();
    const wrong = { url: guarded.url.replace('open-sesame', 'wrong-guess'), logger: logging() };
    for (const url of [wrong.url, `redis://127.0.0.1:${guarded.port}`]) {
      const [manager, backend] = [locks({ ...wrong, url }), realtime({ ...wrong, url })];
      const message = `Redis '127.0.0.1:${guarded.port}' has not let us in. Check user and password of its url.`;
      await expect(manager.acquire('room')).rejects.toMatchObject({ code: 'auth_error', message });
      await expect(backend.subscribe('room:r', () => undefined)).rejects.toMatchObject({ code: 'auth_error', message });
      await expect(manager.acquire('room')).rejects.toMatchObject({ code: 'auth_error' });
    }
    expect(wrong.logger.warnings.join()).not.toContain('wrong-guess');
    await server.command('ACL', 'SETUSER', 'bob', 'on', '>wrong-guess', '~other:*', '&other:*', ...RIGHTS);
    const others = { url: `redis://bob:wrong-guess@127.0.0.1:${server.port}` };
    await expect(locks(others).acquire('room')).rejects.toThrow("needs the prefix's keys and channels, scripts and pub/sub");
    await expect(realtime(others).subscribe('room:r', () => undefined)).rejects.toThrow("needs the prefix's keys and channels");
    await (await locks({ ...others, prefix: 'other:' }).acquire('room')).release();
    await expect(locks({ url: `${server.url}/99` }).acquire('room')).rejects.toThrow('has no database of that number');
  });

  it.each<readonly [string, unknown, string]>([
    ['no options', 'redis://127.0.0.1', 'takes options'],
    ['another option', { uri: 'redis://127.0.0.1' }, "Did you mean 'url'?"],
    ['another protocol', { url: 'http://:hidden@127.0.0.1' }, 'is no address of Redis'],
    ['no address', { url: 'hidden' }, 'is no address of Redis'],
    ['a database that is no number', { url: 'redis://:hidden@127.0.0.1/rooms' }, 'names a database that is no number'],
    ['two places', { url: 'redis://127.0.0.1', client: {} }, 'Give one of them'],
    ['a client of something else', { client: {} }, 'is none of ioredis'],
    ['a client with a prefix', { client: { options: { keyPrefix: 'x:' }, evalsha: () => 0, duplicate: () => 0 } }, 'has a keyPrefix'],
    ['a prefix with braces', { prefix: '{x}' }, 'The prefix of'],
    ['no time at all', { timeoutSeconds: 0 }, 'Give seconds, above 0'],
  ])('refuses %s', (_what, options, message) => {
    for (const Part of [RedisLockManager, RedisRealtime]) {
      expect(() => new Part(options as RedisOptions)).toThrow(message);
      expect(() => new Part(options as RedisOptions)).not.toThrow('hidden');
    }
    expect(() => new RedisLockManager({ leaseSeconds: NaN })).toThrow('The leaseSeconds of RedisLockManager is NaN');
  });
});

describe.skipIf(skipWithoutRedis)(`two kits whose locks are on Redis${whyRedisIsLeftOut}`, () => {
  beforeEach(async () => {
    server = await redisServer();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await server.stop();
  });

  /** Two kits of one store; a message 'slow' stays in a hook of the first until it is let go on. */
  async function twoKits(first: RedisLockManager) {
    const store = new SimulatedDatabase();
    const [one, two] = [makeKit({ store, lockManager: first }), makeKit({ store, lockManager: locks() })];
    const roomId = await openRoom(one.kit, [new TestTransport('a')]);
    two.kit.registerChannel(new TestTransport('a'));
    let letGo = (): void => undefined;
    let isInside = false;
    one.kit.hook('before_broadcast', async (event) => {
      if (textOf(event) === 'slow' && !isInside) {
        isInside = true;
        await new Promise<void>((resolve) => (letGo = resolve));
      }
      return HookResult.allow();
    });
    const say = (kit: typeof one.kit, content: string) =>
      kit.processInbound({ channelId: 'a', senderId: 'u', content, idempotencyKey: content }, { roomId, wait: 'commit' });
    const texts = async () => (await two.kit.getTimeline(roomId)).filter(({ type }) => type === 'message').map(textOf);
    return { one: one.kit, two: two.kit, roomId, say, texts, letGo: () => letGo(), isInside: () => isInside };
  }

  it('F06 lease_expires_during_turn: the other goes on, and what the first writes is refused', async () => {
    verifies('LOCK-03', 'LOCK-04', 'F06');
    const { clock } = makeKit(); // does not go on by itself, as in a process that stands still
    const { one, two, roomId, say, texts, letGo, isInside } = await twoKits(locks({ clock }));
    const slow = say(one, 'slow').catch((error: unknown) => error);
    await soon(isInside);
    await say(two, 'quick');
    letGo();
    expect(await slow).toMatchObject({ code: 'fenced' });
    expect(await texts()).toEqual(['quick']);
    await gapless(two, roomId);
    await say(two, 'slow'); // its provider sends it again
    expect(await texts()).toEqual(['quick', 'slow']);
  });

  it('F07 holder_killed: the other commits within the lease, and nothing is lost', async () => {
    verifies('LOCK-04', 'F07');
    const first = locks();
    const { one, two, roomId, say, texts, isInside } = await twoKits(first);
    void say(one, 'slow').catch(() => undefined);
    await soon(isInside);
    await first.close(); // renews nothing any more
    await say(two, 'quick');
    await say(two, 'slow');
    expect(await texts()).toEqual(['quick', 'slow']);
    await gapless(two, roomId);
  });
});

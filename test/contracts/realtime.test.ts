/** The contract of ephemeral events, on every backend there is, and on some that break it. */
import { describe, expect, it } from 'vitest';
import {
  InMemoryRealtime,
  UuidGenerator,
  type Logger,
  type RealtimeBackend,
  type RealtimeCallback,
  type RealtimeMessage,
} from '../../src/core/index.js';
import { realtimeContract, type OpenRealtime, type RealtimeSetup } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures } from './broken.js';

/** A backend in memory whose errors are counted. */
function inMemory(): RealtimeSetup & { readonly realtime: InMemoryRealtime } {
  let errors = 0;
  const nothing = (): void => undefined;
  const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: () => void errors++ };
  return { realtime: new InMemoryRealtime({ ids: new UuidGenerator(), logger }), errorsLogged: () => errors };
}

/** What a server for messages does: what one process publishes, all hear. */
function distributed(): RealtimeSetup {
  const members: InMemoryRealtime[] = [];
  const join = (): RealtimeBackend => {
    const { realtime: own } = inMemory();
    members.push(own);
    return over(own, {
      distributed: true,
      publish: (channel, message) => publishToAll(members, own, channel, message),
      close: async () => leave(members, own),
    });
  };
  return { realtime: join(), another: join };
}

function publishToAll(members: readonly InMemoryRealtime[], own: InMemoryRealtime, channel: string, message: RealtimeMessage): void {
  if (members.includes(own)) for (const member of members) member.publish(channel, message);
}

async function leave(members: InMemoryRealtime[], own: InMemoryRealtime): Promise<void> {
  if (members.includes(own)) members.splice(members.indexOf(own), 1);
  await own.close();
}

function over(realtime: RealtimeBackend, own: Partial<RealtimeBackend>): RealtimeBackend {
  return {
    distributed: realtime.distributed,
    publish: (channel, message) => realtime.publish(channel, message),
    subscribe: (channel, callback) => realtime.subscribe(channel, callback),
    unsubscribe: (id) => realtime.unsubscribe(id),
    close: () => realtime.close(),
    ...own,
  };
}

describe.each<readonly [string, OpenRealtime]>([
  ['InMemoryRealtime', inMemory],
  ['a backend of several processes', distributed],
])('the contract of ephemeral events on %s', (_name, open) => {
  it.each(realtimeContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies('EPH-01', ...one.rules);
    await one.run(open);
  });
});

/** A backend in memory with something else in the place of its own. */
function broken(breakIt: (realtime: InMemoryRealtime) => Partial<RealtimeBackend>): OpenRealtime {
  return () => {
    const setup = inMemory();
    return { ...setup, realtime: over(setup.realtime, breakIt(setup.realtime)) };
  };
}

/** A backend whose subscribers are told in this way. */
function telling(tell: (callback: RealtimeCallback) => RealtimeCallback): OpenRealtime {
  return broken((realtime) => ({ subscribe: (channel, callback) => realtime.subscribe(channel, tell(callback)) }));
}

describe('the contract of ephemeral events', () => {
  it.each<readonly [string, string, OpenRealtime]>([
    ['loses every tenth message', 'tells every subscriber', () => losesSome(10)],
    ['tells everybody everything', 'tells every subscriber', everythingToEverybody],
    ['tells things twice', 'tells every subscriber', telling((callback) => async (message) => (await callback(message), callback(message)))],
    ['tells the newest first', 'tells every subscriber', newestFirst],
    ['forgets what a message holds', 'tells every subscriber', telling((callback) => (message) => callback({ id: message['id' as never] }))],
    ['never ends a subscription', 'ends a subscription', broken(() => ({ unsubscribe: () => true }))],
    [
      'says that it ended what it never knew',
      'ends a subscription',
      broken((realtime) => ({ unsubscribe: (id) => realtime.unsubscribe(id) || true })),
    ],
    ['ends all subscriptions with one', 'ends a subscription', broken((realtime) => ({ unsubscribe: async () => (await realtime.close(), true) }))],
    [
      'tells several things at once',
      'tells a subscriber one thing after another',
      telling((callback) => (message) => void Promise.resolve(callback(message))),
    ],
    ['waits for slow subscribers', 'delays nobody', waitsForAll],
    ['keeps all for a slow subscriber', 'delays nobody', keepsAll],
    ['drops the newest', 'delays nobody', dropsNewest],
    ['ends a subscription that failed', 'goes on after a subscriber failed', endsWhatFailed],
    ['says nothing of failures', 'goes on after a subscriber failed', telling((callback) => async (message) => quietly(callback, message))],
    ['tells the late ones too', 'tells a subscription made meanwhile', tellsTheLate],
    ['goes on after it was closed', 'is silent after it was closed', broken(() => ({ close: () => undefined }))],
    ['is not distributed', 'tells other processes', () => ({ ...distributed(), another: () => distributed().realtime })],
  ])('finds a backend that %s', async (_what, finder, open) => {
    verifies('EPH-01');
    const found = realtimeContract.filter(({ name }) => name.startsWith(finder));
    expect(found).toHaveLength(1);
    expect(await failures(found, open)).toEqual([found[0]?.name]);
  });
});

function losesSome(every: number): RealtimeSetup {
  let count = 0;
  const setup = inMemory();
  const publish: RealtimeBackend['publish'] = (channel, message) => (++count % every === 0 ? undefined : setup.realtime.publish(channel, message));
  return { ...setup, realtime: over(setup.realtime, { publish }) };
}

function everythingToEverybody(): RealtimeSetup {
  const { realtime } = inMemory();
  return {
    realtime: over(realtime, {
      publish: (_channel, message) => realtime.publish('all', message),
      subscribe: (_channel, callback) => realtime.subscribe('all', callback),
    }),
  };
}

function newestFirst(): RealtimeSetup {
  const { realtime } = inMemory();
  const waiting: (() => void)[] = [];
  const publish: RealtimeBackend['publish'] = (channel, message) => {
    waiting.push(() => void realtime.publish(channel, message));
    setImmediate(() => waiting.pop()?.());
  };
  return { realtime: over(realtime, { publish }) };
}

/** Without queues: told at once, one subscriber after another. */
function direct(tell: (callbacks: Set<RealtimeCallback>, message: RealtimeMessage) => void | Promise<void>): RealtimeSetup {
  const channels = new Map<string, Set<RealtimeCallback>>();
  return {
    realtime: over(inMemory().realtime, {
      publish: (channel, message) => tell(channels.get(channel) ?? new Set(), message),
      subscribe: (channel, callback) => {
        channels.set(channel, (channels.get(channel) ?? new Set()).add(callback));
        return String(channels.get(channel)?.size);
      },
    }),
  };
}

function waitsForAll(): RealtimeSetup {
  return direct((callbacks, message) => {
    for (const callback of callbacks) last = last.then(() => callback(message));
  });
}
let last: Promise<void> = Promise.resolve();

function keepsAll(): RealtimeSetup {
  const chains = new Map<RealtimeCallback, Promise<void>>();
  return direct((callbacks, message) => {
    for (const callback of callbacks)
      chains.set(
        callback,
        (chains.get(callback) ?? Promise.resolve()).then(() => callback(message)),
      );
  });
}

function dropsNewest(): RealtimeSetup {
  const chains = new Map<RealtimeCallback, { waiting: number; last: Promise<void> }>();
  return direct((callbacks, message) => {
    for (const callback of callbacks) {
      const chain = chains.get(callback) ?? { waiting: 0, last: Promise.resolve() };
      chains.set(callback, chain);
      if (chain.waiting > 100) continue;
      chain.waiting++;
      chain.last = chain.last.then(() => callback(message)).then(() => void chain.waiting--);
    }
  });
}

function endsWhatFailed(): RealtimeSetup {
  const failed = new Set<RealtimeCallback>();
  const { realtime, errorsLogged } = inMemory();
  const subscribe: RealtimeBackend['subscribe'] = (channel, callback) =>
    realtime.subscribe(channel, async (message) => {
      if (failed.has(callback)) return;
      failed.add(callback);
      await callback(message);
      failed.delete(callback);
    });
  return { realtime: over(realtime, { subscribe }), ...(errorsLogged !== undefined && { errorsLogged }) };
}

async function quietly(callback: RealtimeCallback, message: RealtimeMessage): Promise<void> {
  try {
    await callback(message);
  } catch {
    // Nobody gets to know.
  }
}

function tellsTheLate(): RealtimeSetup {
  return direct((callbacks, message) => {
    for (const callback of callbacks) void Promise.resolve(callback(message));
  });
}

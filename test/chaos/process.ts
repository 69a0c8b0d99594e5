/**
 * One of the processes that are killed, stopped and cut off: a kit over PostgreSQL and Redis behind a server, built as any user
 * would build it. It runs on the built package and knows nothing of who does what to it.
 */
import {
  Agent,
  HTTPChannel,
  messageText,
  MockAIProvider,
  RoomKit,
  StderrLogger,
  WebSocketChannel,
  type ConversationStore,
  type EventCommit,
  type Logger,
} from 'roomkit';
import { WebhookHTTPProvider } from 'roomkit/http';
import { PostgresLockManager, PostgresRealtime, PostgresStore } from 'roomkit/postgres';
import { RedisLockManager, RedisRealtime } from 'roomkit/redis';
import { serve } from 'roomkit/server';
import { answerTo, customerOf, type Broken, type FromProcess, type Order, type ToProcess } from './protocol.js';

const SECONDS_BETWEEN_COLLECTIONS = 10;

const order = JSON.parse(process.argv[2] ?? '{}') as Order; // by the run, which has made it
const { postgresUrl, redisUrl, leaseSeconds, broken } = order;
const inner = new StderrLogger('warn');
/** With the time, so that what several processes say can be put side by side. */
const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => inner.warn(`${new Date().toISOString()} ${message}`, fields),
  error: (message, fields) => inner.error(`${new Date().toISOString()} ${message}`, fields),
};

const store = await PostgresStore.open(postgresUrl);
const locks =
  redisUrl === undefined
    ? await PostgresLockManager.open({ url: postgresUrl, leaseSeconds, logger })
    : new RedisLockManager({ url: redisUrl, leaseSeconds, logger });
const kit = new RoomKit({
  store: broken === undefined ? store : brokenStore(store, broken),
  ...(broken !== 'fencing' && { lockManager: locks }),
  realtime: redisUrl === undefined ? await PostgresRealtime.open(postgresUrl) : new RedisRealtime({ url: redisUrl, logger }),
  leaseSeconds,
  recoverIntervalSeconds: 1,
  deliveryTimeoutSeconds: 5,
  logger,
});

const provider = new WebhookHTTPProvider({ webhookUrl: order.vendorUrl, secret: order.vendorSecret, allowPrivate: true });
kit.registerChannel(new WebSocketChannel('web', { echo: true }));
kit.registerChannel(new HTTPChannel('crm', { provider }));
kit.registerChannel(
  new Agent('helper', {
    provider: new MockAIProvider({
      streaming: true,
      chunkSize: 8,
      delayMs: order.thinkingMs / 3,
      responder: ({ messages }) =>
        answerTo(
          lastKey(
            messages
              .filter(({ role }) => role === 'user')
              .map(messageText)
              .join(' '),
          ),
        ),
    }),
    role: 'Helper',
  }),
);
const server = await serve(kit, { port: order.port, clientTokens: { secrets: [order.tokenSecret] } });

let isStopping = false;
process.on('SIGTERM', () => {
  if (isStopping) return;
  isStopping = true;
  stop().then(
    () => process.exit(0),
    (error: unknown) => {
      // A server was away just then, and what could not be given back ends with its lease. Whoever started it starts it again.
      logger.error('Not everything could be closed.', { error });
      process.exit(0);
    },
  );
});
process.on('disconnect', () => process.exit());
process.on('unhandledRejection', (error) =>
  tell({ kind: 'fault', message: `Nobody handles: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` }),
);
process.on('message', (message: ToProcess) => {
  const done = message.kind === 'furnish' ? furnish(message.rooms) : mint(message.clients);
  done.then(tell, (error: unknown) => tell({ kind: 'fault', message: `${message.kind} failed: ${String(error)}` }));
});
let usageTold = 0;
setInterval(() => {
  const { user, system } = process.cpuUsage();
  const usage = { kind: 'usage', bytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 } as const;
  tell(++usageTold % SECONDS_BETWEEN_COLLECTIONS === 0 ? { ...usage, keptBytes: keptBytes() } : usage);
}, 1000).unref();
tell({ kind: 'ready' });

async function stop(): Promise<void> {
  await kit.drain();
  await server.close();
  await kit.close();
}

async function furnish(rooms: readonly string[]): Promise<FromProcess> {
  for (let at = 0; at < rooms.length; at += 20) await Promise.all(rooms.slice(at, at + 20).map(furnishRoom));
  return { kind: 'furnished' };
}

async function furnishRoom(roomId: string): Promise<void> {
  await kit.ensureRoom({ roomId });
  await kit.attachChannel(roomId, 'web');
  await kit.attachChannel(roomId, 'crm', { metadata: { recipient_id: customerOf(roomId) }, retryPolicy: { maxRetries: 20, maxDelaySeconds: 2 } });
  await kit.attachChannel(roomId, 'helper');
}

async function mint(clients: Extract<ToProcess, { kind: 'mint' }>['clients']): Promise<FromProcess> {
  const tokens: string[] = [];
  for (const { participantId, rooms } of clients)
    tokens.push((await server.mintClientToken({ rooms, channelId: 'web', participantId, ttlSeconds: 86_400 })).token);
  return { kind: 'minted', tokens };
}

function tell(message: FromProcess): void {
  if (process.connected) process.send?.(message);
}

/** What it does not forget: a heap grows and shrinks by tens of megabytes between collections, whatever is kept in it. */
function keptBytes(): number {
  globalThis.gc?.(); // started with --expose-gc
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A model is shown all that was said since it last spoke; what it is to answer is the last of it. */
function lastKey(text: string): string {
  return [...text.matchAll(/\b[vs]\d+\.\d+\b/g)].at(-1)?.[0] ?? 'nothing';
}

// --- broken by hand ----------------------------------------------------------------------------------------------------

/** The same store without one of its promises. */
function brokenStore(whole: ConversationStore, what: Broken): ConversationStore {
  return new Proxy(whole, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = (value as (...all: unknown[]) => unknown).bind(target);
      if (name === 'commitEvent') return (commit: EventCommit) => method(withoutPromise(commit, what));
      if (what === 'dedupe' && name === 'getEventByIdempotencyKey') return () => null;
      if (what === 'leases' && name === 'claimDue') return (claim: object) => method({ ...claim, now: '2999-01-01T00:00:00.000Z' });
      return method;
    },
  });
}

function withoutPromise(commit: EventCommit, what: Broken): EventCommit {
  const { idempotencyKey, ...event } = commit.event;
  switch (what) {
    case 'dedupe':
      return { ...commit, event: idempotencyKey === undefined ? commit.event : event };
    case 'fencing':
      return without(commit, ['fencingToken', 'expectedVersion', 'expectedLatestIndex']);
    case 'turns':
      return without(commit, ['completesTurn']);
    case 'leases':
      return commit;
  }
}

function without(commit: EventCommit, names: readonly (keyof EventCommit)[]): EventCommit {
  return Object.fromEntries(Object.entries(commit).filter(([name]) => !names.includes(name as keyof EventCommit))) as unknown as EventCommit; // only optional ones are left out
}

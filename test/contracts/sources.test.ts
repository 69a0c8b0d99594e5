/** The contract of sources, on one in memory, and on some that break it. The real ones: test/sources/contract.test.ts. */
import { describe, expect, it } from 'vitest';
import {
  ProviderError,
  SystemClock,
  ValidationError,
  type InboundMessage,
  type SourceProvider,
  type SourceStartOptions,
} from '../../src/core/index.js';
import type { Arrival, Intake } from '../../src/providers/_shared/source/intake.js';
import { Mailbox } from '../../src/providers/_shared/source/mailbox.js';
import { sourceOptions } from '../../src/providers/_shared/source/options.js';
import { SourceRecord } from '../../src/providers/_shared/source/record.js';
import { SourceRun } from '../../src/providers/_shared/source/run.js';
import { sourceContract, type OpenSource, type OpenSourceOptions, type SourceSetup } from '../../src/testing/index.js';
import { jsonOf } from '../sources/open-websocket.js';
import { verifies } from '../requirements.js';
import { failures } from './broken.js';

const SECRET = 'hush-hush';

/** What a connection in memory may get wrong. */
interface Faults {
  readonly emit?: (emit: (message: InboundMessage) => Promise<unknown>, message: InboundMessage) => Promise<unknown>;
  readonly start?: (options: SourceStartOptions) => SourceStartOptions;
  readonly onCut?: () => Error | undefined;
  readonly afterStop?: 'stays' | 'throws' | 'goes on';
  readonly isDeaf?: 'to signals' | 'while connecting';
  readonly own?: (source: SourceProvider) => Partial<SourceProvider>;
  readonly connectsAtOnce?: boolean;
  readonly connectsToNothing?: boolean;
  readonly arrivals?: (arrivals: AsyncIterable<Arrival>) => AsyncIterable<Arrival>;
  readonly run?: (intake: Intake, arrivals: AsyncIterable<Arrival>) => Promise<void>;
}

const lost = (): Error => new ProviderError('The line in memory is lost.', { provider: 'memory', code: 'connection_lost' });

function open(faults: Faults, { isUnreachable = false, isSilent = false }: OpenSourceOptions): SourceSetup {
  const options = sourceOptions('MemorySource', { channelId: 'feed' });
  const record = new SourceRecord(new SystemClock());
  const run = new SourceRun('memory', record, options);
  let line: Mailbox<Arrival> | undefined;
  let openConnections = faults.connectsAtOnce === true ? 1 : 0;
  const connect: Parameters<SourceRun['start']>[2] = async ({ stopped, signal, intake, connected }) => {
    if (faults.connectsToNothing === true) connected();
    if (isUnreachable) throw lost();
    openConnections++;
    const mine = (line = new Mailbox<Arrival>());
    const end = (): void => {
      if (faults.isDeaf === 'while connecting' && isSilent) return;
      if (faults.afterStop === 'goes on') return;
      mine.end(faults.afterStop === 'throws' ? lost() : undefined);
    };
    stopped.addEventListener('abort', end);
    if (faults.afterStop === 'throws') signal.addEventListener('abort', end);
    if (!isSilent) connected();
    await (faults.run ?? ((whole, arrivals) => whole.run(arrivals)))(intake, (faults.arrivals ?? ((same) => same))(mine));
    if (faults.afterStop !== 'stays') openConnections--;
  };
  const source: SourceProvider = {
    name: 'memory',
    get status() {
      return record.status;
    },
    start: (emit, given) => {
      const { emit: emitted, start = (same: SourceStartOptions) => same } = faults;
      const mine = emitted === undefined ? emit : (message: InboundMessage) => emitted(emit, message) as ReturnType<typeof emit>;
      const told = faults.isDeaf === 'to signals' ? { ...start(given), signal: new AbortController().signal } : start(given);
      return run.start(mine, told, connect).finally(() => {
        if (line?.size === 0 || isUnreachable) return;
        openConnections = Math.min(openConnections, faults.afterStop === 'stays' ? 1 : 0);
      });
    },
    stop: () => run.stop(),
    healthcheck: () => record.health(),
  };
  const say = (data: string): void => line?.push({ received: { data } });
  return {
    source: faults.own === undefined ? source : Object.create(source, Object.getOwnPropertyDescriptors(faults.own(source))),
    channelId: 'feed',
    secret: SECRET,
    say: (...said) => {
      for (const one of said) say(jsonOf(one));
    },
    babble: () => say('nonsense'),
    cut: () => {
      openConnections--;
      const error = faults.onCut === undefined ? lost() : faults.onCut();
      line?.end(error);
    },
    openConnections: () => openConnections,
    close: () => undefined,
  };
}

const memory =
  (faults: Faults = {}): OpenSource =>
  (options = {}) =>
    open(faults, options);

describe('the contract of sources on one in memory', () => {
  it.each(sourceContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies(...one.rules);
    await one.run(memory());
  });
});

async function* reversed(arrivals: AsyncIterable<Arrival>): AsyncGenerator<Arrival, void> {
  let first: Arrival | undefined;
  for await (const arrival of arrivals) {
    if (first === undefined) first = arrival;
    else {
      yield arrival;
      yield first;
      first = undefined;
    }
  }
}

async function* dropping(arrivals: AsyncIterable<Arrival>): AsyncGenerator<Arrival, void> {
  let count = 0;
  for await (const arrival of arrivals) if (++count <= 100) yield arrival;
}

describe('the contract of sources', () => {
  it.each<readonly [string, string, Faults]>([
    ['connects when it is made', 'is stopped at first', { connectsAtOnce: true }],
    [
      'says twice that it is connected',
      'is stopped at first',
      { start: (given) => ({ ...given, connected: () => [given.connected(), given.connected()] }) },
    ],
    ['never says that it is connected', 'is stopped at first', { start: (given) => ({ ...given, connected: () => undefined }) }],
    ['does not know its own status', 'is stopped at first', { own: () => ({ status: 'connecting' }) }],
    ['brings the newest first', 'brings what is said', { arrivals: reversed }],
    ['forgets the key', 'brings what is said', { emit: (emit, { idempotencyKey: _, ...message }) => emit(message) }],
    ['brings it to another channel', 'brings what is said', { emit: (emit, message) => emit({ ...message, channelId: 'other' }) }],
    ['brings everything at once', 'has no more under way', { start: (given) => ({ ...given, maxConcurrentEmits: 1000 }) }],
    ['drops what it has no room for', 'has no more under way', { arrivals: dropping }],
    [
      'makes messages of nonsense',
      'ignores what is no message',
      {
        arrivals: async function* (arrivals) {
          for await (const arrival of arrivals)
            yield arrival.received.data === 'nonsense' ? { received: { data: '{"sender_id":"nobody","text":"nonsense"}' } } : arrival;
        },
      },
    ],
    [
      'dies of nonsense',
      'ignores what is no message',
      {
        arrivals: async function* (arrivals) {
          for await (const arrival of arrivals) {
            if (arrival.received.data === 'nonsense') throw lost();
            yield arrival;
          }
        },
      },
    ],
    [
      'dies of a message that was refused',
      'goes on after a message was refused',
      {
        run: (intake, arrivals) =>
          new Promise<void>((resolve, reject) => {
            const watched = async function* (): AsyncGenerator<Arrival, void> {
              for await (const arrival of arrivals) yield { ...arrival, done: (outcome) => outcome === 'refused' && reject(lost()) };
            };
            intake.run(watched()).then(resolve, reject);
          }),
      },
    ],
    [
      'brings a refused message again',
      'goes on after a message was refused',
      {
        emit: async (emit, message) => {
          try {
            return await emit(message);
          } catch (error) {
            if (error instanceof ValidationError) await emit(message).catch(() => undefined);
            throw error;
          }
        },
      },
    ],
    ['takes a broken connection for its end', 'fails when its connection breaks', { onCut: () => undefined }],
    ['fails without a code', 'fails when its connection breaks', { onCut: () => new Error('It broke somewhere on the way.') }],
    ['is connected to nothing', 'fails when nobody is there', { connectsToNothing: true }],
    ['leaves its connection behind', 'ends when it is stopped, and leaves', { afterStop: 'stays' }],
    [
      'fails when it is stopped',
      'ends when it is stopped, and leaves',
      { own: (source) => ({ start: (emit, given) => source.start(emit, given).then(() => Promise.reject(lost())) }) },
    ],
    ['does not hear its signal', 'ends when its signal aborts', { isDeaf: 'to signals' }],
    ['cannot be stopped while it connects', 'ends when it is stopped while it connects', { isDeaf: 'while connecting' }],
    [
      'leaves behind what is under way',
      'waits for what it has handed over',
      { emit: (emit, message) => (void emit(message), Promise.resolve({ blocked: false })) },
    ],
    ['cannot be stopped', 'ends when it is stopped, and leaves', { afterStop: 'goes on' }],
    [
      'is stopped once only',
      'is stopped again',
      {
        own: (source) => {
          let stops = 0;
          return { stop: () => (++stops > 2 ? Promise.reject(lost()) : source.stop()) };
        },
      },
    ],
    [
      'counts nonsense',
      'tells how it is doing',
      {
        own: (source) => ({
          healthcheck: async () => {
            const health = await source.healthcheck();
            return { ...health, messagesReceived: health.messagesReceived + Number(health.metadata['messages_ignored']) };
          },
        }),
      },
    ],
    [
      'gives out its own health',
      'tells how it is doing',
      {
        own: (source) => {
          const mine: Record<string, unknown> = {};
          return { healthcheck: async () => Object.assign(mine, await source.healthcheck()) };
        },
      },
    ],
    ['shows its secret in its name', 'never shows its secret, nor', { own: () => ({ name: `memory:${SECRET}` }) }],
    ['shows its secret in a field', 'never shows its secret, nor', { own: () => ({ url: `wss://x?token=${SECRET}` }) as Partial<SourceProvider> }],
    [
      'shows its secret in what it fails with',
      'never shows its secret, nor',
      { onCut: () => new ProviderError(`Cannot reach wss://x?token=${SECRET}.`, { provider: 'memory', code: 'connection_lost' }) },
    ],
    [
      'shows its secret in the cause of what it fails with',
      'never shows its secret, nor',
      {
        onCut: () =>
          new ProviderError('The line in memory is lost.', { provider: 'memory', code: 'connection_lost', cause: new Error(`token=${SECRET}`) }),
      },
    ],
  ])('finds a source that %s', async (_what, finder, faults) => {
    verifies('SRC-02', 'SRC-04');
    const found = sourceContract.filter(({ name }) => name.startsWith(finder));
    expect(found).toHaveLength(1);
    expect(await failures(found, memory(faults))).toEqual([found[0]?.name]);
  });
});

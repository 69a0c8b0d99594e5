/** What the cases of the sources' contract are run with. */
import assert from 'node:assert/strict';
import type { InboundMessage, InboundResult } from '../../core/models/delivery.js';
import type { Awaitable } from '../../core/models/json.js';
import type { SourceEmit, SourceProvider } from '../../core/sources/source.js';
import type { ContractCase } from './contract.js';
import { until } from './settling.js';

/** What is said at the other end. */
export interface SaidToSource {
  readonly senderId: string;
  readonly text: string;
  /** The id that the other side gives it. */
  readonly externalId?: string;
}

/** What is the matter with the other end. */
export interface OpenSourceOptions {
  /** Nothing listens at its address. */
  readonly isUnreachable?: boolean;
  /** It takes the connection and never says a word. */
  readonly isSilent?: boolean;
}

/** A source, and the other end of its connection. */
export interface SourceSetup {
  readonly source: SourceProvider;
  /** The channel that the source brings messages to. */
  readonly channelId: string;
  /** Says these to whoever is connected, in this order. */
  readonly say: (...said: readonly SaidToSource[]) => Awaitable<void>;
  /** Sends what is no message. */
  readonly babble: () => Awaitable<void>;
  /** The key by which a repetition is known. Default: the id that the other side gives. */
  readonly keyOf?: (said: SaidToSource) => string;
  /** What the kit knows a sender as. Default: as they are called here. */
  readonly senderOf?: (senderId: string) => string;
  /** Breaks the connection off; a new one is taken. */
  readonly cut: () => Awaitable<void>;
  /** Connections that are open at the other end. */
  readonly openConnections: () => number;
  /** A secret that the source was made with: it must show nowhere. */
  readonly secret: string;
  /** Ends the other end. The suite stops the source. */
  readonly close: () => Awaitable<void>;
}

/** Gives a new source and a new other end each time it is called. */
export type OpenSource = (options?: OpenSourceOptions) => Awaitable<SourceSetup>;
/** One promise of sources. */
export type SourceCase = ContractCase<OpenSource>;

export interface SourceTest {
  readonly name: string;
  readonly rules: readonly string[];
  readonly options?: OpenSourceOptions;
  test(setup: SourceSetup, start: StartSource): Promise<void>;
}

export interface StartedSource {
  /** What it brought, in order. */
  readonly emitted: InboundMessage[];
  /** How often it said that it is connected. */
  readonly connections: () => number;
  /** How many of its messages are under way, now and at most. */
  readonly underWay: () => { readonly now: number; readonly most: number };
  /** Set once it is over. */
  readonly end: () => { readonly error?: unknown } | undefined;
  readonly over: Promise<{ readonly error?: unknown }>;
  readonly abort: () => void;
}

export type StartSource = (options?: { readonly take?: SourceEmit; readonly maxConcurrentEmits?: number }) => StartedSource;

/** What a kit answers that has taken a message. */
export const TAKEN: InboundResult = { blocked: false, duplicate: false, deliveryResults: {}, turns: [] };

export function sourceCases(tests: readonly SourceTest[]): readonly SourceCase[] {
  return tests.map(({ name, rules, options, test }) => ({
    name,
    rules,
    run: async (open) => {
      const setup = await open(options);
      const started: StartedSource[] = [];
      try {
        await test(setup, (given) => {
          const one = start(setup.source, given);
          started.push(one);
          return one;
        });
      } finally {
        for (const one of started) one.abort();
        // One that does not stop is found by the cases about it, and holds up no other.
        await stopped(setup.source).catch(() => undefined);
        await setup.close();
      }
    },
  }));
}

function start(source: SourceProvider, { take = async () => TAKEN, maxConcurrentEmits }: Parameters<StartSource>[0] = {}): StartedSource {
  const controller = new AbortController();
  const emitted: InboundMessage[] = [];
  let [now, most, connections] = [0, 0, 0];
  let end: { readonly error?: unknown } | undefined;
  const emit: SourceEmit = (message) => {
    emitted.push(message);
    most = Math.max(most, ++now);
    const taking = take(message).finally(() => now--);
    taking.catch(() => undefined);
    return taking;
  };
  const options = { signal: controller.signal, connected: () => void connections++, ...(maxConcurrentEmits !== undefined && { maxConcurrentEmits }) };
  const over = source.start(emit, options).then(
    () => (end = {}),
    (error: unknown) => (end = { error }),
  );
  return {
    emitted,
    connections: () => connections,
    underWay: () => ({ now, most }),
    end: () => end,
    over,
    abort: () => controller.abort(),
  };
}

/** Stops it; one that does not is not waited for forever. */
export async function stopped(source: SourceProvider): Promise<void> {
  let end: { readonly error?: unknown } | undefined;
  (async () => source.stop())().then(
    () => (end = {}),
    (error: unknown) => (end = { error }),
  );
  await soon(() => end !== undefined, 'it stops');
  assert.deepEqual(end, {}, 'stopping does not fail');
}

/** Waits for what needs the network, and another process at its other end. */
export function soon(isSo: () => boolean, what: string): Promise<void> {
  return until(isSo, what, 200_000);
}

export async function connected(started: StartedSource, times = 1): Promise<void> {
  await soon(() => started.connections() >= times || started.end() !== undefined, 'it says that it is connected');
  const error = started.end()?.error;
  assert.equal(started.end(), undefined, `it stays connected, and does not end with ${error instanceof Error ? error.message : String(error)}`);
}

export function textsOf({ emitted }: StartedSource): string[] {
  return emitted.map(({ content }) => (typeof content === 'string' ? content : content.type === 'text' ? content.body : content.type));
}

export function said(count: number, senderId = 'ada', first = 1): SaidToSource[] {
  return Array.from({ length: count }, (_, n) => ({ senderId, text: `m${n + first}`, externalId: `id-${senderId}-${n + first}` }));
}

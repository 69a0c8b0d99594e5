/** The contract of an agent's memory, on every memory there is, and on some that break it. */
import { describe, expect, it } from 'vitest';
import {
  BudgetAwareMemory,
  HandoffMemoryProvider,
  MockAIProvider,
  MockMemoryProvider,
  RetrievalMemory,
  SlidingWindowMemory,
  SummarizingMemory,
  type MemoryProvider,
  type MemoryResult,
} from '../../src/index.js';
import { memoryContract, type OpenMemory } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { failures, withMethods } from './broken.js';

const summarizing = (inner: MemoryProvider): MemoryProvider =>
  new SummarizingMemory(inner, { provider: new MockAIProvider(), keepEvents: 3, everyEvents: 3 });

const MEMORIES: Readonly<Record<string, OpenMemory>> = {
  SlidingWindowMemory: () => new SlidingWindowMemory({ maxEvents: 10 }),
  MockMemoryProvider: () => new MockMemoryProvider(),
  HandoffMemoryProvider: (inner) => new HandoffMemoryProvider(inner),
  BudgetAwareMemory: (inner) => new BudgetAwareMemory(inner, { maxContextTokens: 1100 }),
  SummarizingMemory: summarizing,
  RetrievalMemory: (inner) => new RetrievalMemory(inner),
  'all of them': (inner) => new BudgetAwareMemory(new HandoffMemoryProvider(new RetrievalMemory(summarizing(inner))), { maxContextTokens: 4000 }),
};

describe.each(Object.entries(MEMORIES))('the contract of memories on %s', (_name, open) => {
  it.each(memoryContract.map((one) => [one.name, one] as const))('%s', async (_case, one) => {
    verifies(...one.rules);
    await one.run(open);
  });
});

/** A memory that wraps, but for what is given here. */
function broken(own: (inner: MemoryProvider) => Partial<MemoryProvider>): OpenMemory {
  return (inner) => withMethods<MemoryProvider>(new HandoffMemoryProvider(inner), own(inner));
}

/** What it shows, changed. */
function changed(change: (shown: MemoryResult, asked: Parameters<MemoryProvider['retrieve']>) => MemoryResult): OpenMemory {
  return broken((inner) => ({ retrieve: async (...asked) => change(await inner.retrieve(...asked), asked) }));
}

describe('the contract of memories', () => {
  const kept = new Map<string, MemoryResult>();
  it.each<readonly [string, string, OpenMemory]>([
    ['turns the history round', 'shows of the history only', changed(({ messages, events }) => ({ messages, events: events.toReversed() }))],
    ['shows everything twice', 'shows of the history only', changed(({ messages, events }) => ({ messages, events: [...events, ...events] }))],
    [
      'makes events of its own',
      'shows of the history only',
      changed(({ messages, events }) => ({ messages, events: events.map((event) => ({ ...event })) })),
    ],
    [
      'shows what is asked',
      'does not show what the turn answers',
      changed(({ messages, events }, [, asked]) => ({ messages, events: [...events, asked] })),
    ],
    [
      'needs a store',
      'answers where there is no history',
      broken((inner) => ({
        retrieve: (...asked) => {
          if (asked[4].store === undefined) throw new Error('no store');
          return inner.retrieve(...asked);
        },
      })),
    ],
    [
      'puts its own into the list of another',
      'leaves what it was handed',
      changed((shown) => {
        (shown.messages as unknown[]).push({ role: 'user', content: 'mine' });
        return shown;
      }),
    ],
    [
      'loses a result',
      'keeps what an inner memory puts first',
      changed(({ messages, events }) => ({ messages: messages.filter(({ role }) => role !== 'tool'), events })),
    ],
    [
      'has one place for all rooms',
      'keeps rooms and readers apart',
      (inner) => {
        kept.clear();
        return withMethods<MemoryProvider>(new HandoffMemoryProvider(inner), {
          retrieve: async (...asked) => {
            const shown = kept.get('all') ?? (await inner.retrieve(...asked));
            kept.set('all', shown);
            return shown;
          },
        });
      },
    ],
    [
      'reads another’s summary',
      'keeps rooms and readers apart',
      changed(({ events }, [, , { room }]) => ({ messages: [{ role: 'user', content: JSON.stringify(room.metadata) }], events })),
    ],
    [
      'gives people’s words as the system’s',
      'gives people’s words as data',
      changed(({ events }) => ({ messages: [{ role: 'system', content: 'Ada said things.' }], events })),
    ],
    [
      'lets marks through',
      'gives people’s words as data',
      changed(({ events }, [, , , , { store }]) => ({ messages: [{ role: 'user', content: `Notes: ${store?.summary()?.text}` }], events })),
    ],
    [
      'does not hear the end',
      'ends with its turn',
      broken((inner) => ({ retrieve: (...asked) => Promise.resolve(inner.retrieve(...asked)).catch(() => new Promise(() => undefined)) })),
    ],
    [
      'tells twice',
      'tells an inner memory once',
      broken((inner) => ({
        ingest: async (event) => {
          await inner.ingest?.(event);
          await inner.ingest?.(event);
        },
      })),
    ],
    ['never forgets', 'tells an inner memory once', broken(() => ({ clear: () => undefined }))],
    ['leaves its inner memory open', 'closes, and again', broken(() => ({ close: () => undefined }))],
  ])('finds out a memory that %s', async (_what, found, open) => {
    expect((await failures(memoryContract, open)).some((name) => name.startsWith(found))).toBe(true);
  });

  it('finds out one that keeps a forgotten room', async () => {
    const open: OpenMemory = () => {
      const told: string[] = [];
      return {
        name: 'elephant',
        ingest: (event) => void told.push(JSON.stringify(event.content)),
        retrieve: (_room, _event, { recentEvents }) => ({ messages: [{ role: 'user', content: told.join() }], events: recentEvents }),
      };
    };
    expect(await failures(memoryContract, open)).toContain('forgets a room and goes on in the others');
  });
});

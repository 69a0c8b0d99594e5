/**
 * Messages that are committed exactly while a turn lane goes idle, in ten thousand seeded schedules: every step of the store and
 * of the agent takes a random number of turns of the event loop's own queue.
 */
import { describe, expect, it } from 'vitest';
import { InMemoryStore, type CollisionConfig, type ConversationStore, type InboundResult } from '../../src/index.js';
import { Random } from '../crash/random.js';
import { answerFaults, resultFaults } from '../support/collision-judge.js';
import { makeKit, openRoom, TestAgent, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const SCHEDULES = 10_000;
/** So many schedules share a room, one after the other: its lane goes idle after each. */
const PER_ROOM = 20;
/** Far more than any schedule takes. */
const PATIENCE = 20_000;

const POLICIES: readonly CollisionConfig[] = [
  { policy: 'queue' },
  { policy: 'burst', debounceMs: 0 },
  { policy: 'steer' },
  { policy: 'interrupt' },
  { policy: 'reject' },
];

async function ticks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await Promise.resolve();
}

/** A store whose steps on turns take their time. */
function unsteady(store: ConversationStore, random: Random): ConversationStore {
  const steps: readonly string[] = ['commitEvent', 'updateTurn', 'mergeTurns', 'loadRoom', 'getEvent', 'listEvents'];
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = (value as (...given: unknown[]) => unknown).bind(target);
      if (typeof name !== 'string' || !steps.includes(name)) return method;
      return (...given: unknown[]): unknown => {
        const delay = random.between(0, 6);
        return delay === 0 ? method(...given) : ticks(delay).then(() => method(...given));
      };
    },
  });
}

describe('a turn lane that goes idle', () => {
  it('F05 message_at_the_idle_edge', { timeout: 300_000 }, async () => {
    verifies('F05', 'COL-06');
    const random = new Random(5);
    let edges = 0;
    for (let schedule = 0; schedule < SCHEDULES; schedule += PER_ROOM) {
      const { kit } = makeKit({ store: unsteady(new InMemoryStore(), random) });
      const agent = new TestAgent('bot', async (_event, _context, { turn }) => {
        await ticks(random.between(0, 30));
        if (random.chance(0.5)) await turn?.takeMessages?.();
        return random.chance(0.9) ? 'answer' : undefined;
      });
      Object.assign(agent, { collision: POLICIES[(schedule / PER_ROOM) % POLICIES.length] });
      await openRoom(kit, [new TestTransport('a'), agent]);
      const results: InboundResult[] = [];
      for (let one = 0; one < PER_ROOM; one++) {
        const calls: Promise<InboundResult>[] = [];
        for (let message = 0; message < 3; message++) {
          calls.push(kit.processInbound({ channelId: 'a', senderId: 'u', content: `${schedule + one}.${message}` }, { roomId: 'room' }));
          await ticks(random.between(0, 90));
        }
        let told: InboundResult[] | undefined;
        void Promise.all(calls).then((all) => (told = all));
        for (let tick = 0; told === undefined && tick < PATIENCE; tick++) await Promise.resolve();
        if (told === undefined) throw new Error(`Schedule ${schedule + one} leaves a message without a turn.`);
        results.push(...told);
        if (told.every(({ turns }) => turns[0]?.state !== 'merged' && turns[0]?.state !== 'rejected' && turns[0]?.reason !== 'interrupted')) edges++;
      }
      expect([...(await answerFaults(kit, 'bot')), ...(await resultFaults(kit, 'bot', results))], `schedules from ${schedule}`).toEqual([]);
      expect(kit.stats().tasks).toBe(0);
      await kit.close();
    }
    // Some messages came too early, some too late, and so some at the edge.
    expect(edges).toBeGreaterThan(SCHEDULES / 20);
    expect(edges).toBeLessThan((SCHEDULES * 19) / 20);
  });
});

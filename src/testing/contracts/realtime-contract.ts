/** The contract of what carries ephemeral events (behaviour §20). */
import assert from 'node:assert/strict';
import type { Awaitable } from '../../core/models/json.js';
import { roomChannel, type RealtimeBackend, type RealtimeMessage } from '../../core/realtime/backend.js';
import type { ContractCase } from './contract.js';
import { turnsOfTheLoop, until } from './settling.js';

/** A backend without subscriptions, and what else there is to look at. The suite closes it. */
export interface RealtimeSetup {
  readonly realtime: RealtimeBackend;
  /** A second backend of the same channels, as another process has it. For backends that are `distributed`. */
  readonly another?: () => Awaitable<RealtimeBackend>;
  /** How many errors it has logged. */
  readonly errorsLogged?: () => number;
}

/** Gives a new backend each time it is called. */
export type OpenRealtime = () => Awaitable<RealtimeSetup>;
/** One promise of backends. */
export type RealtimeCase = ContractCase<OpenRealtime>;

/** How many messages may wait for one slow subscriber (EPH-01). */
const MAX_QUEUED = 100;
const ROOM = roomChannel('room');

/**
 * What every RealtimeBackend promises, as cases that any test runner can run on a backend of yours.
 * @example
 * import { realtimeContract } from 'roomkit/testing';
 * import { describe, it } from 'vitest'; // or from 'node:test'
 *
 * describe('MyRealtime', () => {
 *   for (const c of realtimeContract) it(c.name, () => c.run(() => ({ realtime: new MyRealtime() })));
 * });
 */
export const realtimeContract: readonly RealtimeCase[] = realtimeCases([
  {
    name: 'tells every subscriber of a channel, in order, and nobody else',
    rules: ['EPH-01'],
    test: async ({ realtime }) => {
      const heard: Record<string, RealtimeMessage[]> = { one: [], two: [], other: [] };
      const ids = [
        await realtime.subscribe(ROOM, (message) => void heard['one']?.push(message)),
        await realtime.subscribe(ROOM, async (message) => void heard['two']?.push(message)),
        await realtime.subscribe(roomChannel('other'), (message) => void heard['other']?.push(message)),
      ];
      assert.equal(new Set(ids).size, 3, 'every subscription has its own id');
      const sent = Array.from({ length: 20 }, (_, n) => ({
        id: `e${n}`,
        roomId: 'room',
        type: 'custom' as const,
        userId: 'ada',
        channelId: 'web',
        data: { n, deep: { list: [1, null, 'ü'] } },
        timestamp: '2026-01-01T00:00:00.000Z',
      }));
      for (const message of sent) await realtime.publish(ROOM, message);
      await realtime.publish('nobody', { lost: true });
      await realtime.publish(roomChannel('other'), { last: true });
      await until(() => heard['two']?.length === 20 && heard['one']?.length === 20 && heard['other']?.length === 1, 'everybody has heard all');
      assert.deepEqual(heard, { one: sent, two: sent, other: [{ last: true }] });
    },
  },
  {
    name: 'ends a subscription, also what waits for it, and no other',
    rules: ['EPH-01', 'EPH-02'],
    test: async ({ realtime }) => {
      const [one, two, slow] = [listener(), listener(), listener()];
      const first = await realtime.subscribe(ROOM, one.hear);
      await realtime.subscribe(ROOM, two.hear);
      slow.hold();
      const third = await realtime.subscribe(ROOM, slow.hear);
      await publishAll(realtime, ['a', 'b', 'c']);
      await until(() => two.heard.length === 3 && one.heard.length === 3 && slow.heard.length === 1, 'all have begun');
      assert.equal(await realtime.unsubscribe(first), true);
      assert.equal(await realtime.unsubscribe(third), true);
      slow.release();
      await publishAll(realtime, ['d']);
      await until(() => two.heard.length === 4, 'the other still hears');
      await turnsOfTheLoop();
      assert.deepEqual([one.heard, slow.heard], [['a', 'b', 'c'], ['a']]);
      assert.equal(await realtime.unsubscribe(first), false, 'it has ended already');
      assert.equal(await realtime.unsubscribe('unknown'), false);
    },
  },
  {
    name: 'tells a subscriber one thing after another, however slow it is',
    rules: ['EPH-01'],
    test: async ({ realtime }) => {
      let inside = 0;
      let overlaps = 0;
      const heard: unknown[] = [];
      await realtime.subscribe(ROOM, async (message) => {
        if (++inside > 1) overlaps++;
        await turnsOfTheLoop(2);
        heard.push((message as { n: string }).n);
        inside--;
      });
      await publishAll(realtime, ['a', 'b', 'c', 'd']);
      await until(() => heard.length === 4, 'all are heard');
      assert.deepEqual([heard, overlaps], [['a', 'b', 'c', 'd'], 0]);
    },
  },
  {
    name: 'delays nobody for a slow subscriber, and drops its oldest messages',
    rules: ['EPH-01'],
    test: async ({ realtime }) => {
      const [slow, quick] = [listener(), listener()];
      slow.hold();
      await realtime.subscribe(ROOM, slow.hear);
      await realtime.subscribe(ROOM, quick.hear);
      const all = Array.from({ length: 1 + MAX_QUEUED + 50 }, (_, n) => `m${n}`);
      for (const n of all) {
        await publishAll(realtime, [n]);
        await until(() => quick.heard.at(-1) === n, 'a quick one hears at once');
      }
      assert.deepEqual(quick.heard, all);
      assert.deepEqual(slow.heard, ['m0']);
      slow.release();
      await until(() => slow.heard.at(-1) === all.at(-1), 'the slow one has caught up');
      assert.deepEqual(slow.heard, ['m0', ...all.slice(-MAX_QUEUED)], 'the newest hundred waited');
    },
  },
  {
    name: 'goes on after a subscriber failed, and logs it',
    rules: ['EPH-01'],
    test: async ({ realtime, errorsLogged }) => {
      const before = errorsLogged?.() ?? 0;
      const other = listener();
      const heard: string[] = [];
      await realtime.subscribe(ROOM, (message) => {
        heard.push((message as { n: string }).n);
        if (heard.length === 1) throw new Error('thrown');
        return heard.length === 2 ? Promise.reject(new Error('rejected')) : undefined;
      });
      await realtime.subscribe(ROOM, other.hear);
      await publishAll(realtime, ['a', 'b', 'c']);
      await until(() => heard.length === 3 && other.heard.length === 3, 'both hear all');
      if (errorsLogged !== undefined) assert.equal(errorsLogged() - before, 2, 'both failures are logged');
    },
  },
  {
    name: 'tells a subscription made meanwhile only what comes after it',
    rules: ['EPH-01'],
    test: async ({ realtime }) => {
      const late = listener();
      let subscribed = 0;
      await realtime.subscribe(ROOM, async () => {
        if (subscribed++ === 0) await realtime.subscribe(ROOM, late.hear);
      });
      await publishAll(realtime, ['a']);
      await until(() => subscribed === 1, 'the first is heard');
      await turnsOfTheLoop();
      assert.deepEqual(late.heard, []);
      await publishAll(realtime, ['b']);
      await until(() => late.heard.length === 1, 'the second is heard');
      assert.deepEqual(late.heard, ['b']);
    },
  },
  {
    name: 'is silent after it was closed',
    rules: ['EPH-01', 'KIT-04'],
    test: async ({ realtime }) => {
      const [one, slow] = [listener(), listener()];
      await realtime.subscribe(ROOM, one.hear);
      slow.hold();
      const id = await realtime.subscribe(ROOM, slow.hear);
      await publishAll(realtime, ['a', 'b']);
      await until(() => one.heard.length === 2 && slow.heard.length === 1, 'both have begun');
      await realtime.close();
      slow.release();
      await publishAll(realtime, ['c']);
      await turnsOfTheLoop();
      assert.deepEqual([one.heard, slow.heard], [['a', 'b'], ['a']], 'what waited is not told any more');
      assert.equal(await realtime.unsubscribe(id), false);
      await realtime.close();
    },
  },
  {
    name: 'tells other processes, where it says so',
    rules: ['EPH-01'],
    test: async ({ realtime, another }) => {
      if (!realtime.distributed) return;
      assert.ok(another, 'a distributed backend is tried with a second one: give `another`');
      const second = await another();
      try {
        const [here, there] = [listener(), listener()];
        await realtime.subscribe(ROOM, here.hear);
        await second.subscribe(ROOM, there.hear);
        await publishAll(realtime, ['a']);
        await until(() => here.heard.length === 1 && there.heard.length === 1, 'both hear the first');
        await publishAll(second, ['b']);
        await until(() => here.heard.length === 2 && there.heard.length === 2, 'both hear the second');
        assert.deepEqual(
          [here.heard, there.heard],
          [
            ['a', 'b'],
            ['a', 'b'],
          ],
          'each once',
        );
      } finally {
        await second.close();
      }
    },
  },
]);

interface RealtimeTest {
  readonly name: string;
  readonly rules: readonly string[];
  test(setup: RealtimeSetup): Promise<void>;
}

function realtimeCases(tests: readonly RealtimeTest[]): readonly RealtimeCase[] {
  return tests.map(({ name, rules, test }) => ({
    name,
    rules,
    run: async (open) => {
      const setup = await open();
      try {
        await test(setup);
      } finally {
        await setup.realtime.close();
      }
    },
  }));
}

async function publishAll(realtime: RealtimeBackend, names: readonly string[]): Promise<void> {
  for (const n of names) await realtime.publish(ROOM, { n });
}

/** A subscriber that remembers what it heard, and stays with the first message while it is held. */
function listener(): { heard: string[]; hear: (message: RealtimeMessage) => Promise<void> | undefined; hold: () => void; release: () => void } {
  const heard: string[] = [];
  let held: Promise<void> | undefined;
  let release = (): void => undefined;
  return {
    heard,
    hear: (message) => {
      heard.push((message as { n: string }).n);
      return held;
    },
    hold: () => {
      held = new Promise((resolve) => (release = resolve));
    },
    release: () => {
      held = undefined;
      release();
    },
  };
}

/** A process that dies while messages wait, are being merged or have been (COL-07): the next one answers each of them once. */
import { describe, expect, it } from 'vitest';
import { AIChannel, messageText, MockAIProvider, type CollisionConfig } from '../../src/index.js';
import type { StoreMethod } from '../../src/testing/index.js';
import { useToolOnce } from '../support/collision-scene.js';
import { answered, answerFaults } from '../support/collision-judge.js';
import { DISKS, type Disk } from '../support/disks.js';
import { gapless, makeKit, messagesOf, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

interface Life extends Harness {
  readonly provider: MockAIProvider;
}

/** A process on this disk; the first one makes the room. */
async function boot(disk: Disk, collision: CollisionConfig, isFirst: boolean): Promise<Life> {
  const harness = makeKit({ store: disk.store });
  const { kit, clock } = harness;
  const provider = new MockAIProvider({ streaming: true, clock, responder: useToolOnce });
  const handler = async (): Promise<string> => {
    await clock.sleep(1000);
    return 'found';
  };
  const agent = new AIChannel('bot', { provider, collision, tools: [{ name: 'look_up', description: 'Looks something up.', handler }] });
  if (isFirst) await kit.createRoom({ roomId: 'room' });
  for (const channel of [new TestTransport('a'), agent]) {
    kit.registerChannel(channel);
    if (isFirst) await kit.attachChannel('room', channel.channelId);
  }
  return { ...harness, provider };
}

/** Moves time until nothing is under way: what a file does takes real moments. */
async function quiet({ kit, clock }: Life): Promise<void> {
  for (let round = 0; round < 500; round++) {
    await clock.advance(100);
    const open = await kit.store.listTurns({ state: ['queued', 'running'] });
    if (open.length === 0 && kit.stats().tasks === 0) return;
  }
  throw new Error(`Still under way: ${JSON.stringify(await kit.store.listTurns({ state: ['queued', 'running'] }))}`);
}

/** Five messages, three of them while the first turn runs. Ends early when the process has died. */
async function talk({ kit, clock }: Life, disk: Disk): Promise<void> {
  for (const [content, pauseMs] of [
    ['m0', 100],
    ['m1', 100],
    ['m2', 100],
    ['m3', 2000],
    ['m4', 10_000],
  ] as const) {
    if (disk.store.crashed) return;
    void kit.processInbound({ channelId: 'a', senderId: 'u', content }, { roomId: 'room' }).catch(() => undefined);
    for (let ms = 0; ms < pauseMs && !disk.store.crashed; ms += 50) await clock.advance(50);
  }
}

const METHODS: readonly StoreMethod[] = ['commitEvent', 'updateTurn', 'mergeTurns'];
const POLICIES = ['burst', 'steer', 'interrupt'] as const;

describe.each(DISKS)('after a crash in the middle of a collision, on %s', (_name, open) => {
  it.each(POLICIES)('of %s, each message is answered once, wherever the process died', { timeout: 120_000 }, async (policy) => {
    verifies('COL-07', 'COL-02', 'COL-03', 'COL-04', 'TURN-03');
    const collision: CollisionConfig = { policy, debounceMs: 300, leadingDebounceMs: policy === 'burst' ? 50 : 0 };
    // Once without a crash, to know how often each step is taken.
    const whole = await open();
    const first = await boot(whole, collision, true);
    const before = new Map(METHODS.map((method) => [method, whole.store.calls(method)]));
    await talk(first, whole);
    await quiet(first);
    expect(await answerFaults(first.kit, 'bot')).toEqual([]);
    const steps = METHODS.map((method) => [method, whole.store.calls(method) - (before.get(method) ?? 0)] as const);
    if (policy !== 'interrupt') expect(whole.store.calls('mergeTurns')).toBeGreaterThan(0);
    await first.kit.close();

    for (const [method, count] of steps) {
      for (let nth = 1; nth <= count; nth++) {
        for (const when of ['before', 'after'] as const) {
          const moment = `${when} ${method} ${nth} of ${count}`;
          const disk = await open();
          const one = await boot(disk, collision, true);
          disk.store.crash(method, { nth, when });
          await talk(one, disk);
          expect(disk.store.crashed, moment).toBe(true);
          const two = await boot(await disk.afterCrash(), collision, false);
          await quiet(two);
          expect(await answerFaults(two.kit, 'bot'), moment).toEqual([]);
          const events = messagesOf(await gapless(two.kit, 'room'));
          const asked = events.filter(({ source }) => source.channelId === 'a');
          const answers = events.filter(({ source, metadata }) => source.channelId === 'bot' && metadata['cancelled'] !== true).flatMap(answered);
          if (policy === 'interrupt') expect(answers.at(-1), moment).toBe(asked.at(-1)?.id);
          else expect([...answers].sort(), moment).toEqual(asked.map(({ id }) => id).sort());
          await two.kit.close();
        }
      }
    }
  });

  it('a turn that had read messages is run again with all of them', async () => {
    verifies('COL-03', 'COL-07', 'TURN-03');
    const disk = await open();
    const one = await boot(disk, { policy: 'steer' }, true);
    // The tool is through, the messages are merged, and the process dies before the reply is stored.
    disk.store.crash('mergeTurns', { when: 'after' });
    await talk(one, disk);
    const next = await disk.afterCrash();
    const two = await boot(next, { policy: 'steer' }, false);
    await quiet(two);
    const rows = await two.kit.store.listTurns({ roomId: 'room' });
    expect(rows.map(({ state, attempts }) => [state, attempts]).sort()).toEqual([
      ['committed', 2],
      ['merged', 0],
      ['merged', 0],
      ['merged', 0],
    ]);
    const [reply] = messagesOf(await gapless(two.kit, 'room')).filter(({ source }) => source.channelId === 'bot');
    expect(reply === undefined ? undefined : textOf(reply)).toBe('One moment.\n\nHeard: m0 m1 m2 m3');
    expect(two.provider.calls.map(({ messages }) => messages.filter(({ role }) => role === 'user').map(messageText))).toEqual([
      ['m0\nm1\nm2\nm3'],
      ['m0\nm1\nm2\nm3'],
    ]);
    await two.kit.close();
  });
});

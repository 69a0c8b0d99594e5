/** Messages that come while an agent answers (behaviour §17): the five policies, side by side and each by itself. */
import { describe, expect, it } from 'vitest';
import { messageText, type InboundResult } from '../../src/index.js';
import { ended, scene, type Scene } from '../support/collision-scene.js';
import { TestTransport, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';

const FIGURE = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'];

/** The first message, and five more within 200 ms while its turn runs. */
async function figure(scene: Scene): Promise<InboundResult[]> {
  const calls = [scene.say('m0')];
  for (const content of FIGURE.slice(1)) {
    await scene.clock.advance(40);
    calls.push(scene.say(content));
  }
  await scene.clock.advance(60_000);
  return Promise.all(calls);
}

describe('F08 five_messages_while_streaming', () => {
  it('queue: six turns, one after the other', async () => {
    verifies('F08', 'FIG-14', 'COL-01');
    for (const collision of [undefined, { policy: 'queue' } as const]) {
      const room = await scene(collision);
      const results = await figure(room);
      expect(ended(results)).toEqual(FIGURE.map(() => 'committed'));
      expect((await room.replies()).map(textOf)).toEqual(FIGURE.map((content) => `One moment.\n\nHeard: ${content}`));
      expect(room.clock.pendingTimers).toBe(0);
      await room.kit.close();
    }
  });

  it('burst: two turns, the second answers all that came during the first', async () => {
    verifies('F08', 'FIG-14', 'COL-02');
    for (const streaming of [true, false]) {
      const room = await scene({ policy: 'burst' }, { streaming });
      const results = await figure(room);
      expect(ended(results)).toEqual(['committed', 'merged', 'merged', 'merged', 'merged', 'committed']);
      const [first, second] = await room.replies();
      expect((await room.replies()).map(textOf)).toEqual(['One moment.\n\nHeard: m0', 'One moment.\n\nHeard: m1 m2 m3 m4 m5']);
      const ids = results.map(({ event }) => event?.id);
      expect([first?.parentEventId, first?.metadata['answers']]).toEqual([ids[0], undefined]);
      expect([second?.parentEventId, second?.metadata['answers']]).toEqual([ids[5], ids.slice(1)]);
      // Those who waited for the others are told which turn it was, what it said, and not once more what it cost.
      const last = results[5]?.turns[0];
      for (const { turns } of results.slice(1, 5)) {
        expect(turns).toEqual([
          { channelId: 'bot', turnId: last?.turnId, state: 'merged', endReason: 'completed', replyEventIds: [second?.id], usage: {} },
        ]);
      }
      const rows = await room.turns();
      expect(rows.map(({ state, mergedInto }) => [state, mergedInto])).toEqual([
        ['committed', undefined],
        ...[1, 2, 3, 4].map(() => ['merged', last?.turnId]),
        ['committed', undefined],
      ]);
      expect(rows.at(-1)?.triggerEventIds).toEqual(ids.slice(1));
      await room.kit.close();
    }
  });

  it('steer: one turn that saw all', async () => {
    verifies('F08', 'FIG-14', 'COL-03', 'STE-02');
    for (const streaming of [true, false]) {
      const room = await scene({ policy: 'steer' }, { streaming });
      const results = await figure(room);
      expect(ended(results)).toEqual(['committed', 'merged', 'merged', 'merged', 'merged', 'merged']);
      const replies = await room.replies();
      expect(replies.map(textOf)).toEqual(['One moment.\n\nHeard: m0 m1 m2 m3 m4 m5']);
      const ids = results.map(({ event }) => event?.id);
      expect([replies[0]?.parentEventId, replies[0]?.metadata['answers']]).toEqual([ids[5], ids]);
      expect(new Set(results.map(({ turns }) => turns[0]?.turnId)).size).toBe(1);
      expect(room.provider.callCount).toBe(2);
      const [running] = (await room.turns()).filter(({ state }) => state === 'committed');
      expect([running?.triggerEventIds, running?.triggerIndex]).toEqual([ids, results[5]?.event?.index]);
      await room.kit.close();
    }
  });

  it('interrupt: five are cut short, the last is answered; model and tool hear of it at once', async () => {
    verifies('F08', 'FIG-14', 'COL-04', 'STR-05');
    const room = await scene({ policy: 'interrupt' });
    const errors: unknown[] = [];
    room.kit.hook('on_error', (payload) => void errors.push(payload));
    const began = room.clock.now();
    const results = await figure(room);
    expect(results.map(({ turns }) => [turns[0]?.state, turns[0]?.reason, turns[0]?.endReason])).toEqual([
      ...[1, 2, 3, 4, 5].map(() => ['cancelled', 'interrupted', 'cancelled']),
      ['committed', undefined, 'completed'],
    ]);
    expect(results.map(({ error }) => error)).toEqual(FIGURE.map(() => undefined));
    expect(errors).toEqual([]);
    const replies = await room.replies();
    const ids = results.map(({ event }) => event?.id);
    expect(replies.map((reply) => [textOf(reply), reply.parentEventId, reply.metadata['cancelled'], reply.metadata['cancelled_by']])).toEqual([
      ...[0, 1, 2, 3, 4].map((n) => ['One moment.', ids[n], true, ids[n + 1]]),
      ['One moment.\n\nHeard: m5', ids[5], undefined, undefined],
    ]);
    expect(room.aborts.map((at) => at - began)).toEqual([40, 80, 120, 160, 200]);
    expect((await room.turns()).map(({ state }) => state)).toEqual([...[1, 2, 3, 4, 5].map(() => 'cancelled'), 'committed']);
    // The turn that follows sees what was said, and what it broke off.
    const seen = room.provider.calls.at(-2)?.messages.map((message) => `${message.role}: ${messageText(message)}`);
    expect(seen?.slice(-3)).toEqual(['user: m4', 'assistant: One moment.\nOne moment.', 'user: m5']);
    await room.kit.close();
  });

  it('reject: one turn, five are told that the agent is busy', async () => {
    verifies('F08', 'FIG-14', 'COL-05');
    const room = await scene({ policy: 'reject' });
    expect(ended(await figure(room))).toEqual(['committed', ...[1, 2, 3, 4, 5].map(() => 'agent_busy')]);
    expect((await room.replies()).map(textOf)).toEqual(['One moment.\n\nHeard: m0']);
    expect((await room.turns()).map(({ state }) => state)).toEqual(['committed', ...[1, 2, 3, 4, 5].map(() => 'rejected')]);
    await room.kit.close();
  });

  it('in every policy, each message is in the timeline and reaches everybody else', async () => {
    verifies('F08', 'COL-06');
    for (const policy of ['queue', 'burst', 'steer', 'interrupt', 'reject'] as const) {
      const room = await scene({ policy });
      const b = new TestTransport('b');
      room.kit.registerChannel(b);
      await room.kit.attachChannel('room', 'b');
      await figure(room);
      expect(
        b.texts.filter((text) => /^m\d$/.test(text)),
        policy,
      ).toEqual(FIGURE);
      expect(await room.kit.store.listTurns({ roomId: 'room', state: ['queued', 'running'] }), policy).toEqual([]);
      expect(room.clock.pendingTimers, policy).toBe(0);
      await room.kit.close();
    }
  });
});

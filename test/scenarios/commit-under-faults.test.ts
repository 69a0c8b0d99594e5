/** The commit while store, lock or hooks are in trouble: what is in the timeline is heard, what is not was refused. */
import { describe, expect, it } from 'vitest';
import { HookResult } from '../../src/core/index.js';
import { FaultLockManager, FaultStore, TestClock } from '../../src/testing/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

interface Faulty extends Harness {
  readonly store: FaultStore;
  readonly locks: FaultLockManager;
  readonly vendor: TestTransport;
  readonly web: TestTransport;
  readonly roomId: string;
  say(content: string, idempotencyKey?: string): ReturnType<Harness['kit']['processInbound']>;
}

async function faulty(): Promise<Faulty> {
  const clock = new TestClock();
  const store = new FaultStore(undefined, { clock });
  const locks = new FaultLockManager(undefined, { clock });
  const { kit } = makeKit({ clock, store, lockManager: locks });
  const web = new TestTransport('web', { durable: false });
  const vendor = new TestTransport('vendor');
  const roomId = await openRoom(kit, [web, vendor, new TestTransport('other')]);
  const say: Faulty['say'] = (content, idempotencyKey) =>
    kit.processInbound({ channelId: 'web', senderId: 'u', content, ...(idempotencyKey !== undefined && { idempotencyKey }) }, { roomId });
  return { kit, clock, store, locks, vendor, web, roomId, say };
}

describe('a commit', () => {
  it.each([true, false])('that took effect although the store said it failed counts as made (at once: %s)', async (throws) => {
    verifies('INB-23', 'STO-01', 'OUT-14', 'INV-04');
    const { kit, store, vendor, roomId, say } = await faulty();
    const agent = new TestAgent('helper');
    kit.registerChannel(agent);
    await kit.attachChannel(roomId, 'helper');
    store.fail('commitEvent', { when: 'after', throws });
    const result = await say('one', 'k1');
    expect(result).toMatchObject({ blocked: false, duplicate: false, event: { status: 'delivered' }, turns: [{ state: 'committed' }] });
    expect(await say('one', 'k1')).toMatchObject({ duplicate: true, event: { id: result.event?.id } });
    expect(vendor.texts).toEqual(['one', 're: one']);
    expect(agent.asked).toHaveLength(1);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['one', 're: one']);
    await kit.close();
  });

  it('that took effect is found out also when the store cannot say it at once', async () => {
    verifies('INB-20', 'INB-23', 'OUT-12');
    const { kit, clock, store, vendor, roomId, say } = await faulty();
    store.fail('commitEvent', { when: 'after' });
    store.fail('getEvent', { times: 3 });
    const calls = [say('one'), say('two')];
    await clock.advance(0);
    expect(vendor.texts).toEqual([]);
    await clock.advance(5000);
    expect(await Promise.all(calls)).toMatchObject([{ blocked: false }, { blocked: false }]);
    expect(vendor.texts).toEqual(['one', 'two']);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['one', 'two']);
    await kit.close();
  });

  it('that failed leaves nothing, and its lanes as they were', async () => {
    verifies('INB-23', 'OUT-03', 'OUT-02');
    const { kit, store, vendor, roomId, say } = await faulty();
    store.fail('commitEvent');
    await expect(say('one', 'k1')).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(vendor.texts).toEqual([]);
    expect(await say('one', 'k1')).toMatchObject({ duplicate: false, deliveryResults: { vendor: { status: 'sent', attempts: 1 } } });
    expect(vendor.texts).toEqual(['one']);
    expect(store.calls('updateRow')).toBe(2); // one per durable target: they went straight
    await gapless(kit, roomId);
    await kit.close();
  });

  it('of a reply that took effect although the store said it failed is not made again', async () => {
    verifies('TURN-03', 'INV-08');
    const { kit, store, vendor, roomId, say } = await faulty();
    kit.registerChannel(new TestAgent('helper'));
    await kit.attachChannel(roomId, 'helper');
    store.fail('commitEvent', { nth: 2, when: 'after' });
    expect(await say('one')).toMatchObject({ turns: [{ state: 'committed' }] });
    expect(vendor.texts).toEqual(['one', 're: one']);
    await gapless(kit, roomId);
    await kit.close();
  });

  it('keeps what it promised when the lock cannot be given back', async () => {
    verifies('LOCK-02', 'OUT-14', 'INV-04');
    const { kit, locks, vendor, roomId, say } = await faulty();
    locks.fail('release', { when: 'after' });
    locks.fail('release', { when: 'after', nth: 2, throws: true });
    expect(await say('one')).toMatchObject({ blocked: false, deliveryResults: { vendor: { status: 'sent' } } });
    expect(await say('two')).toMatchObject({ blocked: false, deliveryResults: { vendor: { status: 'sent' } } });
    locks.fail('release', { when: 'after' });
    await kit.mute(roomId, 'other');
    expect(vendor.texts).toEqual(['one', 'two']);
    expect((await gapless(kit, roomId)).at(-1)?.type).toBe('channel_muted');
    await kit.close();
  });
});

describe('a turn while the store fails', () => {
  it.each(['before', 'after'] as const)('%s it takes the record of its end is not run again, and keeps its caller no longer', async (when) => {
    verifies('TURN-03', 'TURN-07', 'INB-21');
    const { kit, clock, store, roomId, say } = await faulty();
    const agent = new TestAgent('helper', () => undefined);
    kit.registerChannel(agent);
    await kit.attachChannel(roomId, 'helper');
    store.fail('updateTurn', { times: 4, when });
    expect(await say('one')).toMatchObject({ turns: [{ state: 'empty' }] });
    expect(await kit.store.listTurns({ roomId })).toMatchObject([{ state: when === 'before' ? 'running' : 'empty' }]);
    void say('two');
    await clock.advance(20_000);
    expect(agent.asked.map(textOf)).toEqual(['one', 'two']);
    expect((await kit.store.listTurns({ roomId })).map((turn) => [turn.state, turn.attempts])).toEqual([
      ['empty', 1],
      ['empty', 1],
    ]);
    await kit.close();
  });

  it('before a waiting one can begin begins when the store is back', async () => {
    verifies('TURN-01');
    const { kit, clock, store, roomId, say } = await faulty();
    const agent = new TestAgent('helper', async (event) => {
      if (textOf(event) === 'one') {
        await clock.sleep(1000);
        store.fail('updateTurn', { times: 3 });
      }
      return `re: ${textOf(event)}`;
    });
    kit.registerChannel(agent);
    await kit.attachChannel(roomId, 'helper');
    const calls = [say('one'), say('two')];
    await clock.advance(20_000);
    expect(await Promise.all(calls)).toMatchObject([{ turns: [{ state: 'committed' }] }, { turns: [{ state: 'committed' }] }]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['one', 'two', 're: one', 're: two']);
    await kit.close();
  });
});

describe('a lock that comes too late', () => {
  it("is given back by whoever does not wait any more, and a failure of that is nobody's rejection", async () => {
    verifies('INB-20', 'LOCK-05', 'CON-08');
    const { kit, clock, locks, roomId, say } = await faulty();
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    locks.delay('acquire', 40_000);
    locks.fail('release', { when: 'after' });
    const late = say('one');
    await clock.advance(31_000);
    expect(await late).toMatchObject({ blocked: true, reason: 'process_timeout' });
    await clock.advance(10_000);
    expect(await say('two')).toMatchObject({ blocked: false });
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['two']);
    await kit.close();
  });
});

describe('what a hook does in its room', () => {
  it('is heard also when the message it was about is given up meanwhile, and nobody gets in between', async () => {
    verifies('LOCK-06', 'INB-20', 'F57', 'OUT-02');
    const { kit, clock, store, vendor, web, roomId, say } = await faulty();
    kit.hook('before_broadcast', { channelIds: ['web'], timeoutSeconds: 100 }, async (event) => {
      if (textOf(event) === 'slow') await kit.sendEvent(roomId, 'other', 'from the hook');
      return undefined as never;
    });
    store.delay('commitEvent', 40_000);
    const slow = say('slow');
    await clock.advance(31_000);
    expect(await slow).toMatchObject({ blocked: true, reason: 'process_timeout' });
    const next = say('next');
    await clock.advance(5000);
    expect(vendor.texts).toEqual([]);
    await clock.advance(5000);
    await next;
    expect({ vendor: vendor.texts, web: web.texts }).toEqual({ vendor: ['from the hook', 'next'], web: ['from the hook'] });
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['from the hook', 'next']);
    expect(kit.stats()).toMatchObject({ lanes: 0, queued: 0 });
    await kit.close();
  });

  it('is heard after its cause when it came after it, because the hook was given up', async () => {
    verifies('LOCK-06', 'OUT-02', 'INV-10');
    const { kit, clock, store, vendor, web, roomId, say } = await faulty();
    kit.hook('before_broadcast', { channelIds: ['web'], timeoutSeconds: 1 }, async (event) => {
      if (textOf(event) !== 'cause') return HookResult.allow();
      store.delay('loadRoom', 1500); // until then it is not in the section
      await kit.sendEvent(roomId, 'other', 'aside');
      return HookResult.allow();
    });
    store.delay('commitEvent', 3000, { times: 2 });
    const cause = say('cause');
    await clock.advance(10_000);
    expect(await cause).toMatchObject({ blocked: false });
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['cause', 'aside']);
    expect({ vendor: vendor.texts, web: web.texts }).toEqual({ vendor: ['cause', 'aside'], web: ['aside'] });
    await kit.close();
  });
});

describe('a store that hangs', () => {
  it.each(['loadRoom', 'getEventByIdempotencyKey', 'listEvents'] as const)(
    'in %s ends the waiting with its time, and the room is free again',
    async (method) => {
      verifies('INB-01', 'INB-20', 'LOCK-02');
      const { kit, clock, store, roomId, say } = await faulty();
      kit.hook('before_broadcast', (_event, context) => (context.recentEvents.length >= 0 ? undefined : undefined) as never);
      store.hang(method, method === 'loadRoom' ? { nth: 2 } : {});
      const call = say('one', 'k1');
      await clock.advance(31_000);
      expect(await call).toMatchObject({ blocked: true, reason: 'process_timeout' });
      expect(await say('two')).toMatchObject({ blocked: false });
      store.resume();
      await clock.advance(0);
      expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['two']);
      await kit.close();
    },
  );
});

describe('a store or router that answers later', () => {
  it('is asked once for each message, and its failure is told to the caller alone', async () => {
    verifies('INB-02', 'CON-08');
    const { kit, clock, store, roomId, say } = await faulty();
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    store.fail('loadRoom');
    await expect(say('one')).rejects.toMatchObject({ code: 'store_unavailable' });
    store.fail('findRoute');
    await expect(kit.processInbound({ channelId: 'web', senderId: 'u', content: 'two' })).rejects.toMatchObject({ code: 'store_unavailable' });
    await clock.advance(0);
    const before = store.calls('loadRoom');
    store.delay('loadRoom', 10, { times: 2 });
    const call = say('three');
    await clock.advance(100);
    expect(await call).toMatchObject({ blocked: false });
    expect(store.calls('loadRoom') - before).toBe(2); // once outside of the lock, once under it
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['three']);
    await kit.close();
  });
});

describe('history', () => {
  it('that was read before a message was taken back is not what an agent is shown after', async () => {
    verifies('EDT-04', 'AI-03');
    const { kit, clock, store, roomId, say } = await faulty();
    const agent = new TestAgent('helper');
    kit.registerChannel(agent);
    await kit.attachChannel(roomId, 'helper');
    const secret = await kit.sendEvent(roomId, 'web', 'secret', { participantId: 'u', addressedTo: [] });
    store.delay('listEvents', 1000, { when: 'after' });
    const asking = say('hello');
    await clock.advance(500);
    await kit.sendEvent(roomId, 'web', { type: 'delete', targetEventId: secret.id }, { participantId: 'u' });
    await clock.advance(1000);
    await asking;
    expect(agent.contexts[0]?.visibleTo('helper').map(textOf)).not.toContain('secret');
    await kit.close();
  });
});

describe('a channel whose ready() throws', () => {
  it.each([true, false])('harms nobody else, and is tried (durable: %s)', async (durable) => {
    verifies('BC-02');
    const { kit, vendor, roomId, say } = await faulty();
    const odd = new TestTransport('odd', {
      durable,
      ready: () => {
        throw new Error('Nobody knows.');
      },
    });
    kit.registerChannel(odd);
    await kit.attachChannel(roomId, 'odd');
    const last = new TestTransport('last');
    kit.registerChannel(last);
    await kit.attachChannel(roomId, 'last');
    expect(await say('one')).toMatchObject({ deliveryResults: { odd: { status: 'sent' } } });
    expect([vendor.texts, odd.texts, last.texts]).toEqual([['one'], ['one'], ['one']]);
    await kit.close();
  });
});

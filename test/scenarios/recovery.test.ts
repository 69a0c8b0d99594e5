/** What an earlier process left goes on before everything new, in order (OUT-02, OUT-08, TURN-01). */
import { describe, expect, it } from 'vitest';
import { InMemoryStore, type RoomKit } from '../../src/core/index.js';
import { FaultStore, TestClock } from '../../src/testing/index.js';
import { gapless, makeKit, messagesOf, openRoom, TestAgent, TestTransport, textOf, type Harness } from '../support/harness.js';
import { verifies } from '../requirements.js';

/** A store whose rows survive the kit. `die` cuts the kit off; whoever comes next finds what was committed. */
function survivor(inner = new InMemoryStore()): { open: () => Harness & { die: () => void } } {
  return {
    open: () => {
      const clock = new TestClock();
      const store = new FaultStore(inner, { clock, persistent: true, ownsStore: false });
      return { ...makeKit({ clock, store }), clock, die: () => store.crash('*') };
    },
  };
}

const say = (kit: RoomKit, roomId: string, content: string) =>
  kit.processInbound({ channelId: 'web', senderId: 'u', content }, { roomId, wait: 'commit' });

describe('after a crash', () => {
  it.each(['at once', 'late'] as const)('what was left of a lane goes out before what is new, when the channel is there %s', async (when) => {
    verifies('OUT-02', 'OUT-08', 'INV-10');
    const store = survivor();
    const first = store.open();
    const roomId = await openRoom(first.kit, [new TestTransport('web'), new TestTransport('sms', { ready: () => false })]);
    for (const content of ['1', '2', '3']) await say(first.kit, roomId, content);
    first.die();

    const { kit, clock } = store.open();
    const sms = new TestTransport('sms');
    kit.registerChannel(new TestTransport('web'));
    if (when === 'late') {
      await clock.advance(1000); // recovery has looked, and found no channel
      await say(kit, roomId, '4');
    }
    kit.registerChannel(sms);
    await say(kit, roomId, '5');
    await say(kit, roomId, '6');
    await clock.advance(1000);
    expect(sms.texts).toEqual(when === 'late' ? ['1', '2', '3', '4', '5', '6'] : ['1', '2', '3', '5', '6']);
    expect(new Set((await kit.listDeliveries({ roomId })).map((row) => row.state))).toEqual(new Set(['sent']));
    await kit.close();
  });

  it('rows that nobody here can send keep no others from going out, however many they are', async () => {
    verifies('OUT-08', 'OUT-10');
    const store = survivor();
    const first = store.open();
    for (const channel of [
      new TestTransport('web'),
      new TestTransport('fax', { ready: () => false }),
      new TestTransport('sms', { ready: () => false }),
    ])
      first.kit.registerChannel(channel);
    for (const roomId of ['a', 'b']) {
      await first.kit.createRoom({ roomId });
      await first.kit.attachChannel(roomId, 'web');
    }
    await first.kit.attachChannel('a', 'fax');
    await first.kit.attachChannel('b', 'sms');
    for (let n = 0; n < 620; n++) await say(first.kit, 'a', `${n}`);
    await say(first.kit, 'b', 'hello');
    first.die();

    const { kit, clock } = store.open();
    const sms = new TestTransport('sms');
    kit.registerChannel(sms);
    await clock.advance(0);
    expect(sms.texts).toEqual(['hello']);
    const claims = (kit.store as FaultStore).calls('claimDue');
    await clock.advance(100);
    expect((kit.store as FaultStore).calls('claimDue')).toBe(claims); // it does not look again and again
    const fax = new TestTransport('fax');
    kit.registerChannel(fax);
    await clock.advance(0);
    expect(fax.texts).toEqual(Array.from({ length: 620 }, (_, n) => `${n}`));
    await kit.close();
  });

  it('turns that waited are run before those of new messages, each with what was said before it', async () => {
    verifies('TURN-01', 'TURN-03', 'COL-01');
    const store = survivor();
    const first = store.open();
    const roomId = await openRoom(first.kit, [new TestTransport('web'), new TestAgent('helper', () => new Promise(() => undefined))]);
    for (const content of ['1', '2', '3']) await say(first.kit, roomId, content);
    first.die();

    const { kit, clock } = store.open();
    const helper = new TestAgent('helper');
    kit.registerChannel(new TestTransport('web'));
    kit.registerChannel(helper);
    await say(kit, roomId, '4');
    await clock.advance(1000);
    expect(helper.asked.map(textOf)).toEqual(['1', '2', '3', '4']);
    expect(helper.turns.map(({ turn }) => turn?.attempt)).toEqual([2, 1, 1, 1]);
    expect(messagesOf(await gapless(kit, roomId)).map(textOf)).toEqual(['1', '2', '3', '4', 're: 1', 're: 2', 're: 3', 're: 4']);
    await kit.close();
  });
});

describe('a turn that is run again', () => {
  it('says no second time in other words what the first attempt has said', async () => {
    verifies('TURN-03', 'INV-08');
    const store = survivor();
    const first = store.open();
    const wordy: TestAgent = new TestAgent('helper', () => ({ responseEvents: [wordy.reply('one'), wordy.reply('two')] }));
    const roomId = await openRoom(first.kit, [new TestTransport('web', { durable: false }), wordy]);
    (first.kit.store as FaultStore).crash('commitEvent', { nth: 3 });
    void say(first.kit, roomId, 'hello');
    await first.clock.advance(0);

    const { kit, clock } = store.open();
    kit.registerChannel(new TestTransport('web', { durable: false }));
    kit.registerChannel(new TestAgent('helper', () => 'something else'));
    await clock.advance(1000);
    const events = messagesOf(await gapless(kit, roomId));
    expect(events.map(textOf)).toEqual(['hello', 'one']);
    expect(await kit.store.listTurns({ roomId })).toMatchObject([{ state: 'committed', attempts: 2, replyEventIds: [events[1]?.id] }]);
    await kit.close();
  });
});

describe('what waits for a channel that is not there', () => {
  it('goes out when it comes, in order, also on a store in memory', async () => {
    verifies('OUT-10', 'OUT-12', 'BC-01');
    const { kit, clock } = makeKit();
    const [gone, agent] = [new TestTransport('sms'), new TestAgent('helper')];
    const roomId = await openRoom(kit, [new TestTransport('web'), gone, agent]);
    await kit.unregisterChannel('sms');
    await kit.unregisterChannel('helper');
    await say(kit, roomId, '1');
    await say(kit, roomId, '2');
    await clock.advance(60_000);
    const [sms, helper] = [new TestTransport('sms'), new TestAgent('helper')];
    kit.registerChannel(sms);
    kit.registerChannel(helper);
    await say(kit, roomId, '3');
    await clock.advance(1000);
    expect(helper.asked.map(textOf)).toEqual(['1', '2', '3']);
    expect(sms.texts).toEqual(['1', '2', '3', 're: 1', 're: 2', 're: 3']);
    expect((await kit.listDeliveries({ roomId, channelId: 'sms' })).map((row) => row.attempts)).toEqual([1, 1, 1, 1, 1, 1]);
    await kit.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not wait for ever', async () => {
    verifies('OUT-10', 'INV-17');
    const { kit, clock } = makeKit();
    const roomId = await openRoom(kit, [new TestTransport('web'), new TestTransport('sms')]);
    await kit.unregisterChannel('sms');
    const failed: unknown[] = [];
    kit.on('delivery_failed', (event) => void failed.push(event.data['code']));
    await say(kit, roomId, '1');
    await clock.advance(3_590_000);
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['queued']);
    await clock.advance(20_000);
    expect((await kit.listDeliveries({ roomId })).map((row) => row.state)).toEqual(['expired']);
    expect(failed).toEqual(['expired']);
    expect(clock.pendingTimers).toBe(0); // nothing waits any more, and nobody looks
    await kit.close();
  });
});

describe('kit.redeliver', () => {
  it('loses no row to a store that fails just then', async () => {
    verifies('OUT-06', 'INV-17');
    const clock = new TestClock();
    const store = new FaultStore(undefined, { clock });
    const { kit } = makeKit({ clock, store });
    const sms = new TestTransport('sms');
    const roomId = await openRoom(kit, [new TestTransport('web', { durable: false }), sms]);
    await kit.attachChannel(roomId, 'sms', { retryPolicy: null });
    sms.failNext(1);
    await kit.processInbound({ channelId: 'web', senderId: 'u', content: '1' }, { roomId });
    sms.hangNext();
    await say(kit, roomId, '2');
    const [row] = await kit.listDeliveries({ roomId });
    store.fail('getEvent', { times: 2 });
    const redelivering = kit.redeliver(row?.id ?? '');
    await clock.advance(5000);
    expect(await redelivering).toBe(true);
    sms.resume();
    await clock.advance(10);
    expect(sms.texts).toEqual(['2', '1']);
    await kit.close();
  });

  it('takes up what the store has put back although it says that it failed, and tells of what it has not', async () => {
    verifies('OUT-06', 'INV-17');
    const clock = new TestClock();
    const store = new FaultStore(undefined, { clock });
    const { kit } = makeKit({ clock, store });
    const sms = new TestTransport('sms');
    const roomId = await openRoom(kit, [new TestTransport('web', { durable: false }), sms]);
    await kit.attachChannel(roomId, 'sms', { retryPolicy: null });
    sms.failNext(1);
    await say(kit, roomId, '1');
    const [row] = await kit.listDeliveries({ roomId });
    store.fail('updateRow', { when: 'before' });
    await expect(kit.redeliver(row?.id ?? '')).rejects.toMatchObject({ retryable: true });
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'failed' }]);
    store.fail('updateRow', { when: 'after' });
    expect(await kit.redeliver(row?.id ?? '')).toBe(true);
    await clock.advance(10);
    expect(sms.texts).toEqual(['1']);
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'sent' }]);
    await kit.close();
  });

  it('puts a failed delivery back in its lane, also while the lane is at work', async () => {
    verifies('OUT-06');
    const { kit, clock } = makeKit();
    const sms = new TestTransport('sms');
    const roomId = await openRoom(kit, [new TestTransport('web'), sms]);
    await kit.attachChannel(roomId, 'sms', { retryPolicy: null });
    sms.failNext(1);
    await kit.processInbound({ channelId: 'web', senderId: 'u', content: '1' }, { roomId });
    sms.hangNext();
    await say(kit, roomId, '2');
    const [row] = await kit.listDeliveries({ roomId });
    expect(await kit.redeliver(row?.id ?? '')).toBe(true);
    expect(await kit.redeliver(row?.id ?? '')).toBe(false);
    sms.resume();
    await clock.advance(10);
    expect(sms.texts).toEqual(['2', '1']);
    expect((await kit.listDeliveries({ roomId })).map((one) => one.state)).toEqual(['sent', 'sent']);
    await kit.close();
  });
});

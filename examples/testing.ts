/** Tests of your own conversations: virtual time, doubles that remember, nothing that sleeps. */
// #region test
import assert from 'node:assert/strict';
import { Agent, HookResult, messageText, MockAIProvider, RoomKit, TransportChannel } from 'roomkit';
import { MockTransportProvider, TestClock } from 'roomkit/testing';

// #endregion
// #region crash
import { InMemoryStore } from 'roomkit';
import { FaultStore } from 'roomkit/testing';

// #endregion
// #region contract
import type { ConversationStore } from 'roomkit';
import { storeContract } from 'roomkit/testing';

// #endregion
// #region memories
import { SlidingWindowMemory } from 'roomkit';
import { memoryContract } from 'roomkit/testing';

// #endregion
// #region test
const clock = new TestClock(); // stands still until it is told to go on
const gateway = new MockTransportProvider('gateway');
const model = new MockAIProvider({
  script: ['How can I help?', { toolCalls: [{ id: '1', name: 'look_up', arguments: { order: 7 } }] }, 'It comes on Monday.'],
});

const kit = new RoomKit({ clock });
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms', provider: gateway, recipientKey: 'phone_number' }));
kit.registerChannel(
  new Agent('helper', { provider: model, tools: [{ name: 'look_up', description: 'Finds an order.', handler: () => ({ day: 'Monday' }) }] }),
);
await kit.createRoom({ roomId: 'room', timers: { closedAfterSeconds: 3600 } });
await kit.attachChannel('room', 'texts', { metadata: { phone_number: '+15550123' } });
await kit.attachChannel('room', 'helper');

const text = (content: string) => kit.processInbound({ channelId: 'texts', senderId: '+15550123', content }, { roomId: 'room' });
const sent = () => gateway.sent.map(({ to, content }) => `${to}: ${content.type === 'text' ? content.body : content.type}`);

await text('Hello');
assert.deepEqual(sent(), ['+15550123: How can I help?']);

await text('Where is order 7?');
assert.equal(model.callCount, 3);
assert.equal(messageText(model.calls[2]?.messages.at(-1)), '{"day":"Monday"}'); // what the tool told the model
assert.equal(sent().at(-1), '+15550123: It comes on Monday.');
// #endregion
console.log('an agent and its tool: as expected');

// #region failure
gateway.failNext({ success: false, error: 'http_503', retryable: true }); // or hangNext(), isReady = false
const answer = text('Thanks');
await clock.advance(0);
const before = gateway.requests.length;
await clock.advance(1000); // the first retry
assert.equal(gateway.requests.length, before + 1);
await answer;
// #endregion
console.log('a failing vendor: tried again after a second');

// #region time
await clock.advance(3_601_000);
assert.deepEqual(
  (await kit.sweepRoomTimers()).map(({ status }) => status),
  ['closed'],
);
assert.equal((await text('Too late')).reason, 'room_closed');
// #endregion
console.log('an hour later: closed');

// #region close
await kit.close();
assert.equal(clock.pendingTimers, 0); // nothing was left behind
// #endregion
console.log('closed: no timer left');

// A hook alone needs no kit: it is a function.
// #region hook
const noCards = ({ content }: { content: { type: string; body?: string } }) =>
  /\d{16}/.test(content.body ?? '') ? HookResult.block('card_number') : HookResult.allow();
assert.equal(noCards({ content: { type: 'text', body: '4111111111111111' } }).action, 'block');
// #endregion
console.log('a hook by itself: blocks');

// #region crash
const disk = new InMemoryStore();
const fault = { clock: new TestClock(), persistent: true, ownsStore: false };
const store = new FaultStore(disk, fault);
const dying = new RoomKit({ store, clock: fault.clock });
dying.registerChannel(new TransportChannel('texts', { channelType: 'sms' }));
await dying.createRoom({ roomId: 'room' });
await dying.attachChannel('room', 'texts');

const message = { channelId: 'texts', senderId: '+15550123', content: 'Hello', idempotencyKey: 'gw-1' };
store.crash('commitEvent', { when: 'after' }); // it is written, and the process dies before anybody knows
void dying.processInbound(message, { roomId: 'room' });
await fault.clock.advance(0);

const next = new RoomKit({ store: new FaultStore(disk, fault), clock: fault.clock });
next.registerChannel(new TransportChannel('texts', { channelType: 'sms' }));
const repeated = await next.processInbound(message, { roomId: 'room' }); // the vendor calls again
assert.equal(repeated.duplicate, true);
// #endregion
console.log('a crash between commit and answer: not said twice');
await next.close();

// #region contract
const open = (): ConversationStore => new InMemoryStore(); // your own: new and empty each time
let broken = 0;
for (const promise of storeContract) {
  await promise.run(open).catch(() => broken++); // in your test runner: it(promise.name, () => promise.run(open))
}
// #endregion
console.log(`the contract of storage: ${broken} promises broken`);

// #region memories
let forgotten = 0;
for (const promise of memoryContract) {
  await promise.run(() => new SlidingWindowMemory()).catch(() => forgotten++); // `(inner) => new YourMemory(inner)` for one that wraps another
}
// #endregion
console.log(`the contract of memories: ${forgotten} promises broken`);

// prints:
// an agent and its tool: as expected
// a failing vendor: tried again after a second
// an hour later: closed
// closed: no timer left
// a hook by itself: blocks
// a crash between commit and answer: not said twice
// the contract of storage: 0 promises broken
// the contract of memories: 0 promises broken

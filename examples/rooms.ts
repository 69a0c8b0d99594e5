/** A room lives: it is made, falls silent, pauses, wakes, closes and opens again; and belongs to one organization. */
// #region create
import { InMemoryStore, RoomKit, RoomNotFoundError, WebSocketChannel } from 'roomkit';
import { TestClock } from 'roomkit/testing';

// #endregion
const clock = new TestClock(); // five minutes pass at once; leave it out and time is real
const store = new InMemoryStore();
const kit = new RoomKit({ clock, store, organizationId: 'acme' });
kit.registerChannel(new WebSocketChannel('web'));

// #region create
await kit.createRoom({
  roomId: 'order-7',
  metadata: { order: 7, tags: ['vip'] },
  timers: { inactiveAfterSeconds: 300, closedAfterSeconds: 3600 },
});
await kit.attachChannel('order-7', 'web');
// #endregion
const say = async (content: string): Promise<void> => {
  const { blocked, reason } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'order-7' });
  console.log(`“${content}” ${blocked ? `was refused: ${reason}` : 'was heard'}`);
};
const status = async (): Promise<void> => console.log(`The room is ${(await kit.getRoom('order-7')).status}.`);

await say('Hello');

// #region timers
kit.on('room_paused', ({ data }) => console.log(`paused by ${String(data['reason'])}`));
await clock.advance(301_000);
const changed = await kit.sweepRoomTimers(); // new RoomKit({ sweepIntervalSeconds: 60 }) does it by itself
console.log(`swept: ${changed.map((room) => `${room.id} ${room.status}`).join(', ')}`);
// #endregion
await say('Still there?'); // any message wakes a paused room
await status();
await clock.advance(3601_000);
await kit.sweepRoomTimers();
await status();
await say('Too late');

// #region reopen
await kit.reopenRoom('order-7');
// #endregion
await say('Open again');

// #region metadata
await kit.updateRoomMetadata('order-7', { tags: undefined, priority: 'high' });
const [found] = await kit.listRooms({ status: 'active', metadata: { order: 7 } });
console.log(`found by metadata: ${found?.id} ${JSON.stringify(found?.metadata)}`);
// #endregion

// #region organization
const other = new RoomKit({ clock, store, organizationId: 'other' });
try {
  await other.getRoom('order-7');
} catch (error) {
  if (error instanceof RoomNotFoundError) console.log(`another organization: ${error.code}`);
}
// #endregion

// #region timeline
for (const event of await kit.getTimeline('order-7')) {
  const { content } = event;
  console.log(`${event.index}  ${content.type === 'system' ? content.code : content.type === 'text' ? content.body : content.type}`);
}
// #endregion
await other.close();
await kit.close();

// prints:
// “Hello” was heard
// paused by timer
// swept: order-7 paused
// “Still there?” was heard
// The room is active.
// The room is closed.
// “Too late” was refused: room_closed
// “Open again” was heard
// found by metadata: order-7 {"order":7,"priority":"high"}
// another organization: room_not_found
// 0  channel_attached
// 1  Hello
// 2  room_paused_by_timer
// 3  Still there?
// 4  room_closed_by_timer
// 5  room_reopened
// 6  Open again

/** What is heard and not kept: typing, presence, receipts and reactions; and the read markers that are kept. */
// #region listen
import { RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web', { echo: true })); // one channel, many people
kit.registerChannel(new TransportChannel('texts', { channelType: 'sms' })); // shows none of it, and is skipped
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'texts');

const subscription = await kit.subscribeRoom('room', ({ type, userId, data }) => console.log(`host: ${userId} ${type} ${JSON.stringify(data)}`));
for (const participantId of ['ada', 'bob']) {
  await kit.connectWebsocket('web', participantId, () => undefined, {
    roomIds: ['room'],
    participantId, // nobody is told of his own typing
    ephemeral: ({ type, userId }) => console.log(`  ${participantId} sees: ${userId} ${type}`),
  });
}
// #endregion

const { event } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Lunch?' }, { roomId: 'room' });
const eventId = event?.id ?? '';

// #region publish
await kit.publishTyping('room', 'bob', true, 'web');
await kit.publishTyping('room', 'bob', false, 'web');
await kit.publishReaction('room', 'bob', eventId, '👍', 'add', 'web');
await kit.publishReadReceipt('room', 'bob', eventId, 'web');
await kit.publishPresence('room', 'bob', 'away', 'web');
await kit.publishPresence('room', 'bob', 'in a call', 'web'); // what is none of the three travels as custom
// #endregion

// #region read
console.log(`unread for texts: ${await kit.getUnreadCount('room', 'texts')}`);
await kit.markRead('room', 'texts', eventId);
console.log(`unread for texts: ${await kit.getUnreadCount('room', 'texts')}`);
// #endregion

await kit.unsubscribeRoom(subscription);
await kit.publishTyping('room', 'ada');
console.log(`in the timeline: ${(await kit.getTimeline('room')).map(({ type }) => type).join(', ')}`);

// prints:
// host: bob typing_start {}
//   ada sees: bob typing_start
// host: bob typing_stop {}
//   ada sees: bob typing_stop
// host: bob reaction {"event_id":"…","emoji":"👍","action":"add"}
//   ada sees: bob reaction
// host: bob read_receipt {"event_id":"…"}
//   ada sees: bob read_receipt
// host: bob presence_away {}
//   ada sees: bob presence_away
// host: bob custom {"status":"in a call"}
//   ada sees: bob custom
// unread for texts: 3
// unread for texts: 0
//   bob sees: ada typing_start
// in the timeline: channel_attached, channel_attached, message

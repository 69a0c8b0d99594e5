/** Who hears whom: access, visibility, mute, and the recipes whisper, observer and journal. */
// #region attach
import { Agent, extractText, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';

// #endregion
await using kit = new RoomKit();
for (const channelId of ['customer', 'clerk', 'manager', 'archive']) kit.registerChannel(new WebSocketChannel(channelId));
kit.registerChannel(new Agent('copilot', { provider: new MockAIProvider({ responses: ['Order 7 was paid twice.'] }) }));
await kit.createRoom({ roomId: 'desk' });

// #region attach
await kit.attachChannel('desk', 'customer');
await kit.attachChannel('desk', 'clerk');
await kit.attachChannel('desk', 'copilot', { visibility: 'clerk' }); // whisper: only the clerk hears it
await kit.attachChannel('desk', 'manager', { access: 'read_only' }); // observer: hears all, says nothing
await kit.attachChannel('desk', 'archive', { access: 'write_only', visibility: 'none' }); // journal: kept, heard by nobody
// #endregion

for (const channelId of ['customer', 'clerk', 'manager', 'archive']) {
  await kit.connectWebsocket(
    channelId,
    channelId,
    (frame) => {
      if (frame.type === 'event') console.log(`  ${channelId} hears ${frame.event.source.channelId}: ${extractText(frame.event)}`);
    },
    { roomIds: ['desk'] },
  );
}
const say = async (channelId: string, content: string): Promise<void> => {
  console.log(`${channelId}: ${content}`);
  const { blocked, reason } = await kit.processInbound({ channelId, senderId: channelId, content }, { roomId: 'desk' });
  if (blocked) console.log(`  refused: ${reason}`);
};

await say('customer', 'I paid twice');
await say('manager', 'May I speak?');
await say('archive', 'Call recorded');

// #region change
await kit.mute('desk', 'copilot'); // it still listens; nothing it says is heard
await kit.setAccess('desk', 'manager', 'read_write');
await kit.setVisibility('desk', 'customer', 'clerk,manager'); // from now on
// #endregion
await say('manager', 'Now I may.');
await say('customer', 'Refund me please');

// #region event
await kit.sendEvent('desk', 'clerk', 'Boss, yes or no?', { visibility: 'manager' }); // of this one event
// #endregion

// #region as
const seen = await kit.getTimeline('desk', { as: 'customer' });
console.log(`The customer may read: ${seen.map((event) => extractText(event)).join(' | ')}`);
// #endregion

// prints:
// customer: I paid twice
//   clerk hears customer: I paid twice
//   manager hears customer: I paid twice
//   clerk hears copilot: Order 7 was paid twice.
// manager: May I speak?
//   refused: source_read_only
// archive: Call recorded
// manager: Now I may.
//   customer hears manager: Now I may.
//   clerk hears manager: Now I may.
// customer: Refund me please
//   clerk hears customer: Refund me please
//   manager hears customer: Refund me please
//   manager hears clerk: Boss, yes or no?
// The customer may read: I paid twice | Now I may. | Refund me please

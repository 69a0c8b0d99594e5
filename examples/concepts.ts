/** The words of RoomKit in one room: two transports, an agent, and what each of them may see. */
// #region room
import { Agent, extractText, MockAIProvider, RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';

const texts = new TransportChannel('texts', {
  channelType: 'sms',
  recipientKey: 'phone',
  provider: {
    name: 'pretend-gateway',
    send: ({ to, content }) => {
      console.log(`text to ${to}: ${extractText(content)}`);
      return { success: true };
    },
  },
});
const kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web')); // a channel is registered once …
kit.registerChannel(texts);
kit.registerChannel(new Agent('helper', { provider: new MockAIProvider({ responses: ['I am on it.'] }) }));

await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web'); // … and attached to each room: this makes a binding
await kit.attachChannel('room-1', 'texts', { metadata: { phone: '+4930123456' } });
await kit.attachChannel('room-1', 'helper');

const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'My bike is broken' }, { roomId: 'room-1' });
// #endregion

// #region timeline
for (const event of await kit.getTimeline('room-1')) {
  console.log(event.index, event.source.channelId, `[${event.visibility}]`, extractText(event));
}
// #endregion

// #region outcome
console.log('delivered:', Object.keys(result.deliveryResults));
for (const turn of result.turns) console.log('turn:', turn.channelId, turn.state);
// #endregion
await kit.close();

// prints:
// text to +4930123456: My bike is broken
// text to +4930123456: I am on it.
// 0 system [internal] web was attached.
// 1 system [internal] texts was attached.
// 2 system [internal] helper was attached.
// 3 web [all] My bike is broken
// 4 helper [all] I am on it.
// delivered: [ 'texts' ]
// turn: helper committed

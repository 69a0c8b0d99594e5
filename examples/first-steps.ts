/** The first steps, one after another: a room, an agent, a hook, and a second start that finds it all. */
// #region room
import { extractText, RoomKit, WebSocketChannel } from 'roomkit';

// #endregion
// #region agent
import { Agent, messageText, MockAIProvider } from 'roomkit';

// #endregion
// #region hook
import { HookResult } from 'roomkit';

// #endregion
// #region room
const kit = new RoomKit();
kit.onCommitted((event) => console.log(`${event.index}  ${event.source.channelId}: ${extractText(event)}`));

kit.registerChannel(new WebSocketChannel('web'));
await kit.createRoom({ roomId: 'shop' });
await kit.attachChannel('shop', 'web');

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Good morning!' }, { roomId: 'shop' });
// #endregion

// #region agent
kit.registerChannel(
  new Agent('helper', {
    role: 'Shop assistant',
    systemPrompt: 'You answer questions of customers in one sentence.',
    provider: new MockAIProvider({
      responder: ({ messages }) => (/open/i.test(messageText(messages.at(-1))) ? 'We are open from nine to five.' : 'Ask me when we are open.'),
    }),
  }),
);
await kit.attachChannel('shop', 'helper');

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'When are you open?' }, { roomId: 'shop' });
// #endregion

// #region hook
kit.hook('before_broadcast', { name: 'no_cards' }, (event) =>
  /\d{16}/.test(extractText(event)) ? HookResult.block('card_number') : HookResult.allow(),
);

const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'My card is 4111111111111111' }, { roomId: 'shop' });
console.log(`blocked: ${result.blocked}, because of ${result.reason}`);
// #endregion

// #region look
const { event } = result;
console.log(event?.status, event?.blockedBy);
console.log(event && kit.getTrace(event.id)?.hooks.map(({ hook, verdict }) => `${hook}: ${verdict}`));
// #endregion

// #region close
await kit.close();
// #endregion

// prints:
// 0  system: web was attached.
// 1  web: Good morning!
// 2  system: helper was attached.
// 3  web: When are you open?
// 4  helper: We are open from nine to five.
// 5  web: My card is 4111111111111111
// blocked: true, because of card_number
// blocked no_cards
// [ 'no_cards: block' ]

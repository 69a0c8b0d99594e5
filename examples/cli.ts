/** A file as `roomkit dev` and `roomkit start` run it: a function that opens the kit, and who may use the server. */
// #region app
import { Agent, MockAIProvider, RoomKit, WebSocketChannel, type ConversationStore } from 'roomkit';
import type { ServeOptions } from 'roomkit/server';

export default async function openKit({ store }: { store: ConversationStore }): Promise<RoomKit> {
  const kit = new RoomKit({ store });
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(new Agent('helper', { role: 'Helper', provider: new MockAIProvider({ responses: ['Hello!'] }) }));
  await kit.ensureRoom({ roomId: 'lobby' });
  await kit.attachChannel('lobby', 'web');
  await kit.attachChannel('lobby', 'helper');
  return kit;
}

export const server: Partial<ServeOptions> = { port: 4200 }; // what serve(kit, options) takes; may be left out
// #endregion
// #region test
import { extractText, InMemoryStore } from 'roomkit';

// #endregion

// #region test
await using kit = await openKit({ store: new InMemoryStore() });
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi!' }, { roomId: 'lobby' });
for (const event of await kit.getTimeline('lobby')) if (event.type === 'message') console.log(extractText(event));
// #endregion

// prints:
// Hi!
// Hello!

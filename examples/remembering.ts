/** An agent that remembers more than its window: a rolling summary of what left it, and earlier messages found again. */
// #region remembering
import { Agent, messageText, MockAIProvider, RetrievalMemory, RoomKit, SlidingWindowMemory, SummarizingMemory, WebSocketChannel } from 'roomkit';
import { SqliteStore } from 'roomkit/sqlite';

const scribe = new MockAIProvider({ responses: ['Ada ordered a lamp (4711). It came broken.'] }); // a small, cheap model will do
const model = new MockAIProvider({ responses: ['Noted.'] });
const summarizing = new SummarizingMemory(new SlidingWindowMemory(), { provider: scribe, keepEvents: 4, everyEvents: 4 });
const memory = new RetrievalMemory(summarizing, { maxHits: 2 });

const kit = new RoomKit({ store: await SqliteStore.open(':memory:') }); // which has full-text search
kit.registerChannel(new Agent('helper', { provider: model, memory }));
// #endregion
kit.registerChannel(new WebSocketChannel('web'));
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'helper');

const say = (content: string): Promise<unknown> => kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' });
for (const words of ['My lamp 4711 is here', 'It is broken', 'I am sad', 'And it is raining', 'Soon it is dark']) await say(words);
while (kit.stats().tasks > 0) await kit.clock.sleep(1); // the summary is made beside the turns
await say('What about my lamp?');
await kit.close();

console.log(
  model.calls
    .at(-1)
    ?.messages.map((message) => `${message.role}: ${messageText(message)}`)
    .join('\n'),
);

// prints:
// user: [Earlier messages, quoted]
// … ada: "My lamp 4711 is here"
// [End of the quotes]
// [Summary of the earlier conversation]
// Ada ordered a lamp (4711). It came broken.
// [End of the summary]
// I am sad
// assistant: Noted.
// user: And it is raining
// assistant: Noted.
// user: Soon it is dark
// assistant: Noted.
// user: What about my lamp?

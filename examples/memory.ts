/** What an agent is shown of a conversation: a window, a budget of tokens, a handoff's note, and a memory of your own. */
// #region memories
import {
  Agent,
  BudgetAwareMemory,
  extractText,
  HandoffMemoryProvider,
  messageText,
  MockAIProvider,
  RoomKit,
  SlidingWindowMemory,
  WebSocketChannel,
} from 'roomkit';
import type { MemoryProvider, MemoryResult, RoomContext, RoomEvent } from 'roomkit';

// #endregion
// #region own
/** Remembers what people like, for as long as the process lives, and shows the newest words beside it. */
class LikesMemory implements MemoryProvider {
  readonly name = 'likes';
  readonly maxEvents = 2;
  readonly #likes = new Map<string, string[]>();

  /** Told once of every event the agent may see. */
  ingest(event: RoomEvent): void {
    const [, like] = /I like (\w+)/.exec(extractText(event)) ?? [];
    if (like !== undefined) this.#likes.set(event.roomId, [...(this.#likes.get(event.roomId) ?? []), like]);
  }

  /** `context.recentEvents` is the history as this agent may see it; there is no way around it. */
  retrieve(roomId: string, _event: RoomEvent, context: RoomContext): MemoryResult {
    const likes = this.#likes.get(roomId) ?? [];
    return {
      messages: likes.length === 0 ? [] : [{ role: 'user', content: `[Known likes: ${likes.join(', ')}]` }],
      events: context.recentEvents.slice(-this.maxEvents),
    };
  }
}
// #endregion

// #region memories
const memories: Record<string, MemoryProvider> = {
  window: new SlidingWindowMemory({ maxEvents: 2 }),
  budget: new BudgetAwareMemory(new SlidingWindowMemory(), { maxContextTokens: 40, answerTokens: 10, minEvents: 1 }),
  handoff: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 2 })),
  likes: new LikesMemory(),
};
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
const models = new Map<string, MockAIProvider>();
for (const [name, memory] of Object.entries(memories)) {
  const provider = new MockAIProvider({ responses: ['Noted.'] });
  models.set(name, provider);
  kit.registerChannel(new Agent(name, { provider, memory }));
}
await kit.createRoom({ roomId: 'room', agentResponsePolicy: 'addressed_only' });
await kit.attachChannel('room', 'web');
for (const name of models.keys()) await kit.attachChannel('room', name);
await kit.updateRoomMetadata('room', {
  _conversation_state: { context: { handoff_from: 'triage', handoff_summary: 'Ada wants a fruit basket.' } },
});

const say = (content: string, addressedTo: string[] = []): Promise<unknown> =>
  kit.processInbound({ channelId: 'web', senderId: 'ada', content, addressedTo }, { roomId: 'room' });
for (const words of ['I like apples', 'Not the green ones', 'I like pears', 'Ripe ones, of course']) await say(words);
await say('What do I like?', [...models.keys()]);

for (const [name, model] of models) {
  const shown = model.calls.at(-1)?.messages.map((message) => messageText(message)) ?? [];
  console.log(`${name}: ${shown.join(' / ').replaceAll('\n', ' / ')}`);
}

// prints:
// window: I like pears / Ripe ones, of course / What do I like?
// budget: I like apples / Not the green ones / I like pears / Ripe ones, of course / What do I like?
// handoff: [Context from previous agent (triage)]: Ada wants a fruit basket. / I like pears / Ripe ones, of course / What do I like?
// likes: [Known likes: apples, pears] / I like pears / Ripe ones, of course / What do I like?

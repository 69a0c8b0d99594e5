/** Directing a turn that runs: more facts before its next thought, a change of tone, and an end at once. */
// #region inject
import { Agent, extractText, messageText, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';

// #endregion
// A model that looks something up first, then tells what it knows by then.
const model = new MockAIProvider({
  responder: ({ messages, systemPrompt }) => {
    if (!messages.some(({ role }) => role === 'tool')) return { toolCalls: [{ id: 'call-1', name: 'look_up', arguments: {} }] };
    const learned = messages.at(-1)?.role === 'user' ? messageText(messages.at(-1)) : 'nothing new';
    return `I learned: ${learned} (${systemPrompt?.split('\n').at(-1)})`;
  },
});

let answerTool: (result: string) => void = () => undefined;
const agent = new Agent('helper', {
  provider: model,
  systemPrompt: 'Neutral.',
  tools: [
    {
      name: 'look_up',
      description: 'Takes its time.',
      handler: (_args, { signal }) =>
        new Promise<string>((resolve, reject) => {
          answerTool = resolve;
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
          started();
        }),
    },
  ],
});
let started: () => void = () => undefined;

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(agent);
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'helper');

/** Asks, and lets `meanwhile` happen while the agent's tool is at work. */
async function ask(content: string, meanwhile: () => void): Promise<void> {
  const running = new Promise<void>((resolve) => (started = resolve));
  const asked = kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' });
  await running;
  meanwhile();
  answerTool('Nothing found.');
  const { turns } = await asked;
  const reply = await kit.getEvent('room', turns[0]?.replyEventIds[0] ?? '');
  console.log(`${content} → ${turns[0]?.endReason}: ${reply === null ? 'no answer' : extractText(reply)}`);
}

await ask('Where is it?', () => {
  // #region inject
  agent.steer({ type: 'inject_message', content: 'The parcel left Lyon at noon.' }, { roomId: 'room' });
  agent.steer({ type: 'update_system_prompt', append: 'Cheerful.' }, { roomId: 'room' });
  // #endregion
});

await ask('And the other one?', () => {
  // #region cancel
  agent.steer({ type: 'cancel', reason: 'The customer hung up.' }, { roomId: 'room' });
  // #endregion
});

// #region nobody
const taken = agent.steer({ type: 'inject_message', content: 'Too late.' }, { roomId: 'room' });
console.log(`With no turn running: ${taken}`);
// #endregion

// prints:
// Where is it? → completed: I learned: The parcel left Lyon at noon. (Cheerful.)
// And the other one? → cancelled: no answer
// With no turn running: false

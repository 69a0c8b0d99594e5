/** An agent in a room: who it is, what it sees, how a room changes its settings, and what its turn cost. */
// #region agent
import { Agent, extractText, messageText, MockAIProvider, RoomKit, silentLogger, WebSocketChannel } from 'roomkit';

const model = new MockAIProvider({
  responder: ({ messages }) => `You said: ${messageText(messages.at(-1))}`,
});

await using kit = new RoomKit({ logger: silentLogger }); // one turn below fails, as it is meant to
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(
  new Agent('helper', {
    provider: model,
    role: 'Help desk',
    scope: 'Orders and deliveries',
    language: 'English',
    systemPrompt: 'Answer in one sentence.',
    temperature: 0.2,
  }),
);

await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'helper');

const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is my parcel?' }, { roomId: 'room' });
// #endregion

const [turn] = result.turns;
console.log(`turn: ${turn?.channelId} ${turn?.state}, ${turn?.endReason}, ${JSON.stringify(turn?.usage)}`);
const answer = (await kit.getTimeline('room')).at(-1);
console.log(
  `answer: ${answer === undefined ? '' : extractText(answer)} (depth ${answer?.chainDepth}, answers ${answer?.parentEventId === result.event?.id})`,
);
console.log(`prompt:\n${model.calls[0]?.systemPrompt}`);

// #region layers
await kit.createRoom({ roomId: 'vip', aiConfig: { systemPrompt: 'Be brief and very kind.', temperature: 0.7 } });
await kit.attachChannel('vip', 'web');
await kit.attachChannel('vip', 'helper', { metadata: { temperature: 0 } }); // binding over room over agent
// #endregion
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hello' }, { roomId: 'vip' });
const asked = model.calls.at(-1);
console.log(`in the other room: ${asked?.systemPrompt?.split('\n')[0]} at ${asked?.temperature}`);

// Two agents who may answer each other: the depth of a chain is bounded.
await kit.createRoom({ roomId: 'debate' });
await kit.attachChannel('debate', 'web');
await kit.attachChannel('debate', 'helper');
kit.registerChannel(new Agent('critic', { provider: new MockAIProvider({ responses: ['I doubt that.'] }) }));
await kit.attachChannel('debate', 'critic');
// #region addressed
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Critic only, please', addressedTo: ['critic'] }, { roomId: 'debate' });
// #endregion
const said = (await kit.getTimeline('debate', { limit: 100 })).filter(({ type }) => type === 'message');
console.log(
  `debate: ${said.map(({ source, chainDepth, status }) => `${source.channelId}@${chainDepth}${status === 'blocked' ? '✗' : ''}`).join(' ')}`,
);

// #region failure
kit.hook('on_error', ({ category, code, channel_id }) => console.log(`${category} failed: ${code} in ${channel_id}`));
kit.registerChannel(new Agent('broken', { provider: new MockAIProvider({ script: [new Error('The model is away.')] }) }));
await kit.attachChannel('room', 'broken');
const failed = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Anybody?', addressedTo: ['broken'] }, { roomId: 'room' });
console.log(`failed turn: ${failed.turns[0]?.state}; the message itself: ${failed.event?.status}`);
// #endregion

// prints:
// turn: helper committed, completed, {"input_tokens":10,"output_tokens":5}
// answer: You said: Where is my parcel? (depth 1, answers true)
// prompt:
// Answer in one sentence.
// --- Agent Identity ---
// Role: Help desk
// Scope: Orders and deliveries
// Language: Always respond in English
// in the other room: Be brief and very kind. at 0
// debate: web@0 critic@1 helper@2 critic@3 helper@4 critic@5✗
// turn failed: internal in broken
// failed turn: failed; the message itself: delivered

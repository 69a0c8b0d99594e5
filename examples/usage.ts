/** What agents use, in tokens and in money, and a budget that refuses the next generation. */
// #region budget
import { Agent, MockAIProvider, RoomKit, WebSocketChannel } from 'roomkit';

const model = new MockAIProvider({ responses: ['It comes on Monday.'], model: 'small' }); // 10 tokens in, 5 out
const kit = new RoomKit({
  prices: { small: { input: 0.8, output: 4 } }, // per million tokens
});
kit.registerChannel(new Agent('helper', { provider: model, budget: { room: 40, day: { cost: 5 } } }));
// #endregion
kit.registerChannel(new WebSocketChannel('web'));
await kit.createRoom({ roomId: 'room', aiConfig: { budget: { turn: { tokens: 20_000 } } } });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'helper');

// #region refused
kit.hook('on_error', { name: 'watch' }, ({ category, message }) => console.log(`${category}: ${message}`));
for (let asked = 1; asked <= 4; asked++) {
  const { turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is it?' }, { roomId: 'room' });
  console.log(`${asked}: ${turns[0]?.endReason}`);
}
// #endregion

// #region usage
const usage = await kit.getUsage('room'); // or { agentId, organizationId, from, to }, or nothing: everything
console.log(`${usage.generations} generations, ${JSON.stringify(usage.tokens)}, ${usage.cost?.toFixed(6)}`);
for (const { agentId, model: name, generations, cost } of usage.rows) console.log(`${agentId} with ${name}: ${generations}, ${cost?.toFixed(6)}`);
// #endregion
await kit.close();

// prints:
// 1: completed
// 2: completed
// 3: completed
// budget: The budget of agent 'helper' for a room is used up: 45 of 40 tokens.
// 4: budget_exceeded
// 3 generations, {"input_tokens":30,"output_tokens":15}, 0.000084
// helper with small: 3, 0.000084

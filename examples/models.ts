/** A real vendor's model behind an agent, here in front of an emulator that speaks the vendor's protocol. */
// #region emulator
import { AnthropicAIProvider } from 'roomkit/anthropic';
import { AnthropicEmulator } from 'roomkit/emulators';
// #endregion
import { Agent, defineTool, extractText, RoomKit, WebSocketChannel } from 'roomkit';

// #region scripted
// In the place of the vendor: a server on loopback that answers what it is told, and refuses what the vendor refuses.
await using vendor = await AnthropicEmulator.start({
  models: ['claude-test'],
  script: [
    { text: 'Let me look.', toolCalls: [{ name: 'look_up_order', arguments: { number: '12345' } }] },
    { failure: { status: 529 } }, // overloaded: the provider's retry policy asks once more
    'Order 12345 left us on Monday.',
  ],
});
// #endregion

const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Finds an order by its number.',
  parameters: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'], additionalProperties: false } as const,
  idempotent: true,
  handler: ({ number }) => ({ number, left: 'Monday' }),
});

// #region agent
const provider = new AnthropicAIProvider({
  model: 'claude-test', // the id of the model you want
  apiKey: 'test-key', // without it: the environment variable ANTHROPIC_API_KEY
  baseUrl: vendor.url, // without it: the vendor
  retryPolicy: { maxRetries: 2, baseDelaySeconds: 0.01 },
});
const agent = new Agent('support', { provider, systemPrompt: 'You answer questions about orders.', tools: [lookUpOrder] });
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(agent);
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'support', { category: 'intelligence' });

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Where is order 12345?' });
for (const event of await kit.getTimeline('room')) if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event)}`);

// #region asked
for (const { body } of vendor.requests) {
  const { stream, messages } = body as { stream: boolean; messages: { role: string }[] };
  console.log(`asked ${stream ? 'for a stream ' : ''}with ${messages.map(({ role }) => role).join(', ')}`);
}
// #endregion

// prints:
// roomkit warn: A model failed; it is tried again. channelId=support provider=anthropic code=http_529 next=retry
// web: Where is order 12345?
// support: Let me look.
//
// Order 12345 left us on Monday.
// asked for a stream with user
// asked for a stream with user, assistant, user
// asked for a stream with user, assistant, user

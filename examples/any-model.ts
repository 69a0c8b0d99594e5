/** Models that no vendor's subpath is needed for: those of the AI SDK, and agents that are served elsewhere. */
// #region ai-sdk
import { Agent, defineTool } from 'roomkit';
import { AISDKProvider } from 'roomkit/ai-sdk';
// #endregion
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { extractText, RoomKit, WebSocketChannel } from 'roomkit';

// In the place of a real one, such as createMistral()('mistral-…') of the package @ai-sdk/mistral.
const usage = { inputTokens: { total: 9, noCache: 9, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 4, text: 4, reasoning: 0 } };
const model = new MockLanguageModelV3({
  modelId: 'mistral-test',
  doStream: ({ prompt }) => {
    const isAsked = prompt.at(-1)?.role === 'user';
    const finishReason = { unified: isAsked ? 'tool-calls' : 'stop', raw: 'end' } as const;
    const call = { type: 'tool-call', toolCallId: 'call-1', toolName: 'clock', input: '{"city":"Bern"}' } as const;
    const said = { type: 'text-delta', id: '0', delta: 'It is noon in Bern.' } as const;
    return Promise.resolve({ stream: simulateReadableStream({ chunks: [isAsked ? call : said, { type: 'finish', finishReason, usage }] }) });
  },
});

const clock = defineTool({
  name: 'clock',
  description: 'Tells the time in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } as const,
  idempotent: true,
  handler: ({ city }) => `noon in ${city}`,
});

// #region agent
const helper = new Agent('helper', {
  provider: new AISDKProvider({ model }), // any language model of the AI SDK, with its key and its settings
  systemPrompt: 'You tell the time.',
  tools: [clock],
});
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(helper);
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'helper', { category: 'intelligence' });

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'How late is it in Bern?' });
for (const event of await kit.getTimeline('room')) if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event)}`);
for (const { prompt } of model.doStreamCalls) console.log(`asked with ${prompt.map(({ role }) => role).join(', ')}`);

// prints:
// web: How late is it in Bern?
// helper: It is noon in Bern.
// asked with system, user
// asked with system, user, assistant, tool

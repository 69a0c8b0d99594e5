/** Models that no vendor's subpath is needed for: those of the AI SDK, and agents that are served elsewhere. */
// #region ai-sdk
import { Agent, defineTool } from 'roomkit';
import { AISDKProvider } from 'roomkit/ai-sdk';
import { PydanticAIProvider } from 'roomkit/pydantic-ai';
// #endregion
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { AGUIEmulator } from 'roomkit/emulators';
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

// In the place of a Pydantic AI agent that is served somewhere: it runs `forecast` by itself, and asks us for `clock`.
await using served = await AGUIEmulator.start({
  remoteTools: { forecast: 'sunny' },
  script: [
    { text: 'Let me see.', toolCalls: [{ name: 'forecast' }, { name: 'clock', arguments: { city: 'Bern' } }] },
    'It is noon in Bern, and sunny.',
  ],
});

// #region served
const weather = new Agent('weather', {
  provider: new PydanticAIProvider({ url: `${served.url}/agent`, apiKey: 'test-key' }), // any agent that speaks AG-UI
  tools: [clock], // offered to it, and run here
});
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(helper);
kit.registerChannel(weather);
for (const [roomId, agentId, question] of [
  ['time', 'helper', 'How late is it in Bern?'],
  ['sky', 'weather', 'What is it like in Bern?'],
] as const) {
  await kit.createRoom({ roomId });
  await kit.attachChannel(roomId, 'web');
  await kit.attachChannel(roomId, agentId, { category: 'intelligence' });
  await kit.processInbound({ channelId: 'web', senderId: 'ada', content: question }, { roomId });
  for (const event of await kit.getTimeline(roomId))
    if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event).replaceAll('\n\n', ' | ')}`);
}
for (const { prompt } of model.doStreamCalls) console.log(`the model is asked with ${prompt.map(({ role }) => role).join(', ')}`);
for (const { body } of served.requests) {
  const { threadId, messages } = body as { threadId: string; messages: { role: string }[] };
  console.log(`the served agent runs for ${threadId} with ${messages.map(({ role }) => role).join(', ')}`);
}

// prints:
// web: How late is it in Bern?
// helper: It is noon in Bern.
// web: What is it like in Bern?
// weather: Let me see. | It is noon in Bern, and sunny.
// the model is asked with system, user
// the model is asked with system, user, assistant, tool
// the served agent runs for sky with user
// the served agent runs for sky with user, assistant, tool, assistant, tool

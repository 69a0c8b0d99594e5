/** The README's agent on Gemini, here in front of an emulator that speaks the vendor's protocol. */
// #region agent
import { Agent, HandoffMemoryProvider, SlidingWindowMemory } from 'roomkit';
import { GeminiAIProvider, type GeminiConfig } from 'roomkit/gemini';
// #endregion
import { defineTool, extractText, RoomKit, WebSocketChannel } from 'roomkit';
import { GeminiEmulator } from 'roomkit/emulators';

// In the place of the vendor: without `baseUrl` below, and with GEMINI_API_KEY in the environment, it is Gemini itself.
await using vendor = await GeminiEmulator.start({
  models: ['gemini-test'],
  script: [
    { thinking: 'A pension is for Anna.', toolCalls: [{ name: 'find_advisor', arguments: { topic: 'pension' } }] },
    'Anna knows pensions best: she can call you at 14:00.',
  ],
});

const findAdvisor = defineTool({
  name: 'find_advisor',
  description: 'Finds who advises on a topic.',
  parameters: {
    type: 'object',
    properties: { topic: { type: 'string', enum: ['pension', 'mortgage', null] } },
    required: ['topic'],
    additionalProperties: false,
  } as const,
  idempotent: true,
  handler: ({ topic }) => ({ topic, advisor: 'Anna', free: '14:00' }),
});

// #region config
const config: GeminiConfig = {
  model: 'gemini-test', // the id of the model you want
  apiKey: 'test-key', // without it: the environment variable GEMINI_API_KEY or GOOGLE_API_KEY
  baseUrl: vendor.url, // without it: the vendor
  thinking: 'low', // a number of tokens for models before Gemini 3
};

const triage = new Agent('agent-triage', {
  provider: new GeminiAIProvider(config),
  role: 'Triage receptionist',
  description: 'Routes callers to the right specialist',
  scope: 'Financial advisory services only',
  language: 'French',
  systemPrompt: 'You triage incoming requests.',
  memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 20 })),
  tools: [findAdvisor],
});
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(triage);
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'agent-triage', { category: 'intelligence' });

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Who can help me with my pension?' });
for (const event of await kit.getTimeline('room')) if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event)}`);

// #region asked
interface Asked {
  contents: { role: string; parts: { thoughtSignature?: string; functionCall?: object }[] }[];
  tools: { functionDeclarations: { parameters: object }[] }[];
}
const asked = vendor.requests.map(({ body }) => body as Asked);
console.log(JSON.stringify(asked[0]?.tools[0]?.functionDeclarations[0]?.parameters));
for (const { contents } of asked)
  console.log(contents.map(({ role, parts }) => `${role}${parts[0]?.thoughtSignature ? ', signed' : ''}`).join(' | '));
// #endregion

// prints:
// web: Who can help me with my pension?
// agent-triage: Anna knows pensions best: she can call you at 14:00.
// {"type":"OBJECT","properties":{"topic":{"type":"STRING","nullable":true,"enum":["pension","mortgage"]}},"required":["topic"]}
// user
// user | model, signed | user

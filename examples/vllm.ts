/** A local model that thinks before it speaks, here in front of an emulator of a vLLM server. */
import { Agent, extractText, RoomKit, WebSocketChannel } from 'roomkit';
import { VllmEmulator } from 'roomkit/emulators';
import { createVllmProvider } from 'roomkit/vllm';

// In the place of `vllm serve Qwen/Qwen3-8B`: a server on loopback whose model writes its thoughts between tags.
await using server = await VllmEmulator.start({
  models: ['Qwen/Qwen3-8B'],
  thinking: 'tags',
  script: [{ thinking: 'They greet me. A greeting back will do.', text: 'Hello! How can I help?' }],
});

// #region provider
const provider = createVllmProvider({
  model: 'Qwen/Qwen3-8B',
  baseUrl: server.baseUrl, // without it: http://localhost:8000/v1
  streamUsage: true, // vLLM takes the question; leave it out for servers that do not
});
const agent = new Agent('local', { provider, systemPrompt: 'You help, in few words.' });
// #endregion

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(agent);
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'local', { category: 'intelligence' });

await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Hi there.' });
for (const event of await kit.getTimeline('room')) if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event)}`);

// The thoughts reached nobody in the room; the provider tells them apart.
server.enqueue({ thinking: 'Two and two. Four.', text: 'Four.' });
const items = provider.generateStream({ messages: [{ role: 'user', content: 'Two and two?' }], tools: [], targetMediaTypes: [] });
const told = { text_delta: '', thinking_delta: '' };
for await (const item of items) if (item.type === 'text_delta' || item.type === 'thinking_delta') told[item.type] += item.text;
console.log(`thought: ${told.thinking_delta}`);
console.log(`said: ${told.text_delta}`);

// prints:
// web: Hi there.
// local: Hello! How can I help?
// thought: Two and two. Four.
// said: Four.

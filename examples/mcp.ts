/** An assistant in a room: an MCP client reads what was said, leaves a note, and calls a person. */
// #region serve
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createApiKey, serve } from 'roomkit/server';

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new WebSocketChannel('desk'));
await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'web');
await kit.attachChannel('room-1', 'desk');

const { key, hash } = await createApiKey('assistant');
const port = Number(process.env.PORT ?? 4170);
await using server = await serve(kit, { port, authenticate: apiKeys([{ id: 'assistant', hash, scopes: ['read', 'write', 'operate'] }]) });
// #endregion
await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Your last answer was wrong!' }, { roomId: 'room-1' });

// #region client
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const client = new Client({ name: 'my-assistant', version: '1.0.0' });
await client.connect(
  new StreamableHTTPClientTransport(new URL(`${server.url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }),
);

const use = async (name: string, given: object): Promise<Record<string, unknown>> => {
  const { content } = await client.callTool({ name, arguments: { ...given } });
  return JSON.parse((content[0] as { text: string }).text) as Record<string, unknown>;
};

const { events } = await use('read_timeline', { roomId: 'room-1', limit: 1 });
console.log((events as { content: { body: string } }[])[0]?.content.body);

await use('send_message', { roomId: 'room-1', channelId: 'desk', content: 'I checked: she is right.', visibility: 'internal' });
const { accepted } = await use('escalate_to_human', { roomId: 'room-1', reason: 'The customer is upset', summary: 'The last answer was wrong.' });
console.log(accepted);

const { contents } = await client.readResource({ uri: 'room://room-1/participants' });
console.log(contents[0]?.mimeType);
await client.close();
// #endregion

// prints:
// Your last answer was wrong!
// true
// application/json

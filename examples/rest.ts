/** Driving rooms over HTTP: saying something, reading it, taking a conversation over. */
import { RoomKit, WebSocketChannel } from 'roomkit';
import { apiKeys, createApiKey, serve } from 'roomkit/server';

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));

const { key, hash } = await createApiKey('backend');
const port = Number(process.env.PORT ?? 4170);
await using server = await serve(kit, { port, authenticate: apiKeys([{ id: 'backend', hash, scopes: ['read', 'write', 'operate'] }]) });

// #region ask
async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Record<string, unknown>;
}

await ask('POST', '/api/rooms', { roomId: 'room-1', channels: ['web'], ensure: true });

// As somebody who writes over a channel. Sent again with the same key it is said once.
const message = { channelId: 'web', senderId: 'ada', content: 'Where is my order?' };
const first = await ask('POST', '/api/rooms/room-1/messages', message, { 'idempotency-key': 'order-1' });
const again = await ask('POST', '/api/rooms/room-1/messages', message, { 'idempotency-key': 'order-1' });
console.log(first.duplicate, again.duplicate);

// Page by page: go on after the last index you have.
const { events, latestIndex } = await ask('GET', '/api/rooms/room-1/events?afterIndex=0&limit=50');
console.log(
  (events as { content: { body: string } }[]).map(({ content }) => content.body),
  latestIndex,
);

// A person takes over; null stands for people.
const { handledByHuman } = await ask('PUT', '/api/rooms/room-1/conversation/active-agent', { agentId: null, reason: 'asked for one' });
console.log(handledByHuman);
// #endregion

// #region document
const document = await ask('GET', '/openapi.json');
console.log(document.openapi, Object.keys(document.paths as object).includes('/api/rooms/{roomId}/messages'));
// #endregion

// prints:
// false true
// [ 'Where is my order?' ] 1
// true
// 3.1.0 true

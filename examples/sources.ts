/** Messages from connections that this process keeps: a WebSocket, and server-sent events that go on where they broke off. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
// #region websocket
import { RoomKit, silentLogger, TransportChannel } from 'roomkit';
import { WebSocketSource } from 'roomkit/sources';

// #endregion
// #region sse
import { SSESource } from 'roomkit/sources';

// #endregion

// The other side of the first: it speaks to whoever connects, and is gone once it was heard out.
const chat = new WebSocketServer({ port: 0, host: '127.0.0.1' });
chat.on('connection', (socket) => {
  socket.send(JSON.stringify({ sender_id: 'ada', text: 'Hello', external_id: 'm-1' }));
  socket.send('this is no message');
  socket.send(JSON.stringify({ sender_id: 'bob', text: 'Hi Ada', external_id: 'm-2', metadata: { mood: 'good' } }));
});
await once(chat, 'listening');

// The other side of the second: each answer ends after one event, and goes on after the event that the reader has had.
const news = createServer((request, response) => {
  const next = Number(request.headers['last-event-id'] ?? 0) + 1;
  if (next > 3)
    response.writeHead(204).end(); // there is nothing to come any more
  else {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`retry: 50\nid: ${next}\ndata: ${JSON.stringify({ sender_id: 'paper', text: `Issue ${next}` })}\n\n`);
  }
}).listen(0, '127.0.0.1');
await once(news, 'listening');

const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
};
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const url = `ws://127.0.0.1:${portOf(chat)}/events`;

// #region websocket
const kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new TransportChannel('websocket-chat', { channelType: 'webhook' }));
await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'websocket-chat');

const source = new WebSocketSource({ url, channelId: 'websocket-chat' }); // 'wss://chat.example.com/events'
await kit.attachSource('websocket-chat', source, { autoRestart: true, maxRestartAttempts: 10 });

// #endregion
await until(async () => (await kit.sourceHealth('websocket-chat'))?.messagesReceived === 2);
// #region websocket
const health = await kit.sourceHealth('websocket-chat');
console.log(`Status: ${health?.status}, Messages: ${health?.messagesReceived}`);
// #endregion
console.log(`Ignored: ${String(health?.metadata['messages_ignored'])}`);
await kit.detachSource('websocket-chat');

kit.on('source_disconnected', ({ data }) => console.log(`the stream has ${String(data['reason'])}`));
kit.registerChannel(new TransportChannel('news', { channelType: 'webhook' }));
await kit.attachChannel('room-1', 'news');
const newsUrl = `http://127.0.0.1:${portOf(news)}/news`;

// #region sse
await kit.attachSource('news', new SSESource({ url: newsUrl, channelId: 'news', headers: { authorization: 'Bearer secret' } }));
// #endregion
await until(() => kit.listSources()['news'] === 'stopped');
for (const { source: from, content } of await kit.getTimeline('room-1')) {
  if (content.type === 'text') console.log(`${from.participantId}: ${content.body}`);
}
await kit.close();
chat.close();
news.close();

// prints:
// Status: connected, Messages: 2
// Ignored: 1
// the stream has failed
// the stream has failed
// the stream has failed
// ada: Hello
// bob: Hi Ada
// paper: Issue 1
// paper: Issue 2
// paper: Issue 3

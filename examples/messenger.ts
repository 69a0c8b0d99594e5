/** A page's Messenger in a room with a web chat, here in front of an emulator that speaks Meta's protocol. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
// #region emulator
import { MessengerEmulator } from 'roomkit/emulators';
// #endregion
// #region channel
import { createWebhookHandler, MessengerChannel, RoomKit, WebSocketChannel } from 'roomkit';
import { FacebookMessengerProvider } from 'roomkit/messenger';
// #endregion

// #region emulator
// In the place of Meta: a server on loopback that refuses what Meta refuses, and calls your webhook as Meta does.
await using meta = await MessengerEmulator.start();
// #endregion

// #region channel
const provider = new FacebookMessengerProvider({
  pageAccessToken: meta.accessToken, // without these: MESSENGER_PAGE_ACCESS_TOKEN, MESSENGER_APP_SECRET
  appSecret: meta.appSecret, // and MESSENGER_VERIFY_TOKEN of the environment
  verifyToken: meta.verifyToken,
  baseUrl: meta.url, // without it: Meta
});
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new MessengerChannel('messenger', { provider }));
await kit.createRoom({ roomId: 'order-7' });
await kit.attachChannel('order-7', 'web');
await kit.attachChannel('order-7', 'messenger', { metadata: { facebook_user_id: '1254477777772919' } });
const webhook = createWebhookHandler({ kit, provider, channelId: 'messenger' });
// #endregion

const server = createServer((incoming, outgoing) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = incoming.method === 'POST' ? { body: new Uint8Array(Buffer.concat(chunks)) } : {};
    const init = { method: incoming.method ?? 'GET', headers: incoming.headers as Record<string, string>, ...body };
    const response = await webhook(new Request(`http://localhost${incoming.url ?? ''}`, init));
    outgoing.writeHead(response.status).end(Buffer.from(await response.arrayBuffer()));
  })();
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
await once(server, 'listening');

// #region conversation
meta.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/messenger`;
console.log(`the console accepts the webhook: ${(await meta.subscribe()).isVerified}`);

const person = meta.person('1254477777772919');
await person.write('My parcel is not here.');

const question = { type: 'rich', body: 'Shall we send it again?', quickReplies: ['Yes, please', 'No'] } as const;
await kit.processInbound({ channelId: 'web', senderId: 'ben', content: question }, { roomId: 'order-7' });
const { text, buttons } = await person.waitFor('again');
console.log(`in Messenger: ${text} [${buttons.map(({ title }) => title).join('] [')}]`);

await person.tap('Yes, please');
const [answer] = (await kit.getTimeline('order-7')).slice(-1);
console.log(`${answer?.source.channelId}: ${JSON.stringify(answer?.metadata['action'])}`);
await meta.settled(); // the call that says that the question was delivered
await meta.read('1254477777772919');
console.log(`the question is ${(await kit.listDeliveries({ roomId: 'order-7', channelId: 'messenger' }))[0]?.state}`);
// #endregion

server.closeAllConnections();
server.close();

// prints:
// the console accepts the webhook: true
// in Messenger: Shall we send it again? [Yes, please] [No]
// messenger: {"id":"Yes, please","kind":"reply"}
// the question is read

/** WhatsApp for businesses in a room with a web chat, here in front of an emulator that speaks Meta's protocol. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
// #region emulator
import { WhatsAppEmulator } from 'roomkit/emulators';
// #endregion
// #region channel
import { createWebhookHandler, extractText, RoomKit, WebSocketChannel, WhatsAppChannel } from 'roomkit';
import { WhatsAppCloudProvider } from 'roomkit/whatsapp';
// #endregion

// #region emulator
// In the place of Meta: a server on loopback that refuses what Meta refuses, and calls your webhook as Meta does.
await using meta = await WhatsAppEmulator.start();
// #endregion

// #region channel
const provider = new WhatsAppCloudProvider({
  accessToken: meta.accessToken, // without these: WHATSAPP_ACCESS_TOKEN, WHATSAPP_PHONE_NUMBER_ID,
  phoneNumberId: meta.phoneNumberId, // WHATSAPP_APP_SECRET and WHATSAPP_VERIFY_TOKEN of the environment
  appSecret: meta.appSecret,
  verifyToken: meta.verifyToken,
  baseUrl: meta.url, // without it: Meta
});
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
kit.registerChannel(new WhatsAppChannel('whatsapp', { provider }));
await kit.createRoom({ roomId: 'order-7' });
await kit.attachChannel('order-7', 'web');
await kit.attachChannel('order-7', 'whatsapp', { metadata: { phone_number: '+15550123' } });
const webhook = createWebhookHandler({ kit, provider, channelId: 'whatsapp' });
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
meta.webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/whatsapp`;
console.log(`the console accepts the webhook: ${(await meta.subscribe()).isVerified}`);

const phone = meta.phone('+15550123');
await phone.write('My parcel is not here.');

const question = { type: 'rich', body: 'Shall we send it **again**?', buttons: [{ id: 'again', label: 'Yes, please', kind: 'reply' }] } as const;
await kit.processInbound({ channelId: 'web', senderId: 'ben', content: question }, { roomId: 'order-7' });
const { text, buttons } = await phone.waitFor('again');
console.log(`on the phone: ${text} [${buttons.map(({ title }) => title).join('] [')}]`);

await phone.tap('Yes, please');
for (const event of await kit.getTimeline('order-7')) {
  if (event.type !== 'message') continue;
  const { id, kind } = (event.metadata['action'] ?? {}) as { id?: string; kind?: string };
  console.log(`${event.source.channelId}: ${extractText(event)} ${JSON.stringify({ id, kind })}`);
}
// #endregion

server.closeAllConnections();
server.close();

// prints:
// the console accepts the webhook: true
// on the phone: Shall we send it *again*? [Yes, please]
// whatsapp: My parcel is not here. {}
// web: Shall we send it **again**?
// 1. Yes, please {}
// whatsapp: Yes, please {"id":"again","kind":"reply"}

/** A room with a system of your own in it, over signed HTTP calls in both directions. */
// #region channel
import { HTTPChannel, RoomKit } from 'roomkit';
import { WebhookHTTPProvider } from 'roomkit/http';
// #endregion
import { silentLogger, WebSocketChannel } from 'roomkit';
import { HTTPReceiver } from 'roomkit/emulators';
import { serve } from 'roomkit/server';
// #region receive
import { createServer } from 'node:http';
import { verifyRoomkitSignature } from 'roomkit/http';
// #endregion

const secret = 'a secret that both sides know';
await using crm = await HTTPReceiver.start({ secret }); // in the place of your system
await using kit = new RoomKit({ logger: silentLogger });
kit.registerChannel(new WebSocketChannel('desk'));

// #region channel
const provider = new WebhookHTTPProvider({
  webhookUrl: crm.url, // https://crm.example/messages
  secret,
  allowPrivate: true, // for this example: without it, only public addresses are posted to
});
kit.registerChannel(new HTTPChannel('crm', { provider }));
// #endregion
await using server = await serve(kit, { port: 0 });
crm.webhookUrl = `${server.url}/webhooks/crm`;

console.log(await crm.write('Where is my parcel?', { senderId: 'customer-7', metadata: { order: 'A-7' } }));
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', 'It is on its way.');
const message = await crm.waitFor('on its way');
console.log(message.recipientId, JSON.stringify(message.document['content']));

// #region receive
const receiver = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const rawBody = Buffer.concat(chunks); // as it came: a parsed and printed body is another one
    if (!verifyRoomkitSignature(rawBody, request.headers, secret)) return response.writeHead(401).end();
    const { recipient_id: to, content } = JSON.parse(rawBody.toString()) as { recipient_id: string; content: { body: string } };
    console.log(`for ${to}: ${content.body}`);
    return response.end(JSON.stringify({ message_id: 'crm-1' }));
  })();
});
// #endregion
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const address = receiver.address();
const port = typeof address === 'object' ? address?.port : undefined;
kit.registerChannel(
  new HTTPChannel('other', { provider: new WebhookHTTPProvider({ webhookUrl: `http://127.0.0.1:${port}/`, secret, allowPrivate: true }) }),
);
await kit.attachChannel(roomId, 'other', { metadata: { recipient_id: 'ada' } });
await kit.sendEvent(roomId, 'desk', 'Anything else?');
await kit.settled();
receiver.close();

// prints:
// 200
// customer-7 {"type":"text","body":"It is on its way."}
// for ada: Anything else?

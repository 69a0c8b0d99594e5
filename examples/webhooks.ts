/** A vendor calls: a signed webhook on a real port, messages and receipts in one batch, a repeat, and a forged call. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
// #region provider
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createWebhookHandler, RoomKit, silentLogger, TransportChannel, type WebhookMeta, type WebhookProvider, type WebhookRequest } from 'roomkit';
import { toNodeListener } from 'roomkit/server';

class GatewayWebhook implements WebhookProvider {
  readonly name = 'gateway';

  constructor(private readonly secret: string) {}

  /** Over the raw bytes, before anything is parsed. */
  verify({ headers, body }: WebhookRequest): boolean {
    const expected = createHmac('sha256', this.secret).update(body).digest();
    const given = Buffer.from(headers.get('x-signature') ?? '', 'hex');
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /** Pure: what each entry of the payload means. */
  parse({ body }: WebhookRequest): WebhookMeta[] {
    const { entries } = JSON.parse(new TextDecoder().decode(body)) as { entries: Entry[] };
    return entries.map((entry): WebhookMeta => {
      switch (entry.kind) {
        case 'message':
          return {
            type: 'message',
            message: { senderId: entry.from, content: entry.text, externalId: entry.id, idempotencyKey: entry.id, rawPayload: { ...entry } },
          };
        case 'receipt':
          return { type: 'status', status: { provider: this.name, messageId: entry.id, status: entry.state } };
        default:
          return { type: 'ignored', reason: 'unknown kind' };
      }
    });
  }
}

type Entry =
  | { kind: 'message'; id: string; from: string; text: string }
  | { kind: 'receipt'; id: string; state: 'delivered' | 'read' | 'failed' }
  | { kind: 'other' };
// #endregion

const secret = 'not-a-real-secret';
const kit = new RoomKit({ logger: silentLogger }); // what is refused below is logged; here it is meant to be
kit.registerChannel(
  new TransportChannel('texts', {
    channelType: 'sms',
    recipientKey: 'phone_number',
    provider: { name: 'gateway', send: () => ({ success: true, providerMessageId: 'gw-out-1' }) },
  }),
);
kit.onDeliveryStatus(({ messageId, status }) => console.log(`  ${messageId} is ${status}`));

// #region route
const handle = createWebhookHandler({ kit, provider: new GatewayWebhook(secret), channelId: 'texts' });
// A function from Request to Response, for any server that speaks them; toNodeListener makes it one for node:http, Express and Fastify.
const server = createServer(toNodeListener(handle)).listen(0, '127.0.0.1');
// #endregion
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/texts`;

async function post(what: string, entries: unknown, key = secret): Promise<void> {
  const body = JSON.stringify({ entries });
  const response = await fetch(url, { method: 'POST', body, headers: { 'x-signature': createHmac('sha256', key).update(body).digest('hex') } });
  console.log(`${what}: ${response.status} ${await response.text()}`);
}
const hello = { kind: 'message', id: 'gw-in-1', from: '+15550123', text: 'Is my parcel on its way?' };
await post('a message', [hello]);
const [room] = await kit.listRooms();
const roomId = room?.id ?? '';
await kit.attachChannel(roomId, 'texts'); // the room was made and the channel attached with the sender's number
kit.registerChannel(new TransportChannel('desk', { channelType: 'webhook' }));
await kit.attachChannel(roomId, 'desk');
await kit.sendEvent(roomId, 'desk', 'It is.');

await post('the same again, with a receipt', [hello, { kind: 'receipt', id: 'gw-out-1', state: 'delivered' }, { kind: 'other' }]);
await post('one of two is no message', [
  { kind: 'message', id: 'gw-in-2', from: '+15550123', text: 7 },
  { ...hello, id: 'gw-in-3', text: 'Thanks' },
]);
await post('forged', [hello], 'another secret');

const said = (await kit.getTimeline(roomId)).flatMap(({ content }) => (content.type === 'text' ? [content.body] : []));
console.log(`the room: ${said.join(' | ')}`);
await kit.close();
server.closeAllConnections();
server.close();

// prints:
// a message: 200 {"status":"ok"}
//   gw-out-1 is delivered
// the same again, with a receipt: 200 {"status":"ok"}
// one of two is no message: 200 {"status":"ok"}
// forged: 401 {"status":"unauthenticated"}
// the room: Is my parcel on its way? | It is. | Thanks

/** Three ways to be a channel: a vendor behind TransportChannel, live connections, and a channel written from scratch. */
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// #region transport
import { channelCapabilities, extractText, parseRetryAfter, RoomKit, TransportChannel, WebSocketChannel } from 'roomkit';
import type { Channel, ProviderResult, RoomEvent, TransportProvider, TransportRequest } from 'roomkit';

// #endregion
// The vendor: a text message gateway, here on a port of this machine.
const gateway = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { to, text } = JSON.parse(Buffer.concat(chunks).toString()) as { to: string; text: string };
    console.log(`gateway: to ${to}: ${text}`);
    response.end(JSON.stringify({ id: 'gw-1' }));
  })();
}).listen(0, '127.0.0.1');
await once(gateway, 'listening');
const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/messages`;

// #region provider
class GatewayProvider implements TransportProvider {
  readonly name = 'gateway';
  readonly supportsIdempotencyKey = true;

  constructor(private readonly url: string) {}

  async send({ to, content, defaults, idempotencyKey, signal }: TransportRequest): Promise<ProviderResult> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
      body: JSON.stringify({ ...defaults, to, text: extractText(content) }),
      signal,
    });
    if (response.ok) {
      const { id } = (await response.json()) as { id: string };
      return { success: true, providerMessageId: id };
    }
    const retryAfterSeconds = parseRetryAfter(response.headers.get('retry-after'), Date.now());
    return {
      success: false,
      error: `http_${response.status}`,
      retryable: response.status === 429 || response.status >= 500,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    };
  }
}
// #endregion

const folder = await mkdtemp(join(tmpdir(), 'roomkit-channels-'));
const journal = join(folder, 'journal.txt');
const kit = new RoomKit();

// #region transport
kit.registerChannel(
  new TransportChannel('texts', {
    channelType: 'sms',
    provider: new GatewayProvider(url),
    recipientKey: 'phone_number',
    defaults: { from: '+15550100' },
    capabilities: { mediaTypes: ['text', 'media'], maxLength: 1600, overflow: 'split', supportsMedia: true },
  }),
);
// #endregion

// #region own
/** Writes what it may read to a file. */
class JournalChannel implements Channel {
  readonly channelType = 'webhook';
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities({ mediaTypes: ['text'] });

  constructor(
    readonly channelId: string,
    private readonly path: string,
  ) {}

  async deliver(event: RoomEvent): Promise<void> {
    await appendFile(this.path, `${event.source.channelId}: ${extractText(event)}\n`);
  }
}
// #endregion
kit.registerChannel(new JournalChannel('journal', journal));

// #region websocket
const web = new WebSocketChannel('web');
kit.registerChannel(web);
await kit.connectWebsocket('web', 'tab-1', (frame) => console.log(`browser: ${frame.type === 'event' ? extractText(frame.event) : frame.type}`), {
  roomIds: ['order-7'],
});
// #endregion

// #region room
await kit.createRoom({ roomId: 'order-7' });
await kit.attachChannel('order-7', 'web');
await kit.attachChannel('order-7', 'journal', { access: 'read_only' });
await kit.attachChannel('order-7', 'texts', { metadata: { phone_number: '+15550123' } });

const result = await kit.processInbound({ channelId: 'web', senderId: 'ada', content: 'Your parcel is on its way.' }, { roomId: 'order-7' });
console.log(`texts: ${result.deliveryResults['texts']?.status} as ${result.deliveryResults['texts']?.providerMessageId}`);

await kit.processInbound({ channelId: 'texts', senderId: '+15550123', content: 'Thank you!', idempotencyKey: 'gw-in-9' });
// #endregion
console.log(`journal:\n${await readFile(journal, 'utf8')}`.trimEnd());

await kit.close();
gateway.closeAllConnections();
gateway.close();
await rm(folder, { recursive: true });

// prints:
// gateway: to +15550123: Your parcel is on its way.
// texts: sent as gw-1
// browser: Thank you!
// journal:
// web: Your parcel is on its way.
// texts: Thank you!

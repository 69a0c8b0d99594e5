/** A desk and a vendor's channel in one room, the vendor calling the channel's webhook on a real port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createWebhookHandler,
  RoomKit,
  silentLogger,
  type Channel,
  type ContentInput,
  type InboundResult,
  type Metadata,
  type OutboxRow,
  type RetryPolicy,
  type RoomKitOptions,
  type WebhookProvider,
} from '../../src/index.js';
import { TestTransport } from './harness.js';

export interface VendorScene {
  readonly kit: RoomKit;
  readonly desk: TestTransport;
  readonly webhookUrl: string;
  /** The colleague at the desk writes. */
  readonly say: (content: ContentInput, metadata?: Metadata) => Promise<InboundResult>;
  /** What the outbox holds for the channel, oldest first. */
  readonly rows: () => Promise<readonly OutboxRow[]>;
  readonly close: () => Promise<void>;
}

export interface VendorSceneOptions {
  readonly channel: Channel;
  readonly provider: WebhookProvider;
  /** Binding metadata of the channel: the recipient. */
  readonly recipient: Metadata;
  readonly retryPolicy?: RetryPolicy;
  readonly kit?: RoomKitOptions;
}

/** Quick retries, so that nobody has to wait for them. */
const SOON: RetryPolicy = { maxRetries: 2, baseDelaySeconds: 0.01 };

export async function openVendorScene({ channel, provider, recipient, retryPolicy = SOON, kit: options }: VendorSceneOptions): Promise<VendorScene> {
  const kit = new RoomKit({ logger: silentLogger, ...options });
  const desk = new TestTransport('desk', {
    channelType: 'websocket',
    durable: false,
    capabilities: { mediaTypes: ['text', 'rich', 'media', 'location'] },
  });
  kit.registerChannel(desk);
  kit.registerChannel(channel);
  await kit.ensureRoom({ roomId: 'room' });
  await kit.attachChannel('room', 'desk');
  await kit.attachChannel('room', channel.channelId, { metadata: recipient, retryPolicy });
  const handle = createWebhookHandler({ kit, provider, channelId: channel.channelId });
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD';
      const request = new Request(`http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`, {
        method: incoming.method ?? 'GET',
        headers: incoming.headers as Record<string, string>,
        ...(hasBody && { body: new Uint8Array(Buffer.concat(chunks)) }),
      });
      const response = await handle(request);
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    kit,
    desk,
    webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/${channel.channelId}`,
    say: (content, metadata) =>
      kit.processInbound({ channelId: 'desk', senderId: 'colleague', content, ...(metadata !== undefined && { metadata }) }, { roomId: 'room' }),
    rows: () => kit.listDeliveries({ roomId: 'room', channelId: channel.channelId }),
    close: async () => {
      await kit.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`This did not come true in 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

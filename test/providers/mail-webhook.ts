/** A kit with a mail channel behind a real port, for whole conversations with vendors that call. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createWebhookHandler,
  EmailChannel,
  RoomKit,
  silentLogger,
  type EmailProvider,
  type RoomEvent,
  type WebhookProvider,
} from '../../src/index.js';

export interface MailScene {
  readonly kit: RoomKit;
  /** The address of the channel's webhook. */
  readonly webhookUrl: string;
  readonly heard: readonly RoomEvent[];
  readonly close: () => Promise<void>;
}

export async function openMailScene(provider: EmailProvider & WebhookProvider): Promise<MailScene> {
  const kit = new RoomKit({ logger: silentLogger });
  kit.registerChannel(new EmailChannel('mail', { provider }));
  kit.registerChannel(new EmailChannel('desk'));
  const heard: RoomEvent[] = [];
  kit.hook('after_broadcast', { name: 'heard' }, (event) => {
    if (event.source.channelId === 'mail' && event.type === 'message') heard.push(event);
  });
  const handle = createWebhookHandler({ kit, provider, channelId: 'mail' });
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const method = incoming.method ?? 'GET';
      const body = method === 'GET' ? null : Buffer.concat(chunks);
      const address = `http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`;
      const response = await handle(new Request(address, { method, headers: new Headers(incoming.headers as Record<string, string>), body }));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(await response.text());
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    kit,
    webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/mail`,
    heard,
    close: async () => {
      await kit.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

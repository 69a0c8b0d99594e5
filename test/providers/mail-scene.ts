/** What tests of mail vendors share. */
import { expect } from 'vitest';
import { channelCapabilities, type EventContent, type TransportRequest } from '../../src/index.js';

/** A message as the channel hands it to its provider. */
export function requestTo(to: string, said: string | EventContent, more: Partial<TransportRequest> = {}): TransportRequest {
  const content: EventContent = typeof said === 'string' ? { type: 'text', body: said } : said;
  return {
    to,
    content,
    event: {
      id: `event-${++requests}`,
      roomId: 'room',
      type: 'message',
      source: { channelId: 'desk', channelType: 'websocket', direction: 'inbound', rawPayload: {} },
      content,
      status: 'delivered',
      visibility: 'all',
      index: requests,
      chainDepth: 0,
      createdAt: '2026-11-25T12:00:00.000Z',
      metadata: {},
      channelData: {},
    },
    defaults: {},
    binding: {
      channelId: 'mail',
      roomId: 'room',
      channelType: 'email',
      category: 'transport',
      direction: 'bidirectional',
      access: 'read_write',
      muted: false,
      visibility: 'all',
      capabilities: channelCapabilities(),
      metadata: {},
    } as unknown as TransportRequest['binding'], // what a provider reads of it
    idempotencyKey: `event-${requests}:mail`,
    attempt: 1,
    signal: new AbortController().signal,
    ...more,
  };
}

let requests = 0;

/** Waits until something holds, for what comes over a socket of its own. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const until = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > until) expect.fail(`This did not come true in 10 s: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

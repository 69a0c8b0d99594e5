/** What the cases of the messaging vendors' contract are run with. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import type { TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import { channelCapabilities } from '../../core/models/capabilities.js';
import type { EventContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { RoomEvent } from '../../core/models/event.js';
import type { Awaitable, Metadata } from '../../core/models/json.js';
import type { ChannelMediaType, ChannelType } from '../../core/models/vocabulary.js';
import type { VendorFault } from '../../emulators/faults.js';
import type { ContractCase } from './contract.js';

/** How the provider of one case is to be made. */
export interface OpenTransportOptions {
  /** Its credential is one that the vendor does not know. */
  readonly hasWrongKey?: boolean;
  /** Its vendor cannot be reached: nothing listens at its address. */
  readonly isUnreachable?: boolean;
  /** Default: its own. */
  readonly timeoutSeconds?: number;
  /** Where the vendor reports to. */
  readonly webhookUrl?: string;
}

/** What has arrived at the other end. */
export interface Arrived {
  /** Its words, captions and labels of buttons included. */
  readonly text: string;
  /** The addresses of its files, where the vendor passes addresses on. */
  readonly media: readonly string[];
}

/** A refusal that the vendor documents. */
export interface DocumentedError {
  /** As in the vendor's documentation. */
  readonly name: string;
  readonly fault: VendorFault;
  /** The kit's code for it. */
  readonly code: string;
  readonly retryable: boolean;
}

/** A provider in front of its vendor's emulator. */
export interface TransportSetup {
  readonly provider: TransportProvider & Partial<WebhookProvider>;
  readonly channelType: ChannelType;
  /** What its channel carries. */
  readonly mediaTypes: readonly ChannelMediaType[];
  /** An address the vendor can reach. */
  readonly to: string;
  readonly defaults?: Metadata;
  /** What has reached `to`, oldest first. */
  readonly arrived: () => readonly Arrived[];
  /** Lets something go wrong at the vendor's. */
  readonly fail: (fault: VendorFault) => void;
  /** What reached the vendor, oldest first; also what was refused. Requests for a token do not count. */
  readonly requests: () => readonly { readonly wasAborted: boolean }[];
  /** Everything that must show nowhere: keys, tokens, addresses with either. */
  readonly secrets: readonly string[];
  readonly errors: readonly DocumentedError[];
  /** The code when its vendor cannot be reached. Default `network_error`; `not_connected` where a connection has to stand before anything is sent. */
  readonly unreachableCode?: string;
  /** Somebody at `to` writes: the vendor calls `webhookUrl`. Absent where messages do not come by webhook. */
  readonly write?: (text: string) => Awaitable<unknown>;
  /** What the vendor's webhooks are like. */
  readonly webhook?: {
    /** The header that carries the signature; absent where the secret is in the path. */
    readonly signatureHeader?: string;
    /** False where the header is a secret that both know, and says nothing of the bytes. Default true. */
    readonly signsBody?: boolean;
    /** It signs the address too. */
    readonly signsUrl?: boolean;
    /** It signs the time: calls older than this are refused. */
    readonly toleranceSeconds?: number;
    /** It reports what became of a message that was sent. */
    readonly reportsStatus?: boolean;
  };
  /** What this vendor's protocol has no place for: the cases about it are left out. */
  readonly lacks?: readonly TransportAbility[];
  /** Ends the vendor. The suite closes the provider. */
  readonly close: () => Awaitable<void>;
}

/** What some vendors have no place for. */
export type TransportAbility = 'key_check' | 'retry_after' | 'status_faults' | 'message_ids';

/** Gives a new provider and a new vendor each time it is called. */
export type OpenTransport = (options?: OpenTransportOptions) => Awaitable<TransportSetup>;
/** One promise of messaging vendors. */
export type TransportCase = ContractCase<OpenTransport>;

export interface TransportTest {
  readonly name: string;
  readonly rules: readonly string[];
  readonly needs?: TransportAbility;
  readonly options?: OpenTransportOptions;
  test(setup: TransportSetup, calls: readonly WebhookRequest[]): Promise<void>;
  /** Something listens at `webhookUrl` and remembers the calls. */
  readonly listens?: boolean;
}

export function transportCases(tests: readonly TransportTest[]): readonly TransportCase[] {
  return tests.map(({ name, rules, needs, options, listens, test }) => ({
    name,
    rules,
    run: async (open) => {
      const calls: WebhookRequest[] = [];
      const listener = listens === true ? await listen(calls) : undefined;
      const setup = await open({ ...options, ...(listener !== undefined && { webhookUrl: listener.url }) });
      try {
        if (needs === undefined || setup.lacks?.includes(needs) !== true) await test(setup, calls);
      } finally {
        await setup.provider.close?.();
        await setup.close();
        await listener?.close();
      }
    },
  }));
}

/** A webhook that takes every call and answers with 200. */
async function listen(calls: WebhookRequest[]): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      calls.push({
        method: incoming.method ?? 'GET',
        url: `http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`,
        headers: new Headers(incoming.headers as Record<string, string>),
        body: new Uint8Array(Buffer.concat(chunks)),
        receivedAt: Date.now(),
      });
      outgoing.end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/channel`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let sent = 0;

/** A message as a channel hands it to its provider. */
export function requestOf(setup: TransportSetup, content: EventContent | string, more: Partial<TransportRequest> = {}): TransportRequest {
  const said: EventContent = typeof content === 'string' ? { type: 'text', body: content } : content;
  const event: RoomEvent = {
    id: `event-${++sent}`,
    roomId: 'room',
    type: 'message',
    source: { channelId: 'desk', channelType: 'websocket', direction: 'inbound', rawPayload: {} },
    content: said,
    status: 'delivered',
    visibility: 'all',
    index: sent,
    chainDepth: 0,
    createdAt: '2026-11-25T12:00:00.000Z',
    metadata: {},
    channelData: {},
  };
  return {
    to: setup.to,
    event,
    content: said,
    defaults: setup.defaults ?? {},
    binding: {
      channelId: 'channel',
      roomId: 'room',
      channelType: setup.channelType,
      category: 'transport',
      direction: 'bidirectional',
      access: 'read_write',
      muted: false,
      visibility: 'all',
      attachedAt: '2026-11-25T12:00:00.000Z',
      capabilities: channelCapabilities({ mediaTypes: setup.mediaTypes }),
      metadata: {},
    } as TransportRequest['binding'], // what a provider reads of it: its metadata
    idempotencyKey: `event-${sent}:channel`,
    attempt: 1,
    signal: new AbortController().signal,
    ...more,
  };
}

/** The result of a send that has to succeed. */
export async function delivered(setup: TransportSetup, request: TransportRequest): Promise<ProviderResult> {
  const result = await setup.provider.send(request);
  assert.equal(result.success, true, `the vendor takes it, and does not answer ${JSON.stringify(result)}`);
  return result;
}

/** The result of a send that has to fail. */
export async function failed(setup: TransportSetup, request: TransportRequest): Promise<ProviderResult> {
  const result = await setup.provider.send(request);
  assert.equal(result.success, false, `this should fail, and gave ${JSON.stringify(result)}`);
  return result;
}

/** Nothing of what is secret stands in any way these values can be printed. */
export function printsNoSecret(setup: TransportSetup, ...values: readonly unknown[]): void {
  for (const value of values) {
    const printed = [inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value) ?? '', String(value)].join('\n');
    for (const secret of setup.secrets)
      assert.ok(!printed.includes(secret), `a secret is printed: ${printed.replaceAll(secret, '[HERE]').slice(0, 300)}`);
  }
}

/** Waits until something holds, for what comes over a socket of its own. */
export async function eventually(holds: () => boolean, what: string): Promise<void> {
  const until = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > until) assert.fail(`this did not come true in 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

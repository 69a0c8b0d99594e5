/** What is the generic HTTP provider's own: its documents, its signatures, where it may go; and whole conversations. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { HTTPReceiver } from '../../src/emulators/index.js';
import { HTTPChannel, RoomKit, silentLogger, type EventContent, type RoomEvent } from '../../src/index.js';
import { parseHttpWebhook, verifyRoomkitSignature, WebhookHTTPProvider, type WebhookHTTPConfig } from '../../src/providers/http/index.js';
import { serve } from '../../src/server/index.js';
import { requestOf, type TransportSetup } from '../../src/testing/contracts/transport-case.js';
import { TestClock } from '../../src/testing/index.js';
import { TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';

const SECRET = 's3cret-of-both';
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const setup = { to: 'customer-1', channelType: 'webhook', mediaTypes: ['text', 'rich'] } as unknown as TransportSetup; // what requests are made of

async function receiver(config: Partial<WebhookHTTPConfig> = {}): Promise<{ crm: HTTPReceiver; provider: WebhookHTTPProvider }> {
  const crm = await HTTPReceiver.start({ secret: SECRET });
  open.push(() => crm.close());
  return { crm, provider: new WebhookHTTPProvider({ webhookUrl: `${crm.url}/in?tenant=1`, secret: SECRET, allowPrivate: true, ...config }) };
}

describe('the signature', () => {
  const body = '{"a":1}';
  const bytes = new TextEncoder().encode(body);
  const V1 = '5910e62016ef5034272c926c27071992a465c2335cecf41851bda071577f4f6d';
  /** Of `1795600000.{"a":1}` with `s3cret`, by `openssl dgst -sha256 -hmac s3cret`. */
  const V2 = '96c69360264278fd1c3b893289305be468987e6299851a14ab194f34c2d899ff';
  const now = 1_795_600_000_000;
  const timed = { 'x-roomkit-timestamp': '1795600000', 'x-roomkit-signature-v2': V2 };

  it('is the documented one', () => {
    verifies('PV-09', 'PV-10');
    expect(verifyRoomkitSignature(bytes, { 'X-RoomKit-Signature': V1 }, 's3cret', { takesUntimed: true })).toBe(true);
    expect(verifyRoomkitSignature(body, timed, 's3cret', { now })).toBe(true);
    expect(verifyRoomkitSignature(body, new Headers(timed), 's3cret', { now: now + 299_000 })).toBe(true);
  });

  it('holds for these bytes, this time and this secret only', () => {
    verifies('PV-09', 'PV-10');
    expect(verifyRoomkitSignature('{"a":2}', timed, 's3cret', { now })).toBe(false);
    expect(verifyRoomkitSignature('{ "a": 1 }', timed, 's3cret', { now })).toBe(false);
    expect(verifyRoomkitSignature(body, timed, 'another', { now })).toBe(false);
    expect(verifyRoomkitSignature(body, timed, 's3cret', { now: now + 301_000 })).toBe(false);
    expect(verifyRoomkitSignature(body, timed, 's3cret', { now: now - 301_000 })).toBe(false);
    expect(verifyRoomkitSignature(body, { ...timed, 'x-roomkit-timestamp': '1795600001' }, 's3cret', { now })).toBe(false);
    expect(verifyRoomkitSignature(body, {}, 's3cret', { now, takesUntimed: true })).toBe(false);
    expect(() => verifyRoomkitSignature(body, timed, '', { now })).toThrow('no secret');
  });

  it('cannot be made weaker by leaving the time out', () => {
    verifies('PV-10');
    const untimed = { 'x-roomkit-signature': V1 };
    expect(verifyRoomkitSignature(body, untimed, 's3cret', { now })).toBe(false);
    expect(verifyRoomkitSignature(body, { ...untimed, 'x-roomkit-timestamp': '1795600000' }, 's3cret', { now, takesUntimed: true })).toBe(false);
    expect(verifyRoomkitSignature(body, { ...untimed, 'x-roomkit-signature-v2': V2 }, 's3cret', { now, takesUntimed: true })).toBe(false);
  });
});

describe('what is posted', () => {
  it('is a document whose fields are written as documents are', async () => {
    verifies('PV-15');
    const { crm, provider } = await receiver({ headers: { authorization: 'Bearer x' } });
    const content: EventContent = {
      type: 'rich',
      body: '**Paid**',
      plainText: 'Paid',
      quickReplies: [{ id: 'a', label: 'A', imageUrl: 'https://a.example/a.png' }],
      cards: [{ title: 'T', imageUrl: 'https://a.example/b.png' }],
    };
    const request = requestOf(setup, content);
    await provider.send({ ...request, event: { ...request.event, metadata: { orderId: 'A-7' } } });
    expect(crm.messages[0]?.document).toEqual({
      recipient_id: 'customer-1',
      channel_id: 'channel',
      room_id: 'room',
      event_id: request.event.id,
      content: {
        type: 'rich',
        body: '**Paid**',
        plain_text: 'Paid',
        quick_replies: [{ id: 'a', label: 'A', image_url: 'https://a.example/a.png' }],
        cards: [{ title: 'T', image_url: 'https://a.example/b.png' }],
      },
      metadata: { orderId: 'A-7' },
    });
    expect(crm.requests[0]).toMatchObject({
      path: '/in?tenant=1',
      headers: { authorization: 'Bearer x', 'idempotency-key': request.idempotencyKey },
    });
  });

  it('is signed at the time of its clock, for these bytes', async () => {
    verifies('PV-10');
    const clock = new TestClock(1_795_600_000_000);
    const { crm, provider } = await receiver({ clock });
    expect(await provider.send(requestOf(setup, 'Hello'))).toMatchObject({ error: 'auth_error' }); // the receiver goes by its own
    const { headers = {}, text = '' } = crm.requests[0] ?? {};
    expect(headers['x-roomkit-timestamp']).toBe('1795600000');
    expect(verifyRoomkitSignature(text, headers, SECRET, { now: clock.now() })).toBe(true);
    expect(verifyRoomkitSignature(text, { 'x-roomkit-signature': String(headers['x-roomkit-signature']) }, SECRET, { takesUntimed: true })).toBe(
      true,
    );
    expect(verifyRoomkitSignature(`${text} `, headers, SECRET, { now: clock.now() })).toBe(false);
  });

  it('leaves the names alone that are somebody’s own', async () => {
    const { crm, provider } = await receiver();
    await provider.send(requestOf(setup, { type: 'template', templateId: 't', parameters: { mimeType: 'x' }, body: 'B' }));
    await provider.send(requestOf(setup, { type: 'system', body: 'S', data: { plainText: 1 } }));
    expect(crm.messages.map(({ document }) => document['content'])).toEqual([
      { type: 'template', template_id: 't', parameters: { mimeType: 'x' }, body: 'B' },
      { type: 'system', body: 'S', data: { plainText: 1 } },
    ]);
  });

  it('goes without a signature where there is no secret, and without an id where none is given', async () => {
    const crm = await HTTPReceiver.start();
    open.push(() => crm.close());
    const provider = new WebhookHTTPProvider({ webhookUrl: crm.url, allowPrivate: true });
    crm.fail({ status: 202, body: 'taken' });
    expect(await provider.send(requestOf(setup, 'Hello'))).toEqual({ success: true });
    expect(Object.keys(crm.requests[0]?.headers ?? {}).filter((name) => name.startsWith('x-roomkit'))).toEqual([]);
    expect(provider.webhookNeeds).toEqual(['secret']);
  });
});

describe('where it may go', () => {
  it.each([
    'http://127.0.0.1:9/',
    'http://localhost:9/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://169.254.169.254/',
    'http://10.0.0.8/',
  ])('is not %s, unless it is told that the network is its own', async (webhookUrl) => {
    verifies('PV-14');
    const result = await new WebhookHTTPProvider({ webhookUrl, secret: SECRET }).send(requestOf(setup, 'Hello'));
    expect(result).toMatchObject({ success: false, error: 'webhook_url_refused', retryable: false });
  });

  it('is never where clouds keep their secrets', async () => {
    verifies('PV-14');
    const provider = new WebhookHTTPProvider({ webhookUrl: 'http://169.254.169.254/latest', allowPrivate: true });
    expect(await provider.send(requestOf(setup, 'Hello'))).toMatchObject({ error: 'webhook_url_refused' });
  });

  it('is not where a redirect leads', async () => {
    verifies('PV-02', 'PV-14');
    const { crm, provider } = await receiver();
    let asked = 0;
    const elsewhere = createServer((_request, response) => {
      asked++;
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    open.push(() => elsewhere.close());
    crm.fail({ status: 307, headers: { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` }, body: '' });
    expect(await provider.send(requestOf(setup, 'Hello'))).toMatchObject({ success: false, error: 'http_307', retryable: false });
    expect(asked).toBe(0);
  });

  it('is told of options that make no sense, without their secrets', () => {
    verifies('PV-01', 'F60');
    const made =
      (config: unknown): (() => unknown) =>
      () =>
        new WebhookHTTPProvider(config as WebhookHTTPConfig);
    expect(made({})).toThrow('webhookUrl');
    expect(made({ webhookUrl: 'ftp://a.example' })).toThrow('webhookUrl');
    expect(made({ webhookUrl: 'https://user:hidden-word@a.example' })).toThrow(/as a header/);
    expect(made({ webhookUrl: 'https://a.example', headers: { 'x-roomkit-signature': 'x' } })).toThrow('x-roomkit-signature');
    expect(made({ webhookUrl: 'https://a.example', headers: { a: 'hidden-word\r\nb: c' } })).toThrow('line break');
    expect(made({ webhookUrl: 'https://a.example', secrt: 'x' })).toThrow("Did you mean 'secret'?");
    const provider = new WebhookHTTPProvider({ webhookUrl: 'https://a.example', secret: 'hidden-word', headers: { authorization: 'hidden-word' } });
    expect(`${inspect(provider, { depth: 10, showHidden: true })}${JSON.stringify(provider)}`).not.toContain('hidden-word');
  });
});

describe('what comes in', () => {
  it('is read with everything a document may have', () => {
    verifies('PV-07', 'PV-08');
    const document = { sender_id: 'c1', body: 'Hi', external_id: 'e1', thread_id: 't1', metadata: { vip: true } };
    expect(parseHttpWebhook(document)).toEqual([
      {
        type: 'message',
        message: {
          senderId: 'c1',
          content: { type: 'text', body: 'Hi' },
          externalId: 'e1',
          providerMessageId: 'e1',
          idempotencyKey: 'e1',
          threadId: 't1',
          rawPayload: document,
          metadata: { vip: true },
        },
      },
    ]);
    const media = { type: 'media', url: 'https://a.example/a.png', mime_type: 'image/png', size_bytes: 5 };
    expect(parseHttpWebhook({ sender_id: 'c1', content: media })).toMatchObject([
      { message: { content: { type: 'media', url: 'https://a.example/a.png', mimeType: 'image/png', sizeBytes: 5 } } },
    ]);
    expect(parseHttpWebhook({ sender_id: 'c1', content: 'Hi' })).toMatchObject([{ message: { content: { type: 'text', body: 'Hi' } } }]);
  });

  it('may be a list, of which one that is none costs the others nothing', () => {
    verifies('PV-06');
    const metas = parseHttpWebhook([{ sender_id: 'a', body: '1' }, { body: 'nobody' }, 7, { sender_id: 'b', body: '2' }], 'key');
    expect(metas.map((meta) => (meta.type === 'message' ? meta.message.idempotencyKey : meta.type))).toEqual([
      'key:0',
      'ignored',
      'ignored',
      'key:3',
    ]);
  });

  it('makes nothing stumble, whatever it is', () => {
    verifies('PV-06');
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('sender_id', 'content', 'body', 'metadata', 'external_id'), (value, name) => {
        for (const payload of [value, [value], { sender_id: 'a', [name]: value }]) {
          for (const meta of parseHttpWebhook(payload)) {
            if (meta.type !== 'message') continue;
            expect(meta.message.senderId).toMatch(/./);
            expect(meta.message.idempotencyKey).toMatch(/./);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a conversation', () => {
  async function world(): Promise<{ crm: HTTPReceiver; kit: RoomKit; events: () => Promise<readonly RoomEvent[]> }> {
    const { crm, provider } = await receiver();
    const kit = new RoomKit({ logger: silentLogger });
    kit.registerChannel(new HTTPChannel('crm', { provider }));
    kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
    const server = await serve(kit, { port: 0 });
    open.push(
      () => kit.close(),
      () => server.close(),
    );
    crm.webhookUrl = `${server.url}/webhooks/crm`;
    const events = async (): Promise<readonly RoomEvent[]> => {
      const [room] = await kit.listRooms();
      return room === undefined ? [] : (await kit.getTimeline(room.id)).filter(({ type }) => type === 'message');
    };
    return { crm, kit, events };
  }

  it('goes both ways, once each, over real sockets', async () => {
    verifies('WHK-03', 'INB-08', 'F22', 'F25');
    const { crm, kit, events } = await world();
    crm.disturbCallbacks({ isDoubled: true });
    expect(await crm.write('Where is my parcel?', { threadId: 't-7', metadata: { vip: true } })).toBe(200);
    expect(await events()).toMatchObject([
      {
        content: { body: 'Where is my parcel?' },
        source: { participantId: 'customer-1', channelType: 'webhook' },
        channelData: { threadId: 't-7' },
        metadata: { vip: true },
      },
    ]);
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    crm.fail({ status: 429, headers: { 'retry-after': '1' } });
    await kit.sendEvent(roomId, 'desk', 'On its way.');
    expect((await crm.waitFor('On its way')).recipientId).toBe('customer-1');
    await kit.settled();
    expect(await kit.listDeliveries({ roomId })).toMatchObject([{ state: 'sent', attempts: 2, providerMessageId: 'doc-1' }]);
    crm.fail({ status: 410 });
    await kit.sendEvent(roomId, 'desk', 'Gone?');
    await kit.settled();
    expect((await kit.listDeliveries({ roomId })).at(-1)).toMatchObject({ state: 'failed', attempts: 1 });
  });

  it('is told what is wrong with what it posts', async () => {
    verifies('WHK-03', 'F10');
    const { crm, events } = await world();
    expect(await crm.post({ sender_id: 'c', content: { type: 'nonsense' } })).toBe(400);
    expect(
      await crm.post([
        { sender_id: 'c', body: 'good', external_id: '1' },
        { sender_id: 'c', content: { type: 'nonsense' }, external_id: '2' },
        { sender_id: 'c', body: 'too', external_id: '3' },
      ]),
    ).toBe(200);
    expect((await events()).map(({ content }) => content)).toMatchObject([{ body: 'good' }, { body: 'too' }]);
    crm.disturbCallbacks({ isDropped: true });
    expect(await crm.write('lost')).toBe(0);
  });
});

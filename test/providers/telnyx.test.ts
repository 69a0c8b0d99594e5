/** What is Telnyx' own: its signature in time, every event it reports, and lengths that it takes as one message. */
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SMSChannel, smsSegments, type WebhookRequest } from '../../src/index.js';
import { TelnyxEmulator } from '../../src/emulators/index.js';
import { parseTelnyxWebhook, TelnyxSMSProvider, type TelnyxConfig } from '../../src/providers/telnyx/index.js';
import recorded from '../../src/providers/telnyx/fixtures/webhooks.json' with { type: 'json' };
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene } from './end-to-end.js';
import { openTelnyx } from './open-telnyx.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
const fixtures = recorded.payloads;
const keys = generateKeyPairSync('ed25519');
const PUBLIC = Buffer.from(keys.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
const make = (config: Partial<TelnyxConfig> = {}): TelnyxSMSProvider =>
  new TelnyxSMSProvider({ apiKey: 'KEY1', publicKey: PUBLIC, fromNumber: '+15550100', ...config });

const NOW = 1_790_000_000;
function call(payload: unknown, headers: Record<string, string> = {}, receivedAt = NOW * 1000): WebhookRequest {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return { method: 'POST', url: 'https://x.example/webhooks/sms', headers: new Headers(headers), body: new TextEncoder().encode(body), receivedAt };
}
function signed(payload: unknown, timestamp = String(NOW)): Record<string, string> {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return {
    'telnyx-timestamp': timestamp,
    'telnyx-signature-ed25519': sign(null, Buffer.from(`${timestamp}|${body}`), keys.privateKey).toString('base64'),
  };
}

describe('Telnyx’ signature', () => {
  it('is over the time and the bytes as they came', () => {
    verifies('PV-09', 'PV-10');
    expect(make().verify(call(fixtures.sms, signed(fixtures.sms)))).toBe(true);
    // The same JSON, printed another way, is other bytes.
    expect(make().verify(call(JSON.stringify(fixtures.sms, null, 2), signed(fixtures.sms)))).toBe(false);
    const later = { ...signed(fixtures.sms), 'telnyx-timestamp': String(NOW + 1) };
    expect(make().verify(call(fixtures.sms, later))).toBe(false);
  });

  it('is refused without its parts, malformed, or of another key', () => {
    verifies('PV-09', 'PV-10');
    const { 'telnyx-signature-ed25519': signature = '', 'telnyx-timestamp': timestamp = '' } = signed(fixtures.sms);
    const refused: readonly Readonly<Record<string, string>>[] = [
      {},
      { 'telnyx-signature-ed25519': signature },
      { 'telnyx-timestamp': timestamp },
      { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': '' },
      { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': signature.slice(0, -4) },
      { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': `${signature}AAAA` },
      { 'telnyx-timestamp': 'soon', 'telnyx-signature-ed25519': signature },
      { 'telnyx-timestamp': `${timestamp}.0`, 'telnyx-signature-ed25519': signature },
      { 'telnyx-timestamp': `-${timestamp}`, 'telnyx-signature-ed25519': signature },
    ];
    for (const headers of refused) expect(make().verify(call(fixtures.sms, headers)), JSON.stringify(headers)).toBe(false);
    const other = Buffer.from(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
    expect(make({ publicKey: other }).verify(call(fixtures.sms, signed(fixtures.sms)))).toBe(false);
  });

  it('is good for five minutes, or as long as is said', () => {
    verifies('PV-10');
    for (const [seconds, tolerance, good] of [
      [300, undefined, true],
      [301, undefined, false],
      [-300, undefined, true],
      [-301, undefined, false],
      [60, 30, false],
      [3000, 3600, true],
    ] as const) {
      const provider = make(tolerance === undefined ? {} : { toleranceSeconds: tolerance });
      expect(provider.verify(call(fixtures.sms, signed(fixtures.sms), (NOW + seconds) * 1000)), `${seconds}`).toBe(good);
    }
  });

  it('cannot be verified without a key: the webhook is refused, and says what is missing', () => {
    verifies('PV-09');
    const provider = make({ publicKey: '' });
    expect(provider.webhookNeeds).toEqual(['publicKey']);
    expect(() => provider.verify(call(fixtures.sms, signed(fixtures.sms)))).toThrow(/publicKey/);
    expect(make().webhookNeeds).toEqual([]);
  });
});

describe('what Telnyx calls with', () => {
  it('is read as its documentation has it', () => {
    verifies('PV-07', 'PV-08');
    expect(parseTelnyxWebhook(fixtures.sms)).toEqual({
      type: 'message',
      message: {
        senderId: '+18665550001',
        content: { type: 'text', body: 'Hello, World!' },
        externalId: '7ee4241c-f127-47e5-9c34-3aac291f8058',
        providerMessageId: '7ee4241c-f127-47e5-9c34-3aac291f8058',
        idempotencyKey: '7ee4241c-f127-47e5-9c34-3aac291f8058',
        rawPayload: fixtures.sms,
        metadata: { destination_number: '+18445550001', received_at: '2019-01-23T18:10:02.574Z' },
      },
    });
    expect(parseTelnyxWebhook(fixtures.mms)).toMatchObject({
      message: {
        content: {
          type: 'media',
          url: 'https://media.example.com/inbound/a.png',
          mimeType: 'image/png',
          sizeBytes: 197439,
          caption: 'Hello from Telnyx!',
        },
      },
    });
  });

  it.each([
    ['message.sent', 'sent', 'sent'],
    ['message.sent', 'sending', 'sending'],
    ['message.finalized', 'delivered', 'delivered'],
    ['message.finalized', 'delivery_unconfirmed', 'sent'],
    ['message.finalized', 'sending_failed', 'failed'],
    ['message.finalized', 'delivery_failed', 'failed'],
    ['message.read', 'delivered', 'read'],
  ])('%s with %s is %s', (eventType, word, status) => {
    verifies('PV-11');
    const { data } = fixtures.finalized;
    const errors = [{ code: '40001', title: 'Not routable', detail: 'Landline' }];
    const payload = { ...data.payload, to: [{ phone_number: '+17735550002', status: word }], errors };
    const meta = parseTelnyxWebhook({ data: { ...data, event_type: eventType, payload } });
    expect(meta).toMatchObject({ type: 'status', status: { provider: 'telnyx', messageId: data.payload.id, status, recipient: '+17735550002' } });
    const { errorCode, errorMessage } = meta.type === 'status' ? meta.status : {};
    expect([errorCode, errorMessage]).toEqual(status === 'failed' ? ['telnyx_40001', 'Landline'] : [undefined, undefined]);
  });

  it('that is no message received is none, unless one is not strict about it', () => {
    verifies('PV-06', 'PV-11');
    const { payload } = fixtures.sms.data;
    for (const odd of [
      { data: { ...fixtures.sms.data, event_type: 'message.other' } },
      { data: { ...fixtures.sms.data, payload: { ...payload, direction: 'outbound' } } },
      { data: { ...fixtures.sms.data, payload: { ...payload, from: {} } } },
      { data: { ...fixtures.sms.data, payload: { ...payload, id: null } } },
      { data: { ...fixtures.finalized.data, payload: { ...fixtures.finalized.data.payload, to: [{ status: 'wondering' }] } } },
      payload,
      null,
      [],
    ])
      expect(parseTelnyxWebhook(odd).type).toBe('ignored');
    expect(parseTelnyxWebhook(payload, { strict: false })).toMatchObject({ type: 'message', message: { senderId: '+18665550001' } });
  });

  it('never makes it stumble, nor gives it a message without a sender', () => {
    verifies('PV-06');
    const odd = fc.oneof(fc.jsonValue(), fc.constant('x'.repeat(100_000)));
    const names = fc.constantFrom('id', 'from', 'to', 'media', 'text', 'direction', 'errors', 'received_at', 'body', 'autoresponse_type');
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(fixtures)), fc.dictionary(names, odd), fc.boolean(), ({ data }, changes, strict) => {
        const meta = parseTelnyxWebhook({ data: { ...data, payload: { ...data.payload, ...changes } } }, { strict });
        if (meta.type === 'message') expect(meta.message.senderId).toMatch(/./);
        if (meta.type === 'status') expect(meta.status.messageId).toMatch(/./);
      }),
      { numRuns: RUNS },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => void parseTelnyxWebhook(payload, { strict: false })),
      { numRuns: RUNS },
    );
  });
});

endToEnd(openTelnyx, (provider) => new SMSChannel('sms', { provider }));

describe('over Telnyx', () => {
  const scene = (run: Parameters<typeof withScene>[2], open = openTelnyx) => withScene(open, (provider) => new SMSChannel('sms', { provider }), run);

  it('a text goes in as many messages as Telnyx takes it in, ten segments each at most', async () => {
    verifies('F26', 'TRC-03');
    await scene(
      async ({ write, say, setup, rows }) => {
        const roomId = await write('Tell me everything');
        const text = `${'ж'.repeat(669)} ${'a'.repeat(1520)} ${'😀'.repeat(335)} 👩‍👩‍👧`;
        await say(roomId, text);
        await until(async () => ['sent', 'delivered'].includes((await rows(roomId))[0]?.state ?? ''), 'it is sent');
        const parts = setup.arrived().map((message) => message.text);
        expect(parts.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        // As few as there can be: Latin letters in one message, and no emoji cut where 67 units end.
        expect(parts.map((part) => smsSegments(part).segments)).toEqual([10, 10, 10, 1]);
      },
      (options) => openTelnyx({ ...options, reportsTo: options?.webhookUrl }),
    );
  });

  it('a message whose answer was lost is recognised by its status, and goes out once', async () => {
    verifies('OUT-07', 'OUT-14');
    await scene(
      async ({ write, say, setup, clock, rows }) => {
        const roomId = await write('Hello');
        setup.fail({ cuts: true });
        await say(roomId, 'Only once');
        await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'the status ends the delivery');
        await clock.advance(600_000);
        expect(setup.arrived().filter(({ text }) => text === 'Only once')).toHaveLength(1);
      },
      (options) => openTelnyx({ ...options, reportsTo: options?.webhookUrl }),
    );
  });

  it('STOP is answered by Telnyx; the program hears of it, and what it sends afterwards is refused for good', async () => {
    verifies('PV-12');
    await scene(async ({ write, say, setup, rows, kit }) => {
      const roomId = await write('Stop');
      expect(setup.arrived().map(({ text }) => text)).toEqual([expect.stringMatching(/unsubscribed/)]);
      expect((await kit.getTimeline(roomId)).find(({ type }) => type === 'message')?.metadata).toMatchObject({ opt_out_type: 'STOP' });
      await say(roomId, 'Are you sure?');
      await until(async () => (await rows(roomId))[0]?.state === 'failed', 'it is refused');
      expect(await rows(roomId)).toMatchObject([{ attempts: 1, lastError: { code: 'telnyx_40300', retryable: false } }]);
    });
  });

  it('sends the key of each message in the letters Telnyx takes, the same for every attempt', async () => {
    verifies('PV-15');
    await using vendor = await TelnyxEmulator.start();
    const provider = make({ apiKey: vendor.apiKey, baseUrl: vendor.url });
    const request = { to: '+15550123', content: { type: 'text' as const, body: 'x' }, defaults: {}, event: {} as never, binding: {} as never };
    for (const [idempotencyKey, attempt] of [
      ['event-1:sms', 1],
      ['event-1:sms', 2],
      ['event-1:sms/é', 1],
      [`${'x'.repeat(300)}:sms`, 1],
    ] as const)
      await provider.send({ ...request, idempotencyKey, attempt, signal: new AbortController().signal });
    const sent = vendor.requests.map(({ headers }) => String(headers['idempotency-key']));
    expect(sent.slice(0, 2)).toEqual(['event-1:sms', 'event-1:sms']);
    for (const key of sent) expect(key).toMatch(/^[A-Za-z0-9_:-]{1,255}$/);
    expect(new Set(sent).size).toBe(3);
  });

  it('ten files go with one message, eleven and data: addresses with none', async () => {
    verifies('PV-04', 'PV-05');
    await scene(async ({ write, say, setup, rows }) => {
      const roomId = await write('Send them all');
      const file = (n: number) => ({ type: 'media' as const, url: `https://files.example/${n}.png`, mimeType: 'image/png' });
      const files = (count: number) => ({ type: 'composite' as const, parts: Array.from({ length: count }, (_, n) => file(n)) });
      await say(roomId, files(10));
      await until(() => setup.arrived()[0]?.media.length === 10, 'ten arrive');
      for (const content of [files(11), { type: 'media' as const, url: 'data:image/png;base64,AAAA', mimeType: 'image/png' }]) {
        await say(roomId, content);
        await until(async () => (await rows(roomId)).at(-1)?.state === 'failed', 'it is refused');
        expect((await rows(roomId)).at(-1)?.lastError?.code).toBe('media_not_supported');
      }
    });
  });
});

describe('the options', () => {
  it('say what is wrong with them, and how to mend it', () => {
    verifies('PV-01');
    for (const [config, words] of [
      [{ apiKey: '' }, /apiKey/],
      [{ publicKey: 'abc' }, /Ed25519/],
      [{ fromNumber: undefined }, /nothing to send from/],
      [{ statusCallback: 'nowhere' }, /statusCallback/],
      [{ toleranceSeconds: 0 }, /toleranceSeconds/],
      [{ from: '+1' }, /from/],
    ] as const)
      expect(() => make(config as Partial<TelnyxConfig>)).toThrow(words);
  });
});

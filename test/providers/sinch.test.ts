/** What is Sinch's own: its two signatures, every callback, files one by one, and asking for a message by its reference. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SMSChannel, type WebhookRequest } from '../../src/index.js';
import type { SinchEmulator } from '../../src/emulators/index.js';
import recorded from '../../src/providers/sinch/fixtures/webhooks.json' with { type: 'json' };
import { parseSinchWebhook, SinchSMSProvider, type SinchConfig } from '../../src/providers/sinch/index.js';
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene, type Scene } from './end-to-end.js';
import { openSinch } from './open-sinch.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
const fixtures = recorded.payloads;
const make = (config: Partial<SinchConfig> = {}): SinchSMSProvider =>
  new SinchSMSProvider({ servicePlanId: 'plan', apiToken: 'token', webhookSecret: 'foo_secret1234', fromNumber: '+15550100', ...config });

function call(body: string, headers: Record<string, string>, receivedAt: number): WebhookRequest {
  return { method: 'POST', url: 'https://x.example/webhooks/sms', headers: new Headers(headers), body: new TextEncoder().encode(body), receivedAt };
}

/** The vector of the tests of Sinch's own packages. */
const VECTOR =
  '{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}';
const VECTOR_HEADERS = {
  'x-sinch-webhook-signature-nonce': '01FJA8B4A7BM43YGWSG9GBV067',
  'x-sinch-webhook-signature-timestamp': '1634579353',
  'x-sinch-webhook-signature': '6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=',
};
const THEN = 1_634_579_353_000;

describe('Sinch’s signature', () => {
  it('is that of its own packages', () => {
    verifies('PV-09');
    expect(make().verify(call(VECTOR, VECTOR_HEADERS, THEN))).toBe(true);
    expect(make().verify(call(VECTOR, { ...VECTOR_HEADERS, 'x-sinch-webhook-signature-algorithm': 'HmacSHA256' }, THEN))).toBe(true);
  });

  it('is refused without its parts, for other bytes, another nonce or time, by another secret or algorithm', () => {
    verifies('PV-09', 'PV-10');
    for (const [what, body, headers] of [
      ['other bytes', `${VECTOR} `, VECTOR_HEADERS],
      ['another nonce', VECTOR, { ...VECTOR_HEADERS, 'x-sinch-webhook-signature-nonce': 'other' }],
      ['another time', VECTOR, { ...VECTOR_HEADERS, 'x-sinch-webhook-signature-timestamp': '1634579354' }],
      ['another algorithm', VECTOR, { ...VECTOR_HEADERS, 'x-sinch-webhook-signature-algorithm': 'HmacSHA512' }],
      ['no header', VECTOR, {}],
      ...Object.keys(VECTOR_HEADERS).map(
        (name) => [`no ${name}`, VECTOR, Object.fromEntries(Object.entries(VECTOR_HEADERS).filter(([key]) => key !== name))] as const,
      ),
    ] as readonly (readonly [string, string, Record<string, string>])[])
      expect(make().verify(call(body, headers, THEN)), what).toBe(false);
    expect(make({ webhookSecret: 'other' }).verify(call(VECTOR, VECTOR_HEADERS, THEN))).toBe(false);
  });

  it('is good for five minutes, or as long as is said', () => {
    verifies('PV-10');
    for (const [seconds, tolerance, good] of [
      [300, 300, true],
      [301, 300, false],
      [-301, 300, false],
      [60, 30, false],
    ] as const)
      expect(make({ toleranceSeconds: tolerance }).verify(call(VECTOR, VECTOR_HEADERS, THEN + seconds * 1000))).toBe(good);
  });

  it('of the older scheme is over the body alone, and only where it was chosen', () => {
    verifies('PV-09');
    const older = make({ signatureScheme: 'hmac_sha1' });
    for (const encoding of ['base64', 'hex'] as const) {
      const headers = { 'x-sinch-signature': createHmac('sha1', 'foo_secret1234').update(VECTOR).digest(encoding) };
      expect(older.verify(call(VECTOR, headers, 0))).toBe(true);
      expect(older.verify(call(`${VECTOR} `, headers, 0))).toBe(false);
      expect(make().verify(call(VECTOR, headers, THEN))).toBe(false);
    }
    expect(older.verify(call(VECTOR, VECTOR_HEADERS, THEN))).toBe(false);
    expect(older.verify(call(VECTOR, {}, THEN))).toBe(false);
  });

  it('cannot be verified without a secret: the webhook is refused, and says what is missing', () => {
    verifies('PV-09');
    const { webhookSecret: _secret, ...config } = { servicePlanId: 'plan', apiToken: 'token', webhookSecret: '', fromNumber: '+15550100' };
    const provider = new SinchSMSProvider(config);
    expect(provider.webhookNeeds).toEqual(['webhookSecret']);
    expect(() => provider.verify(call(VECTOR, VECTOR_HEADERS, THEN))).toThrow(/webhookSecret/);
    expect(make().webhookNeeds).toEqual([]);
  });
});

describe('what Sinch calls with', () => {
  it('is read as its documentation has it, with the plus that Sinch leaves out', () => {
    verifies('PV-07', 'PV-08');
    expect(parseSinchWebhook(fixtures.text)).toEqual({
      type: 'message',
      message: {
        senderId: '+12067799294',
        content: { type: 'text', body: 'Hello World' },
        externalId: 'OzQ5UqIOdoY8',
        providerMessageId: 'OzQ5UqIOdoY8',
        idempotencyKey: 'OzQ5UqIOdoY8',
        rawPayload: fixtures.text,
        metadata: { to: '+18444651185', received_at: '2016-03-30T19:33:06.643Z', operator_id: '35000' },
      },
    });
    expect(parseSinchWebhook(fixtures.media)).toMatchObject({
      message: { senderId: '+46701234567', content: { type: 'media', url: 'https://example.com/img.jpg', caption: 'Hello media' } },
    });
    expect(parseSinchWebhook(fixtures.binary)).toMatchObject({
      message: { content: { type: 'media', url: 'data:application/octet-stream;base64,SGVsbG8=' } },
    });
    expect(parseSinchWebhook({ ...fixtures.text, from: '12345' })).toMatchObject({ message: { senderId: '12345' } });
  });

  it.each([
    ['Queued', 'sending'],
    ['Dispatched', 'sent'],
    ['Delivered', 'delivered'],
    ['Failed', 'failed'],
    ['Rejected', 'failed'],
    ['Expired', 'failed'],
    ['Aborted', 'failed'],
    ['Cancelled', 'failed'],
    ['Deleted', 'failed'],
    ['Unknown', 'unknown'],
  ])('%s is %s', (word, status) => {
    verifies('PV-11');
    const meta = parseSinchWebhook({ ...fixtures.report, status: word, code: 402 });
    expect(meta).toMatchObject({
      type: 'status',
      status: { messageId: fixtures.report.batch_id, status, idempotencyKey: 'client-ref', recipient: '+12017777777' },
    });
    expect(meta.type === 'status' ? meta.status.errorCode : '').toBe(status === 'failed' ? 'sinch_402' : undefined);
  });

  it('may be a report of the whole batch: ours have one recipient', () => {
    verifies('PV-11');
    expect(parseSinchWebhook(fixtures.summary)).toMatchObject({
      type: 'status',
      status: { status: 'failed', errorCode: 'sinch_412', recipient: '+12010000000' },
    });
    const two = { ...fixtures.summary, statuses: [...fixtures.summary.statuses, { code: 0, count: 1, status: 'Delivered' }] };
    expect(parseSinchWebhook(two).type).toBe('ignored');
  });

  it('never makes it stumble, nor gives it a message without a sender', () => {
    verifies('PV-06');
    for (const odd of [
      null,
      [],
      'x',
      {},
      { type: 'mo_future', id: '1', from: '2' },
      { ...fixtures.text, from: null },
      { ...fixtures.report, status: 'Lost' },
    ])
      expect(parseSinchWebhook(odd).type).toBe('ignored');
    const names = fc.constantFrom('id', 'from', 'to', 'body', 'media', 'type', 'statuses', 'status', 'recipient', 'received_at', 'batch_id');
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(fixtures)), fc.dictionary(names, fc.jsonValue()), (fixture, changes) => {
        const meta = parseSinchWebhook({ ...fixture, ...changes });
        if (meta.type === 'message') expect(meta.message.senderId).toMatch(/./);
        if (meta.type === 'status') expect(meta.status.messageId).toMatch(/./);
      }),
      { numRuns: RUNS },
    );
  });
});

endToEnd(openSinch, (provider) => new SMSChannel('sms', { provider }));

describe('over Sinch', () => {
  type Vendor = SinchEmulator;
  const scene = (run: (scene: Scene & { vendor: Vendor }) => Promise<void>, options: Parameters<typeof openSinch>[0] = {}): Promise<void> => {
    let vendor: Vendor | undefined;
    return withScene(
      async (given) => {
        const setup = await openSinch({ ...given, ...options });
        vendor = setup.vendor;
        return setup;
      },
      (provider) => new SMSChannel('sms', { provider }),
      async (inner) => {
        if (vendor === undefined) throw new Error('not opened');
        await run({ ...inner, vendor });
      },
    );
  };

  it('the older signature is believed where it was chosen', async () => {
    verifies('PV-09', 'WHK-03');
    await scene(
      async ({ write, texts, port }) => {
        expect(await texts(await write('signed the older way'))).toEqual(['signed the older way']);
        expect(port.calls[0]?.request.headers.has('x-sinch-signature')).toBe(true);
      },
      { signatureScheme: 'hmac_sha1' },
    );
  });

  it('the words go with the first file, further files by themselves, and none after a failure', async () => {
    verifies('PV-04', 'PV-12');
    await scene(async ({ write, say, setup, rows, vendor, clock }) => {
      const roomId = await write('Show me');
      const file = (n: number) => ({ type: 'media' as const, url: `https://files.example/${n}.png`, mimeType: 'image/png' });
      await say(roomId, { type: 'composite', parts: [{ type: 'text', body: 'Two' }, file(1), file(2)] });
      await until(() => setup.arrived().length === 2, 'both arrive');
      expect(setup.arrived()).toEqual([
        { text: 'Two', media: ['https://files.example/1.png'] },
        { text: '', media: ['https://files.example/2.png'] },
      ]);
      const before = vendor.requests.length;
      const request = { to: setup.to, defaults: {}, event: {} as never, binding: {} as never, idempotencyKey: 'k', attempt: 1 };
      const content = { type: 'composite' as const, parts: [file(3), file(4), file(5)] };
      // The second of three fails: the first is there already, so nothing of it is tried again.
      vendor.fail({ delayMs: 1 });
      vendor.fail({ status: 500 });
      const result = await setup.provider.send({ ...request, content, signal: new AbortController().signal });
      expect(result).toMatchObject({ success: false, retryable: false });
      expect(vendor.requests.length).toBe(before + 2);
      await clock.advance(0);
      expect(await rows(roomId)).toHaveLength(1);
    });
  });

  it('a message whose answer was lost is recognised by its report, or found by its reference', async () => {
    verifies('OUT-07', 'OUT-09', 'OUT-14');
    await scene(async ({ write, say, setup, clock, rows, vendor }) => {
      const roomId = await write('Hello');
      vendor.fail({ cuts: true });
      await say(roomId, 'Only once');
      await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'the report ends the delivery');
      await clock.advance(600_000);
      expect(setup.arrived().filter(({ text }) => text === 'Only once')).toHaveLength(1);
      const [row] = await rows(roomId);
      const { signal } = new AbortController();
      expect(await setup.provider.lookupDelivery?.(row?.idempotencyKey ?? '', signal)).toEqual({ providerMessageId: row?.providerMessageId });
      expect(await setup.provider.lookupDelivery?.('nobody:sms', signal)).toBeNull();
      vendor.fail({ status: 500 });
      await expect(async () => setup.provider.lookupDelivery?.('nobody:sms', signal)).rejects.toThrow(/could not say/);
    });
  });
});

describe('the options', () => {
  it('say what is wrong with them, and how to mend it', () => {
    verifies('PV-01');
    for (const [config, words] of [
      [{ servicePlanId: '' }, /servicePlanId/],
      [{ apiToken: '' }, /apiToken/],
      [{ fromNumber: '' }, /fromNumber/],
      [{ region: 'mars' }, /us, eu, au, br, ca/],
      [{ signatureScheme: 'none' }, /hmac_sha256, hmac_sha1/],
      [{ toleranceSeconds: 0 }, /toleranceSeconds/],
      [{ statusCallback: 'nowhere' }, /statusCallback/],
      [{ key: 'x' }, /key/],
    ] as const)
      expect(() => make(config as Partial<SinchConfig>)).toThrow(words);
  });

  it('choose the region', async () => {
    verifies('PV-15');
    const asked: string[] = [];
    const fake: typeof fetch = (input) => {
      asked.push(String(input));
      return Promise.resolve(new Response('{"id":"1"}', { status: 201 }));
    };
    const request = { to: '+15550123', content: { type: 'text' as const, body: 'x' }, defaults: {}, event: {} as never, binding: {} as never };
    for (const region of ['us', 'eu', 'au', 'br', 'ca'] as const)
      await make({ region, fetch: fake }).send({ ...request, idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal });
    expect(asked).toEqual(['us', 'eu', 'au', 'br', 'ca'].map((region) => `https://${region}.sms.api.sinch.com/xms/v1/plan/batches`));
  });
});

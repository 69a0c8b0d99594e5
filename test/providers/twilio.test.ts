/** What is Twilio's own: signatures against its package, every field it sends and takes, and what its carrier answers by itself. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import twilio from 'twilio';
import { describe, expect, it } from 'vitest';
import { SMSChannel, type WebhookRequest } from '../../src/index.js';
import { TwilioEmulator } from '../../src/emulators/index.js';
import { TwilioSMSProvider, parseTwilioWebhook, type TwilioConfig } from '../../src/providers/twilio/index.js';
import recorded from '../../src/providers/twilio/fixtures/webhooks.json' with { type: 'json' };
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene } from './end-to-end.js';
import { openTwilio } from './open-twilio.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
const fixtures = recorded.payloads;
const SID = `AC${'1'.repeat(32)}`;
const make = (config: Partial<TwilioConfig> = {}): TwilioSMSProvider =>
  new TwilioSMSProvider({ accountSid: SID, authToken: '12345', fromNumber: '+15550100', ...config });

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
function call(url: string, form: string | readonly (readonly [string, string])[], headers: Record<string, string>, method = 'POST'): WebhookRequest {
  const body = typeof form === 'string' ? form : new URLSearchParams(form.map(([name, value]) => [name, value])).toString();
  return { method, url, headers: new Headers(headers), body: bytes(body), receivedAt: 0 };
}
const signature = (value: string): Record<string, string> => ({ 'x-twilio-signature': value });

/** The vector of Twilio's documentation. */
const URL_OF_DOCS = 'https://mycompany.com/myapp.php?foo=1&bar=2';
const FORM_OF_DOCS = [
  ['CallSid', 'CA1234567890ABCDE'],
  ['Caller', '+14158675310'],
  ['Digits', '1234'],
  ['From', '+14158675310'],
  ['To', '+18005551212'],
] as const;

describe('Twilio’s signature', () => {
  it('is that of its documentation', () => {
    verifies('PV-09');
    const given = signature('GvWf1cFY/Q7PnoempGyD5oXAezc=');
    expect(make().verify(call(URL_OF_DOCS, FORM_OF_DOCS, given))).toBe(true);
    expect(make().verify(call(URL_OF_DOCS, [...FORM_OF_DOCS].reverse(), given))).toBe(true);
    expect(make({ authToken: '12346' }).verify(call(URL_OF_DOCS, FORM_OF_DOCS, given))).toBe(false);
    expect(make().verify(call(URL_OF_DOCS, FORM_OF_DOCS.slice(1), given))).toBe(false);
    for (const url of [URL_OF_DOCS.replace('https', 'http'), `${URL_OF_DOCS}&baz=3`, URL_OF_DOCS.replace('mycompany', 'mycompany2'), '', 'nonsense'])
      expect(make().verify(call(url, FORM_OF_DOCS, given)), url).toBe(false);
  });

  it('is what Twilio’s package makes, whatever the names, values and address', () => {
    verifies('PV-09');
    const names = fc.constantFrom('From', 'To', 'Body', 'MediaUrl', 'a b', 'é', 'from', 'A', 'Z', 'a+b', '%41', 'x=y');
    const values = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.constantFrom('', '+15550123', 'a&b=c', '%2B', '📦 ü', ' '));
    const urls = fc.constantFrom(
      'https://x.example/webhooks/sms',
      'https://x.example:443/webhooks/sms?a=%20b&c=',
      'https://x.example:8443/webhooks/sms',
      'http://x.example/webhooks/sms?it=isn%27t',
      'http://127.0.0.1:4170/webhooks/sms',
      'http://[::1]/webhooks/sms',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values), { maxLength: 12 }), urls, (form, url) => {
        // The package takes what a form parser gives: a list where a name comes several times.
        const parameters: Record<string, string | string[]> = Object.create(null) as Record<string, string[]>;
        for (const [name, value] of form) {
          const known = parameters[name];
          parameters[name] = known === undefined ? value : [...(Array.isArray(known) ? known : [known]), value];
        }
        const made = twilio.getExpectedTwilioSignature('12345', url, parameters);
        expect(make().verify(call(url, form, signature(made)))).toBe(true);
        expect(twilio.validateRequest('12345', made, url, parameters)).toBe(true);
        expect(make().verify(call(url, [...form, ['Extra', '1']], signature(made)))).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('is taken with the port of the scheme or without, as Twilio’s validator takes it', () => {
    verifies('PV-09');
    for (const [signed, called] of [
      ['https://x.example/sms', 'https://x.example:443/sms'],
      ['https://x.example:443/sms', 'https://x.example/sms'],
      ['http://x.example:80/sms', 'http://x.example/sms'],
      ['https://x.example/sms', 'https://x.example:8443/sms'],
      ['https://x.example/sms?a=it%27s', 'https://x.example/sms?a=it%27s'],
      ["https://x.example/sms?a=it's", 'https://x.example/sms?a=it%27s'],
    ] as const) {
      const made = twilio.getExpectedTwilioSignature('12345', signed, {});
      expect(make().verify(call(called, [], signature(made))), `${signed} called as ${called}`).toBe(true);
    }
    const made = twilio.getExpectedTwilioSignature('12345', 'https://x.example:80/sms', {});
    expect(make().verify(call('https://x.example/sms', [], signature(made)))).toBe(false);
  });

  it('of JSON covers the hash of the body in the address, and the body has to be that one', () => {
    verifies('PV-09');
    const body = '{"MessageSid":"SM1","From":"+15550123","Body":"hé"}';
    const url = `https://x.example/sms?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
    const made = twilio.getExpectedTwilioSignature('12345', url, {});
    expect(twilio.validateRequestWithBody('12345', made, url, body)).toBe(true);
    const headers = { ...signature(made), 'content-type': 'application/json' };
    expect(make().verify(call(url, body, headers))).toBe(true);
    expect(make().parse(call(url, body, headers))).toMatchObject([{ type: 'message', message: { senderId: '+15550123', content: { body: 'hé' } } }]);
    expect(make().verify(call(url, body.replace('hé', 'he'), headers))).toBe(false);
    expect(make().verify(call(url, '', headers))).toBe(false);
    expect(make().verify(call('https://x.example/sms', body, headers))).toBe(false);
    expect(make().verify(call(url.slice(0, -1), body, headers))).toBe(false);
  });

  it('of a GET covers the address alone, and the message is read from it', () => {
    verifies('PV-09');
    const url = 'https://x.example/sms?MessageSid=SM1&From=%2B15550123&Body=hi+there&SmsStatus=received';
    const made = twilio.getExpectedTwilioSignature('12345', url, {});
    expect(make().verify(call(url, '', signature(made), 'GET'))).toBe(true);
    expect(make().parse(call(url, '', {}, 'GET'))).toMatchObject([
      { type: 'message', message: { senderId: '+15550123', content: { body: 'hi there' } } },
    ]);
    expect(make().verify(call(url.replace('hi', 'ho'), '', signature(made), 'GET'))).toBe(false);
  });

  it('is missing, or there is no token: nobody is believed', () => {
    verifies('PV-09', 'PV-01');
    expect(make().verify(call(URL_OF_DOCS, FORM_OF_DOCS, {}))).toBe(false);
    for (const authToken of ['', '  ']) expect(() => make({ authToken })).toThrow(/authToken/);
    expect(() => new TwilioSMSProvider({ accountSid: SID, fromNumber: '+15550100' })).toThrow(/TWILIO_AUTH_TOKEN/);
  });

  it('with a SharedKey is made with its secret, by the algorithm that the call names', () => {
    verifies('PV-09');
    const provider = make({ sharedKeySecret: 'shared-secret' });
    const text = URL_OF_DOCS + FORM_OF_DOCS.map(([name, value]) => name + value).join('');
    const sign = (algorithm: string, key: string): string => createHmac(algorithm, key).update(text).digest('base64');
    const headers = (value: string, settings: string): Record<string, string> => ({
      ...signature(value),
      'x-twilio-webhooks-signature-settings': settings,
    });
    const settings = 'key=desk,algorithm=HMAC_SHA256';
    expect(provider.verify(call(URL_OF_DOCS, FORM_OF_DOCS, headers(sign('sha256', 'shared-secret'), settings)))).toBe(true);
    expect(provider.verify(call(URL_OF_DOCS, FORM_OF_DOCS, headers(sign('sha1', 'shared-secret'), 'key=desk,algorithm=HMAC_SHA1')))).toBe(true);
    // The token still signs what no rule matches.
    expect(provider.verify(call(URL_OF_DOCS, FORM_OF_DOCS, signature(sign('sha1', '12345'))))).toBe(true);
    for (const [what, value, given] of [
      ['the token in place of the key', sign('sha256', '12345'), settings],
      ['the token, by the old way', sign('sha1', '12345'), settings],
      ['the key by another algorithm', sign('sha1', 'shared-secret'), settings],
      ['an unknown algorithm', sign('sha256', 'shared-secret'), 'key=desk,algorithm=MD5'],
      ['no algorithm', sign('sha256', 'shared-secret'), 'key=desk'],
      ['an empty header', sign('sha1', '12345'), ''],
    ] as const)
      expect(provider.verify(call(URL_OF_DOCS, FORM_OF_DOCS, headers(value, given))), what).toBe(false);
    expect(provider.verify(call(URL_OF_DOCS, FORM_OF_DOCS, signature(sign('sha256', 'shared-secret'))))).toBe(false);
    expect(make().verify(call(URL_OF_DOCS, FORM_OF_DOCS, headers(sign('sha256', 'shared-secret'), settings)))).toBe(false);
    expect(make().verify(call(URL_OF_DOCS, FORM_OF_DOCS, headers(sign('sha256', ''), settings)))).toBe(false);
  });
});

describe('what Twilio calls with', () => {
  it('is read as its documentation has it', () => {
    verifies('PV-07', 'PV-08');
    const { sms, mms } = fixtures;
    expect(parseTwilioWebhook(sms)).toEqual({
      type: 'message',
      message: {
        senderId: '+14017122661',
        content: { type: 'text', body: 'Ahoy! We can’t wait to see what you build.' },
        externalId: 'SM2xxxxxx',
        providerMessageId: 'SM2xxxxxx',
        idempotencyKey: 'SM2xxxxxx',
        rawPayload: sms,
        metadata: {
          to: '+15558675310',
          account_sid: 'ACxxxxxxx',
          num_media: '0',
          from_city: 'SOUTH BEND',
          from_state: 'IN',
          from_country: 'US',
        },
      },
    });
    expect(parseTwilioWebhook(mms)).toMatchObject({
      message: {
        content: {
          type: 'composite',
          parts: [
            { type: 'text', body: 'Two pictures' },
            { type: 'media', url: mms.MediaUrl0, mimeType: 'image/jpeg' },
            { type: 'media', url: mms.MediaUrl1, mimeType: 'video/3gpp' },
          ],
        },
      },
    });
  });

  it.each([
    ['accepted', 'sending'],
    ['scheduled', 'sending'],
    ['queued', 'sending'],
    ['sending', 'sending'],
    ['sent', 'sent'],
    ['delivered', 'delivered'],
    ['read', 'read'],
    ['failed', 'failed'],
    ['undelivered', 'failed'],
    ['canceled', 'failed'],
  ])('MessageStatus %s is %s', (word, status) => {
    verifies('PV-11');
    const meta = parseTwilioWebhook({ ...fixtures.status, MessageStatus: word, ErrorCode: '30003' });
    expect(meta).toMatchObject({ type: 'status', status: { provider: 'twilio', messageId: fixtures.status.MessageSid, status } });
    expect(meta.type === 'status' ? meta.status.errorCode : undefined).toBe(status === 'failed' ? 'twilio_30003' : undefined);
  });

  it('that says nothing it knows is no message', () => {
    verifies('PV-06', 'PV-11');
    for (const payload of [
      { ...fixtures.status, MessageStatus: 'partially_delivered' },
      { ...fixtures.sms, From: '' },
      { From: '+1' },
      null,
      [],
      'x',
    ])
      expect(parseTwilioWebhook(payload).type).toBe('ignored');
  });

  it('is a tap, with the button’s words and what it stands for', () => {
    verifies('PV-08');
    expect(parseTwilioWebhook({ ...fixtures.sms, Body: 'ignored', ButtonText: 'Yes, please', ButtonPayload: 'resend' })).toMatchObject({
      message: { content: { type: 'text', body: 'Yes, please' }, metadata: { action: { id: 'resend', value: 'resend', kind: 'reply' } } },
    });
  });

  it('never makes it stumble, nor gives it a message without a sender', () => {
    verifies('PV-06');
    const odd = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.object(), fc.array(fc.string()), fc.constant('x'.repeat(100_000)));
    const names = fc.constantFrom(...Object.keys({ ...fixtures.mms, ...fixtures.status }), 'ButtonPayload', 'ButtonText');
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(fixtures)), fc.dictionary(names, odd), (fixture, changes) => {
        const meta = parseTwilioWebhook({ ...fixture, ...changes });
        if (meta.type === 'message') expect(meta.message.senderId).toMatch(/./);
        if (meta.type === 'status') expect(meta.status.messageId).toMatch(/./);
      }),
      { numRuns: RUNS },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(() => make().parse({ ...call('https://x.example/', '', {}), body })).not.toThrow();
      }),
      { numRuns: RUNS },
    );
  });
});

endToEnd(openTwilio, (provider) => new SMSChannel('sms', { provider }));

describe('over Twilio', () => {
  const scene = (run: Parameters<typeof withScene>[2], open = openTwilio) => withScene(open, (provider) => new SMSChannel('sms', { provider }), run);

  it('a long text goes in parts of 1600, never cut in a grapheme, and in order after a failure', async () => {
    verifies('F26', 'TRC-03');
    await scene(async ({ write, say, setup, rows }) => {
      const roomId = await write('Tell me everything');
      const text = `${'a'.repeat(1599)}👩‍👩‍👧 ${'b'.repeat(1598)}`;
      await say(roomId, text);
      await until(() => setup.arrived().length === 3, 'three parts arrive');
      const parts = setup.arrived().map((message) => message.text);
      expect(parts.join('')).toBe(text.replace(' ', ''));
      expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(1600);
      expect(parts[1]?.startsWith('👩‍👩‍👧')).toBe(true);
      await until(async () => ['sent', 'delivered'].includes((await rows(roomId))[0]?.state ?? ''), 'it is sent');
    });
  });

  it('a message whose answer was lost is recognised by its status, and goes out once', async () => {
    verifies('OUT-07', 'OUT-14');
    await scene(
      async ({ write, say, setup, clock, rows, port }) => {
        const roomId = await write('Hello');
        setup.fail({ cuts: true });
        await say(roomId, 'Only once');
        await until(async () => (await rows(roomId))[0]?.state === 'delivered', 'the status ends the delivery');
        await clock.advance(600_000);
        expect(setup.arrived().filter(({ text }) => text === 'Only once')).toHaveLength(1);
        expect((await rows(roomId))[0]?.providerMessageId).toMatch(/^SM/);
        expect(port.calls.map(({ status }) => status)).toEqual([200, 200, 200]);
      },
      (options) => openTwilio({ ...options, reportsTo: options?.webhookUrl }),
    );
  });

  it('a SharedKey of the account signs, and is believed', async () => {
    verifies('PV-09', 'WHK-03');
    await scene(
      async ({ write, texts, port }) => {
        expect(await texts(await write('signed with another key'))).toEqual(['signed with another key']);
        expect(port.calls[0]?.request.headers.get('x-twilio-webhooks-signature-settings')).toBe('key=desk,algorithm=HMAC_SHA256');
      },
      (options) => openTwilio({ ...options, sharedKey: { name: 'desk', secret: 'the-secret-of-the-key' } }),
    );
  });

  it('STOP is answered by Twilio; the program hears of it, and what it sends afterwards is refused for good', async () => {
    verifies('PV-12');
    await scene(async ({ write, say, setup, rows, kit }) => {
      const roomId = await write('stop');
      expect(setup.arrived().map(({ text }) => text)).toEqual([expect.stringMatching(/unsubscribed.*START/)]);
      expect((await kit.getTimeline(roomId)).find(({ type }) => type === 'message')?.metadata).toMatchObject({ opt_out_type: 'STOP' });
      await say(roomId, 'Are you sure?');
      await until(async () => (await rows(roomId))[0]?.state === 'failed', 'it is refused');
      expect(await rows(roomId)).toMatchObject([{ attempts: 1, lastError: { code: 'twilio_21610', retryable: false } }]);
      await write('START');
      await say(roomId, 'Welcome back');
      await until(() => setup.arrived().some(({ text }) => text === 'Welcome back'), 'it arrives again');
    });
  });

  it('Twilio gets nothing to say back from the webhook', async () => {
    verifies('WHK-03');
    await scene(async ({ write, port }) => {
      await write('Hello');
      expect(port.calls[0]?.answer).toBe('<?xml version="1.0" encoding="UTF-8"?><Response></Response>');
    });
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
      [{ accountSid: 'AC1' }, /no account/],
      [{ fromNumber: undefined }, /nothing to send from/],
      [{ statusCallback: 'nowhere' }, /statusCallback/],
      [{ baseUrl: 'ftp://x' }, /baseUrl/],
      [{ timeoutSeconds: 0 }, /timeoutSeconds/],
      [{ from: '+1' }, /from/],
    ] as const)
      expect(() => make(config as Partial<TwilioConfig>)).toThrow(words);
  });

  it('send from a messaging service, and the channel’s own number goes before both', async () => {
    verifies('PV-15');
    const service = `MG${'a'.repeat(32)}`;
    await using vendor = await TwilioEmulator.start({ numbers: ['+15550100', '+15550101'], messagingServices: { [service]: '+15550101' } });
    const phone = vendor.phone('+15550123');
    const provider = make({ accountSid: vendor.accountSid, authToken: vendor.authToken, baseUrl: vendor.url, messagingServiceSid: service });
    const request = { event: {} as never, binding: {} as never, idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal };
    for (const from of [undefined, '+15550100'])
      await provider.send({ ...request, to: phone.number, content: { type: 'text', body: 'x' }, defaults: from === undefined ? {} : { from } });
    expect(phone.messages.map((message) => message.from)).toEqual(['+15550101', '+15550100']);
  });
});

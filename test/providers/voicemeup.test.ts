/** What is VoiceMeUp's own: a secret in place of a signature, refusals with status 200, and MMS that is told in two calls. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SMSChannel, type WebhookMeta, type WebhookRequest } from '../../src/index.js';
import type { VoiceMeUpEmulator } from '../../src/emulators/index.js';
import recorded from '../../src/providers/voicemeup/fixtures/webhooks.json' with { type: 'json' };
import { parseVoicemeupWebhook, VoiceMeUpSMSProvider, type VoiceMeUpConfig } from '../../src/providers/voicemeup/index.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';
import { until } from '../support/webhook-port.js';
import { endToEnd, withScene, type Scene } from './end-to-end.js';
import { openVoiceMeUp, SECRET } from './open-voicemeup.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1) * 200;
const fixtures = recorded.payloads;
const make = (config: Partial<VoiceMeUpConfig> = {}): VoiceMeUpSMSProvider =>
  new VoiceMeUpSMSProvider({ username: 'api', authToken: 'token', webhookSecret: SECRET, fromNumber: '+15145550100', ...config });

function call(payload: unknown, url = `https://x.example/webhooks/sms/${SECRET}`, headers = { 'content-type': 'application/json' }): WebhookRequest {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return { method: 'POST', url, headers: new Headers(headers), body: new TextEncoder().encode(body), receivedAt: 0 };
}

describe('VoiceMeUp’s secret', () => {
  it('is the last part of the address, and nothing else is believed', () => {
    verifies('PV-09');
    const base = 'https://x.example/webhooks/sms';
    expect(make().verify(call({}))).toBe(true);
    expect(make().verify(call({}, `${base}/${SECRET}?a=b`))).toBe(true);
    for (const url of [
      base,
      `${base}/`,
      `${base}/${SECRET}x`,
      `${base}/${SECRET.slice(1)}`,
      `${base}/${SECRET}/`,
      `${base}/${SECRET}/more`,
      `${base}?${SECRET}`,
      '',
    ])
      expect(make().verify(call({}, url)), url).toBe(false);
    expect(make().webhookPaths).toEqual(['/{webhookSecret}']);
  });

  it('has to be there, and may not be one that can be guessed', () => {
    verifies('PV-09', 'PV-01');
    const provider = new VoiceMeUpSMSProvider({ username: 'api', authToken: 'token', fromNumber: '+15145550100' });
    expect(provider.webhookNeeds).toEqual(['webhookSecret']);
    expect(() => provider.verify(call({}))).toThrow(/webhookSecret/);
    for (const webhookSecret of ['short', 'with/slash/and/more', 'with spaces in it ok']) expect(() => make({ webhookSecret })).toThrow(/16 or more/);
  });
});

describe('what VoiceMeUp calls with', () => {
  it('is read by its fields, as JSON, as a form, or in the address', () => {
    verifies('PV-07', 'PV-08');
    const message = {
      senderId: '+15145550123',
      content: { type: 'text', body: 'Hello from VoiceMeUp' },
      externalId: 'abc123',
      providerMessageId: 'abc123',
      idempotencyKey: 'abc123',
      rawPayload: fixtures.sms,
      metadata: {
        destination_number: '+15145550100',
        direction: 'inbound',
        datetime_transmission: '2026-01-28 00:00:00',
        has_attachment: 'no',
      },
    };
    expect(parseVoicemeupWebhook(fixtures.sms)).toEqual({ type: 'message', message });
    const form = new URLSearchParams(fixtures.sms).toString();
    for (const request of [
      call(fixtures.sms),
      call(form, undefined, { 'content-type': 'application/x-www-form-urlencoded' }),
      { ...call('', `https://x.example/webhooks/sms/${SECRET}?${form}`), method: 'GET' },
    ])
      expect(make().parse(request)).toEqual([{ type: 'message', message }]);
    expect(parseVoicemeupWebhook({ ...fixtures.sms, source_number: '5145550123' })).toMatchObject({ message: { senderId: '+15145550123' } });
    expect(parseVoicemeupWebhook({ ...fixtures.sms, source_number: '33612345678' })).toMatchObject({ message: { senderId: '+33612345678' } });
    expect(parseVoicemeupWebhook({ ...fixtures.second, attachment: undefined, attachment_url: 'https://x.example/a.png' })).toMatchObject({
      message: { content: { type: 'media', url: 'https://x.example/a.png', mimeType: 'image/png' } },
    });
  });

  it('never makes it stumble, nor gives it a message without a sender', () => {
    verifies('PV-06');
    for (const odd of [null, [], 'x', {}, { ...fixtures.sms, source_number: null }, { ...fixtures.sms, direction: 'outbound' }])
      expect(parseVoicemeupWebhook(odd).type).toBe('ignored');
    const names = fc.constantFrom(...Object.keys(fixtures.first), 'attachment_url', 'attachment_type');
    const clock = new TestClock();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...Object.values(fixtures)), fc.dictionary(names, fc.jsonValue())), { maxLength: 5 }),
        (calls) => {
          const provider = make();
          const late: WebhookMeta[] = [];
          provider.opened({ clock, take: (meta) => Promise.resolve(void late.push(meta)) });
          const metas = calls.flatMap(([fixture, changes]) => provider.parse(call({ ...fixture, ...changes })));
          void provider.close();
          for (const meta of [...metas, ...late]) if (meta.type === 'message') expect(meta.message.senderId).toMatch(/./);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe('an MMS, told in two calls', () => {
  function opened(config: Partial<VoiceMeUpConfig> = {}) {
    const clock = new TestClock();
    const provider = make(config);
    const late: WebhookMeta[] = [];
    provider.opened({ clock, take: (meta) => Promise.resolve(void late.push(meta)) });
    return { clock, provider, late, take: (payload: unknown): WebhookMeta | undefined => provider.parse(call(payload))[0] };
  }
  const merged = {
    type: 'message',
    message: {
      idempotencyKey: 'first111+second22',
      content: { type: 'media', url: fixtures.second.attachment, mimeType: 'image/png', caption: 'What is this?' },
      rawPayload: { first: fixtures.first, second: fixtures.second },
    },
  };

  it('is one message: the words of the first, the picture of the second', () => {
    verifies('PV-07', 'PV-08');
    const { take, late } = opened();
    expect(take(fixtures.first)).toEqual({ type: 'ignored', reason: 'waits for its picture' });
    expect(take(fixtures.second)).toMatchObject(merged);
    expect(late).toEqual([]);
  });

  it('is never lost: words whose picture does not come go by themselves', async () => {
    verifies('PV-07');
    const { take, late, clock } = opened();
    take(fixtures.first);
    await clock.advance(4999);
    expect(late).toEqual([]);
    await clock.advance(1);
    expect(late).toMatchObject([{ type: 'message', message: { idempotencyKey: 'first111', content: { type: 'text', body: 'What is this?' } } }]);
    // A picture that comes after all is a message of its own.
    expect(take(fixtures.second)).toMatchObject({ message: { idempotencyKey: 'second22', content: { type: 'media' } } });
    await clock.advance(60_000);
    expect(late).toHaveLength(1);
  });

  it('waits as long as is said, and not longer than its provider is open', async () => {
    verifies('PV-07');
    const { take, late, clock, provider } = opened({ mmsTimeoutSeconds: 30 });
    take(fixtures.first);
    await clock.advance(29_000);
    expect(late).toEqual([]);
    await provider.close();
    expect(late).toHaveLength(1);
    await provider.close();
    await clock.advance(60_000);
    expect(late).toHaveLength(1);
  });

  it('is the same message when its calls come again, in whatever order', () => {
    verifies('PV-07');
    const { take } = opened();
    for (const payload of [fixtures.first, fixtures.first]) expect(take(payload)?.type).toBe('ignored');
    for (const payload of [fixtures.second, fixtures.second, fixtures.first]) expect(take(payload)).toMatchObject(merged);
  });

  it('is put together with no other: another sender, another time, or words alone', () => {
    verifies('PV-07');
    const { take, late } = opened();
    take(fixtures.first);
    for (const other of [
      { ...fixtures.second, source_number: '15145550199' },
      { ...fixtures.second, datetime_transmission: '2026-01-28 00:00:02' },
      { ...fixtures.second, destination_number: '15145550101' },
    ])
      expect(take({ ...other, sms_hash: JSON.stringify(other) })).toMatchObject({ message: { content: { type: 'media' } } });
    expect(take({ ...fixtures.sms, datetime_transmission: fixtures.first.datetime_transmission })).toMatchObject({
      message: { content: { type: 'text' } },
    });
    // Other words of the same second: those before them go.
    take({ ...fixtures.first, sms_hash: 'other' });
    expect(late).toMatchObject([{ message: { idempotencyKey: 'first111' } }]);
  });

  it('is known by its name or by its type', () => {
    verifies('PV-08');
    for (const attachment of [
      { attachment: 'https://x.example/a.mms.html?k=1', attachment_mime_type: 'application/octet-stream' },
      { attachment: 'https://x.example/a.mms.page', attachment_mime_type: 'text/html; charset=utf-8' },
    ])
      expect(opened().take({ ...fixtures.first, ...attachment })?.type).toBe('ignored');
    for (const attachment of [
      { attachment: 'https://x.example/a.html', attachment_mime_type: 'text/html' },
      { attachment: 'https://x.example/a.mms.png', attachment_mime_type: 'image/png' },
    ])
      expect(opened().take({ ...fixtures.first, ...attachment })?.type).toBe('message');
  });

  it('of more senders than can wait goes by itself, the oldest first', () => {
    verifies('PV-07');
    const { take, late } = opened();
    for (let n = 0; n < 1001; n++) take({ ...fixtures.first, sms_hash: `hash-${n}`, source_number: String(15_140_000_000 + n) });
    expect(late).toMatchObject([{ message: { idempotencyKey: 'hash-0' } }]);
  });
});

endToEnd(openVoiceMeUp, (provider) => new SMSChannel('sms', { provider }));

describe('over VoiceMeUp', () => {
  const scene = (run: (scene: Scene & { vendor: VoiceMeUpEmulator }) => Promise<void>): Promise<void> => {
    let vendor: VoiceMeUpEmulator | undefined;
    return withScene(
      async (given) => {
        const setup = await openVoiceMeUp(given);
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
  const picture = { media: [{ url: 'https://files.example/lamp.jpg', mimeType: 'image/jpeg' }] };

  it('a picture with words is one event; where the picture is lost the words are not', async () => {
    verifies('PV-07', 'WHK-06');
    await scene(async ({ write, kit, vendor, setup, clock }) => {
      const roomId = await write('Hello');
      const phone = vendor.phone(setup.to);
      expect(await phone.sendSms('What is this?', picture)).toBe(200);
      vendor.losePicture();
      expect(await phone.sendSms('And this?', picture)).toBe(200);
      await clock.advance(5000);
      const contents = async () => (await kit.getTimeline(roomId)).flatMap(({ type, content }) => (type === 'message' ? [content] : []));
      await until(async () => (await contents()).length === 3, 'the words alone are taken');
      expect(await contents()).toMatchObject([
        { type: 'text', body: 'Hello' },
        { type: 'media', url: 'https://files.example/lamp.jpg', caption: 'What is this?' },
        { type: 'text', body: 'And this?' },
      ]);
    });
  });

  it('a long text goes in parts of 1000, in order', async () => {
    verifies('F26', 'TRC-03');
    await scene(async ({ write, say, setup, rows }) => {
      const roomId = await write('Tell me everything');
      const text = `${'a'.repeat(999)}. ${'b'.repeat(998)}. ${'c'.repeat(500)}`;
      await say(roomId, text);
      await until(() => setup.arrived().length === 3, 'three parts arrive');
      const parts = setup.arrived().map((message) => message.text);
      expect(parts.join(' ')).toBe(text);
      expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(1000);
      await until(async () => (await rows(roomId))[0]?.state === 'sent', 'it is sent');
    });
  });

  it('numbers go without their plus, the words with the first file, and further files by themselves', async () => {
    verifies('PV-04');
    await scene(async ({ write, say, setup, vendor }) => {
      const roomId = await write('Show me');
      const file = (n: number) => ({ type: 'media' as const, url: `https://files.example/${n}.png`, mimeType: 'image/png' });
      await say(roomId, { type: 'composite', parts: [{ type: 'text', body: 'Two' }, file(1), file(2)] });
      await until(() => setup.arrived().length === 2, 'both arrive');
      expect(vendor.requests.map(({ text }) => Object.fromEntries(new URLSearchParams(text)))).toEqual([
        { source_number: '15145550100', destination_number: '15145550123', message: 'Two', attachment: 'https://files.example/1.png' },
        { source_number: '15145550100', destination_number: '15145550123', message: '', attachment: 'https://files.example/2.png' },
      ]);
    });
  });

  it('an answer is read whether its message is one or a list', async () => {
    verifies('PV-12');
    await scene(async ({ setup, vendor }) => {
      const request = { to: setup.to, content: { type: 'text' as const, body: 'x' }, defaults: {}, event: {} as never, binding: {} as never };
      const more = { idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal };
      const answer = (message: unknown) => ({
        status: 200,
        body: { response_details: { response_status: 'success', response_messages: { message } } },
      });
      const queued = { code: 'queued_sms_hash', _content: 'hash-1' };
      for (const [message, id] of [
        [queued, 'hash-1'],
        [[{ code: 'info', _content: 'x' }, queued], 'hash-1'],
        [undefined, undefined],
      ] as const) {
        vendor.fail(answer(message));
        const result = await setup.provider.send({ ...request, ...more });
        expect([result.success, result.providerMessageId]).toEqual([true, id]);
      }
    });
  });
});

describe('the options', () => {
  it('say what is wrong with them, and how to mend it', () => {
    verifies('PV-01');
    for (const [config, words] of [
      [{ username: '' }, /username/],
      [{ authToken: '' }, /authToken/],
      [{ fromNumber: '' }, /fromNumber/],
      [{ environment: 'test' }, /'production' or 'sandbox'/],
      [{ mmsTimeoutSeconds: 0 }, /mmsTimeoutSeconds/],
      [{ token: 'x' }, /token/],
    ] as const)
      expect(() => make(config as Partial<VoiceMeUpConfig>)).toThrow(words);
  });

  it('choose the environment', async () => {
    verifies('PV-15');
    const asked: string[] = [];
    const fake: typeof fetch = (input) => {
      asked.push(new URL(String(input)).origin);
      return Promise.resolve(new Response('{}'));
    };
    const request = { to: '+1', content: { type: 'text' as const, body: 'x' }, defaults: {}, event: {} as never, binding: {} as never };
    for (const environment of ['production', 'sandbox'] as const)
      await make({ environment, fetch: fake }).send({ ...request, idempotencyKey: 'k', attempt: 1, signal: new AbortController().signal });
    expect(asked).toEqual(['https://clients.voicemeup.com', 'https://dev-clients.voicemeup.com']);
  });
});

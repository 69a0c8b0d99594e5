/** SendGrid: what it is sent, how its calls are verified and read, and whole conversations over it. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WebhookMeta, WebhookRequest } from '../../src/index.js';
import { SendGridEmulator } from '../../src/emulators/index.js';
import { formBody, type FormField } from '../../src/emulators/mail/form-body.js';
import { parseSendGridEvents, parseSendGridInbound, SendGridProvider } from '../../src/providers/sendgrid/index.js';
import { messagesOf, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { eventually, requestTo } from './mail-scene.js';
import { openMailScene, type MailScene } from './mail-webhook.js';

/** The vendor's own package, which has no types that fit its exports. */
const { EventWebhook } = createRequire(import.meta.url)('@sendgrid/eventwebhook') as {
  EventWebhook: new () => {
    convertPublicKeyToECDSA(key: string): unknown;
    verifySignature(key: unknown, payload: string, signature: string, timestamp: string): boolean;
  };
};

const fixture = JSON.parse(readFileSync(new URL('../../src/providers/sendgrid/fixtures/events.json', import.meta.url), 'utf8')) as {
  payload: unknown[];
};

async function openScene(): Promise<MailScene & { sendgrid: SendGridEmulator }> {
  const sendgrid = await SendGridEmulator.start();
  const { apiKey, webhookPublicKey, webhookSecret, url: baseUrl } = sendgrid;
  const provider = new SendGridProvider({ apiKey, webhookPublicKey, webhookSecret, baseUrl, fromAddress: sendgrid.address, fromName: 'The desk' });
  const scene = await openMailScene(provider);
  sendgrid.webhookUrl = scene.webhookUrl;
  return {
    ...scene,
    sendgrid,
    close: async () => {
      await sendgrid.settled();
      await scene.close();
      await sendgrid.close();
    },
  };
}

function providerOf(more: object = {}): SendGridProvider {
  return new SendGridProvider({ apiKey: 'SG.x', fromAddress: 'desk@shop.example', ...more });
}

function callOf(
  body: string | Uint8Array,
  headers: Record<string, string>,
  url = 'https://shop.example/webhooks/mail',
  receivedAt = 1_764_072_000_000,
): WebhookRequest {
  return { method: 'POST', url, headers: new Headers(headers), body: typeof body === 'string' ? new TextEncoder().encode(body) : body, receivedAt };
}

describe('a conversation over SendGrid', () => {
  it('goes to and fro in one thread, and its deliveries get their ticks', async () => {
    verifies('EM-02', 'EM-03', 'EM-05', 'EM-06', 'RTR-05', 'PV-11');
    const { kit, sendgrid, heard, close } = await openScene();
    const ada = sendgrid.inbox('ada@example.org');
    await ada.write({ subject: 'Mein Päckchen', text: 'Wo ist es?', name: 'Ada' });
    const [first] = heard;
    expect(first).toMatchObject({
      content: { type: 'text', body: 'Wo ist es?' },
      source: { participantId: 'ada@example.org', provider: 'sendgrid' },
      metadata: { subject: 'Mein Päckchen', from_name: 'Ada', spf: 'pass' },
    });
    const roomId = first?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    const answer = await kit.sendEvent(roomId, 'desk', { type: 'rich', body: '**Unterwegs.**' });
    const arrived = await ada.waitForMail('Unterwegs');
    expect(arrived).toMatchObject({ subject: 'Re: Mein Päckchen', messageId: `<${answer.id}@shop.example>`, inReplyTo: first?.source.externalId });
    expect(arrived.html).toContain('<strong>Unterwegs.</strong>');
    await sendgrid.settled();
    expect((await kit.store.listRows({ roomId, eventId: answer.id }))[0]?.state).toBe('delivered');
    await ada.reply(arrived, 'Danke!', { attachments: [{ filename: 'a b.txt', mimeType: 'text/plain', content: 'x' }] });
    expect(heard[1]).toMatchObject({ roomId, content: { type: 'media', caption: 'Danke!', filename: 'a b.txt' } });
    sendgrid.setFate('ada@example.org', 'bounce', '550 5.1.1 No such user');
    const lost = await kit.sendEvent(roomId, 'desk', 'Hallo?');
    await sendgrid.settled();
    expect((await kit.store.listRows({ roomId, eventId: lost.id }))[0]).toMatchObject({
      state: 'failed',
      lastError: { code: 'sendgrid_bounce', message: '550 5.1.1 No such user' },
    });
    expect(messagesOf(await kit.getTimeline(roomId))).toHaveLength(4);
    await close();
  });

  it('takes a mail once that is posted twice, and none that does not know the secret', async () => {
    verifies('INB-08', 'PV-09');
    const { kit, sendgrid, heard, close } = await openScene();
    sendgrid.disturbCallbacks({ isDoubled: true });
    await sendgrid.inbox('ada@example.org').write('Once');
    expect(sendgrid.webhookCalls.map(({ status }) => status)).toEqual([200, 200]);
    await eventually(() => heard.length === 1, 'it is heard');
    const [call] = sendgrid.webhookCalls;
    for (const url of [call?.url.replace('/test-secret', '') ?? '', call?.url.replace('test-secret', 'test-secreT') ?? '', `${call?.url ?? ''}/x`]) {
      const response = await fetch(url, { method: 'POST', headers: { ...call?.headers }, body: new Uint8Array(call?.body as Uint8Array) });
      expect(response.status, url).toBe(401);
    }
    expect(messagesOf(await kit.getTimeline(heard[0]?.roomId ?? '')).map(textOf)).toEqual(['Once']);
    await close();
  });

  it('waits as long as it is told, and tries no mail again that nobody takes', async () => {
    verifies('PV-12', 'OUT-05');
    const { kit, sendgrid, close } = await openScene();
    const ada = sendgrid.inbox('ada@example.org');
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'mail', {
      metadata: { email_address: 'ada@example.org' },
      retryPolicy: { maxRetries: 2, baseDelaySeconds: 0.001 },
    });
    await kit.attachChannel('room', 'desk');
    sendgrid.fail({ status: 429, headers: { 'retry-after': '0' } });
    await kit.sendEvent('room', 'desk', 'One');
    await ada.waitForMail('One');
    sendgrid.fail({ status: 400, body: { errors: [{ message: 'No', field: 'subject' }] } });
    const event = await kit.sendEvent('room', 'desk', 'Two');
    expect(await kit.store.listRows({ roomId: 'room', eventId: event.id })).toMatchObject([
      { state: 'failed', attempts: 1, lastError: { code: 'sendgrid_400' } },
    ]);
    const provider = providerOf({ baseUrl: sendgrid.url, apiKey: sendgrid.apiKey });
    sendgrid.fail({
      status: 429,
      headers: { date: 'Wed, 25 Nov 2026 12:00:00 GMT', 'x-ratelimit-reset': String(Date.parse('2026-11-25T12:00:42Z') / 1000) },
    });
    expect(await provider.send(requestTo('ada@example.org', 'Three'))).toMatchObject({ error: 'rate_limit', retryAfterSeconds: 42 });
    await close();
  });
});

describe('what SendGrid is sent', () => {
  it('has text first, headers of the thread, the event’s id, and files', async () => {
    verifies('EM-01', 'EM-03', 'EM-04', 'PV-15');
    await using sendgrid = await SendGridEmulator.start();
    const provider = providerOf({ baseUrl: sendgrid.url, apiKey: sendgrid.apiKey });
    const request = requestTo('ada@example.org', { type: 'rich', body: '*Hi*' });
    expect(await provider.send(request)).toMatchObject({ success: true, metadata: { message_id: `<${request.event.id}@shop.example>` } });
    expect(sendgrid.requests[0]?.body).toMatchObject({
      personalizations: [{ to: [{ email: 'ada@example.org' }], custom_args: { event_id: request.event.id } }],
      content: [{ type: 'text/plain', value: '*Hi*' }, { type: 'text/html' }],
      headers: { 'Message-ID': `<${request.event.id}@shop.example>` },
    });
    await provider.send(requestTo('ada@example.org', { type: 'media', url: 'data:image/png;base64,cG5n', mimeType: 'image/png', filename: 'x.png' }));
    expect(sendgrid.requests[1]?.body).toMatchObject({
      attachments: [{ content: 'cG5n', filename: 'x.png', type: 'image/png', disposition: 'attachment' }],
    });
    expect(sendgrid.inbox('ada@example.org').mails).toHaveLength(2);
  });
});

describe('the event webhook', () => {
  it('is signed by the emulator as the vendor’s package checks it', async () => {
    verifies('EM-06', 'PV-09');
    const { sendgrid, close } = await openScene();
    const call = await sendgrid.postEvents([{ event: 'processed', email: 'ada@example.org' }]);
    expect(call.status).toBe(200);
    const theirs = new EventWebhook();
    const key = theirs.convertPublicKeyToECDSA(`-----BEGIN PUBLIC KEY-----\n${sendgrid.webhookPublicKey}\n-----END PUBLIC KEY-----`);
    const { 'x-twilio-email-event-webhook-signature': signature = '', 'x-twilio-email-event-webhook-timestamp': timestamp = '' } = call.headers;
    expect(theirs.verifySignature(key, String(call.body), signature, timestamp)).toBe(true);
    expect(theirs.verifySignature(key, `${String(call.body)} `, signature, timestamp)).toBe(false);
    await close();
  });

  it('is believed with its bytes, its key and its time alone', () => {
    verifies('EM-06', 'PV-09', 'PV-10');
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const provider = providerOf({ webhookPublicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64') });
    const body = JSON.stringify(fixture.payload);
    const signed = (text: string, at: string, key = privateKey): Record<string, string> => ({
      'content-type': 'application/json',
      'x-twilio-email-event-webhook-signature': createSign('sha256').update(`${at}${text}`).sign(key, 'base64'),
      'x-twilio-email-event-webhook-timestamp': at,
    });
    const good = signed(body, '1764072000');
    expect(provider.verify(callOf(body, good))).toBe(true);
    expect(provider.verify(callOf(body, { ...good, 'content-type': 'text/plain' }))).toBe(true);
    const { 'x-twilio-email-event-webhook-signature': signature = '', ...unsigned } = good;
    const wrong: [string, string, Record<string, string>][] = [
      ['no signature', body, unsigned],
      ['an empty one', body, { ...unsigned, 'x-twilio-email-event-webhook-signature': '' }],
      ['no base64', body, { ...unsigned, 'x-twilio-email-event-webhook-signature': '***' }],
      ['a cut one', body, { ...unsigned, 'x-twilio-email-event-webhook-signature': signature.slice(0, -6) }],
      ['another time', body, { ...good, 'x-twilio-email-event-webhook-timestamp': '1764072001' }],
      ['no time', body, { ...good, 'x-twilio-email-event-webhook-timestamp': '' }],
      ['other bytes', `${body}\n`, good],
      ['printed anew', JSON.stringify(JSON.parse(body), null, 1), good],
      ['another key', body, signed(body, '1764072000', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
      ['an old call', body, signed(body, '1764071699')],
      ['one of tomorrow', body, signed(body, '1764072301')],
    ];
    for (const [name, text, headers] of wrong) expect(provider.verify(callOf(text, headers)), name).toBe(false);
    // Signed events posted as a form are a mail without a secret.
    expect(provider.verify(callOf(body, { ...good, 'content-type': 'multipart/form-data; boundary=x' }))).toBe(false);
    expect(providerOf({ webhookSecret: 's' }).verify(callOf(body, good, 'https://x/webhooks/mail/s'))).toBe(false);
  });

  it('says what became of mails, once for each event that says something', () => {
    verifies('PV-11', 'EM-06', 'INB-24');
    const metas = parseSendGridEvents(fixture.payload);
    const short = metas.map((meta) =>
      meta.type === 'status' ? `${meta.status.messageId} ${meta.status.status} ${meta.status.errorCode ?? ''}`.trim() : meta.type,
    );
    expect(short).toEqual([
      '14c5d75ce93 sending',
      '14c5d75ce93 sending',
      '14c5d75ce93 delivered',
      'ignored',
      '14c5d75ce93 read',
      '24c5d75ce93 failed sendgrid_bounce',
      '34c5d75ce93 failed sendgrid_blocked',
      '44c5d75ce93 failed sendgrid_dropped',
      'ignored',
      'ignored',
    ]);
    expect(metas[5]).toMatchObject({
      status: { recipient: 'bob@example.org', errorMessage: '500 unknown recipient', timestamp: '2025-11-25T12:00:05.000Z' },
    });
  });

  it('is read without harm whatever stands in it', () => {
    verifies('PV-06');
    fc.assert(
      fc.property(fc.jsonValue(), fc.subarray(fixture.payload), (strange, some) => {
        for (const payload of [
          strange,
          [strange, ...some],
          some.map((event) => ({ ...(event as object), sg_message_id: strange, event: 'bounce', reason: strange })),
        ])
          for (const meta of parseSendGridEvents(payload)) expect(['status', 'ignored']).toContain(meta.type);
      }),
    );
  });
});

describe('inbound parse', () => {
  const fields: readonly FormField[] = [
    ['headers', 'Message-ID: <a1@example.org>\nReferences: <r0@x>\n <event-1@shop.example>\nAuto-Submitted: no\n'],
    ['from', 'Ada Lovelace <Ada@example.org>'],
    ['to', '"Desk, the" <desk@shop.example>'],
    ['subject', 'Re: Parcel'],
    ['text', 'Yes.\r\n\r\nOn 24 Nov 2026, Desk wrote:\r\n> Again?'],
    ['html', '<p>Yes.</p>'],
    ['envelope', '{"to":["desk@shop.example"],"from":"ada@example.org"}'],
    ['attachment-info', '{"attachment1":{"filename":"größe.png","type":"image/png","content-id":"p"}}'],
    ['attachment1', Buffer.from('png'), 'gr__e.png', 'application/octet-stream'],
  ];

  function read(given: readonly FormField[]): readonly WebhookMeta[] {
    const { body, contentType } = formBody(given);
    return parseSendGridInbound(body, contentType);
  }

  function changed(name: string, value: string | Uint8Array | undefined): readonly WebhookMeta[] {
    const rest = fields.filter(([one]) => one !== name);
    return read(value === undefined ? rest : [...rest, [name, value]]);
  }

  it('is a mail with its thread, its words and its files', () => {
    verifies('EM-05', 'PV-07', 'PV-08');
    expect(read(fields)).toMatchObject([
      {
        type: 'message',
        message: {
          senderId: 'ada@example.org',
          externalId: '<a1@example.org>',
          threadId: '<r0@x>',
          repliesTo: ['<event-1@shop.example>', 'event-1', '<r0@x>', 'r0'],
          content: { type: 'media', mimeType: 'image/png', filename: 'größe.png', caption: 'Yes.' },
          metadata: { subject: 'Re: Parcel', from_name: 'Ada Lovelace', to: ['desk@shop.example'] },
        },
      },
    ]);
  });

  it('reads each field in the charset it came in', () => {
    verifies('EM-05');
    const latin = Buffer.from('Größe', 'latin1');
    const [meta] = read([
      ...fields.filter(([name]) => !/text|attachment|html/.test(name)),
      ['text', latin],
      ['charsets', '{"text":"iso-8859-1","to":"nonsense"}'],
    ]);
    expect(meta).toMatchObject({ message: { content: { type: 'text', body: 'Größe' } } });
  });

  it('knows automatic mails, such as bounces without a return path, and asks nobody about them', () => {
    verifies('EM-05');
    for (const metas of [changed('envelope', '{"to":["desk@shop.example"],"from":""}'), changed('headers', 'Auto-Submitted: auto-replied\n')])
      expect(metas).toMatchObject([{ message: { addressedTo: [], metadata: { auto_reply: true } } }]);
  });

  it('says what it cannot read', () => {
    verifies('PV-06');
    expect(read([['email', 'From: ada@example.org\r\n\r\nHi']])).toEqual([
      { type: 'ignored', reason: expect.stringContaining('raw posts') as string },
    ]);
    expect(
      changed('from', 'nobody')
        .concat(read([['from', 'nobody']]))
        .map(({ type }) => type),
    ).toEqual(['message', 'ignored']);
    expect(parseSendGridInbound(new Uint8Array(), 'text/plain')).toEqual([{ type: 'ignored', reason: 'no form' }]);
  });

  it('is read without harm whatever stands in it', () => {
    verifies('PV-06');
    const { body, contentType } = formBody(fields);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 40 }),
        fc.nat(body.length),
        (changes, length) => {
          const broken = new Uint8Array(body);
          for (const [at, byte] of changes) broken[at] = byte;
          for (const meta of parseSendGridInbound(broken.subarray(0, length), contentType)) {
            if (meta.type === 'message')
              expect([typeof meta.message.senderId, meta.message.senderId]).toEqual(['string', expect.stringContaining('@')]);
          }
        },
      ),
    );
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      `multipart/form-data; boundary=${'x'.repeat(5000)}`,
      'multipart/form-data; boundary="a b"',
    ])
      expect(parseSendGridInbound(body, type)).toEqual([{ type: 'ignored', reason: 'no form' }]);
  });
});

describe('a SendGrid provider', () => {
  it('says what is wrong with its options, and what its webhook lacks', () => {
    verifies('PV-01', 'PV-09');
    expect(() => new SendGridProvider({ fromAddress: 'desk@shop.example' })).toThrow(/SENDGRID_API_KEY/);
    expect(() => providerOf({ webhookPublicKey: 'AAAA' })).toThrow(/webhookPublicKey/);
    expect(() => providerOf({ fromAddress: 'a@b, c@d' })).toThrow(/fromAddress/);
    expect(providerOf().webhookNeeds).toEqual(['webhookPublicKey', 'webhookSecret']);
    expect(providerOf({ webhookSecret: 's' }).webhookNeeds).toEqual([]);
    expect(inspect(providerOf({ apiKey: 'SG.hunter2', webhookSecret: 'hunter3' }), { depth: 9, showHidden: true })).not.toMatch(/hunter/);
  });
});

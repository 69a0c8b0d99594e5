/** Elastic Email: what it is sent, how its calls are read, and whole conversations over it. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WebhookRequest } from '../../src/index.js';
import { ElasticEmailEmulator } from '../../src/emulators/index.js';
import { formBody } from '../../src/emulators/mail/form-body.js';
import { ElasticEmailProvider, parseElasticEmailWebhook } from '../../src/providers/elasticemail/index.js';
import { messagesOf, textOf } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { requestTo } from './mail-scene.js';
import { openMailScene, type MailScene } from './mail-webhook.js';

const calls = JSON.parse(readFileSync(new URL('../../src/providers/elasticemail/fixtures/calls.json', import.meta.url), 'utf8')) as Record<
  'sent' | 'opened' | 'clicked' | 'error' | 'abuse' | 'unsubscribed' | 'test' | 'inbound',
  Record<string, string>
>;

async function openScene(): Promise<MailScene & { elastic: ElasticEmailEmulator }> {
  const elastic = await ElasticEmailEmulator.start();
  const { apiKey, webhookSecret, url: baseUrl } = elastic;
  const provider = new ElasticEmailProvider({ apiKey, webhookSecret, baseUrl, fromAddress: elastic.address, fromName: 'The "desk", really' });
  const scene = await openMailScene(provider);
  elastic.webhookUrl = scene.webhookUrl;
  return {
    ...scene,
    elastic,
    close: async () => {
      await elastic.settled();
      await scene.close();
      await elastic.close();
    },
  };
}

function providerOf(more: object = {}): ElasticEmailProvider {
  return new ElasticEmailProvider({ apiKey: 'key', fromAddress: 'desk@shop.example', ...more });
}

describe('a conversation over Elastic Email', () => {
  it('goes to and fro in one thread, and its deliveries get their ticks', async () => {
    verifies('EM-02', 'EM-03', 'EM-05', 'RTR-05', 'PV-11');
    const { kit, elastic, heard, close } = await openScene();
    const ada = elastic.inbox('ada@example.org');
    await ada.write({ subject: 'Päckchen', text: 'Wo ist es?', name: 'Ada' });
    const [first] = heard;
    expect(first).toMatchObject({ content: { body: 'Wo ist es?' }, source: { participantId: 'ada@example.org' }, metadata: { subject: 'Päckchen' } });
    const roomId = first?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    const answer = await kit.sendEvent(roomId, 'desk', { type: 'rich', body: '**Unterwegs.**' });
    const arrived = await ada.waitForMail('Unterwegs');
    expect(arrived).toMatchObject({
      subject: 'Re: Päckchen',
      from: 'desk@shop.example',
      fromName: 'The "desk", really',
      inReplyTo: first?.source.externalId,
    });
    expect(arrived.messageId).toBe(`<${answer.id}@shop.example>`);
    expect(arrived.html).toContain('<strong>Unterwegs.</strong>');
    await elastic.settled();
    expect((await kit.store.listRows({ roomId, eventId: answer.id }))[0]?.state).toBe('delivered');
    await ada.reply(arrived, 'Danke!', { attachments: [{ filename: 'a.png', mimeType: 'image/png', content: 'png' }] });
    expect(heard[1]).toMatchObject({ roomId, content: { type: 'media', caption: 'Danke!', filename: 'a.png', mimeType: 'image/png' } });
    elastic.setFate('ada@example.org', 'Error', 'NoMailbox');
    const lost = await kit.sendEvent(roomId, 'desk', 'Hallo?');
    await elastic.settled();
    expect((await kit.store.listRows({ roomId, eventId: lost.id }))[0]).toMatchObject({
      state: 'failed',
      lastError: { code: 'elasticemail_NoMailbox' },
    });
    expect(messagesOf(await kit.getTimeline(roomId))).toHaveLength(4);
    await close();
  });

  it('answers the vendor’s test, takes a mail once, and nobody without the secret', async () => {
    verifies('INB-08', 'PV-09', 'PV-11');
    const { kit, elastic, heard, webhookUrl, close } = await openScene();
    expect(await elastic.testWebhook()).toBe(200);
    elastic.disturbCallbacks({ isDoubled: true });
    await elastic.inbox('ada@example.org').write('Once');
    expect(messagesOf(await kit.getTimeline(heard[0]?.roomId ?? '')).map(textOf)).toEqual(['Once']);
    const form = new URLSearchParams(calls.inbound).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const path of ['', '/', '/test-secre', '/test-secret/x', '/%74est-secreT', '/%zz'])
      expect((await fetch(`${webhookUrl}${path}`, { method: 'POST', headers, body: form })).status, path).toBe(401);
    expect((await fetch(`${webhookUrl}/wrong?${new URLSearchParams(calls.sent).toString()}`)).status).toBe(401);
    expect(heard).toHaveLength(1);
    await close();
  });

  it('tries again what may pass, and nothing else', async () => {
    verifies('PV-12', 'OUT-05');
    const { kit, elastic, close } = await openScene();
    await kit.createRoom({ roomId: 'room' });
    await kit.attachChannel('room', 'mail', {
      metadata: { email_address: 'ada@example.org' },
      retryPolicy: { maxRetries: 2, baseDelaySeconds: 0.001 },
    });
    await kit.attachChannel('room', 'desk');
    elastic.fail({ status: 500 });
    await kit.sendEvent('room', 'desk', 'One');
    await elastic.inbox('ada@example.org').waitForMail('One');
    elastic.fail({ status: 400, body: { Error: 'From email address is invalid.' } });
    const event = await kit.sendEvent('room', 'desk', 'Two');
    expect(await kit.store.listRows({ roomId: 'room', eventId: event.id })).toMatchObject([
      { state: 'failed', attempts: 1, lastError: { code: 'elasticemail_400' } },
    ]);
    await close();
  });
});

describe('what Elastic Email is sent', () => {
  it('has both forms of the text, headers of the thread, the event’s id, and files', async () => {
    verifies('EM-01', 'EM-03', 'EM-04', 'PV-15');
    await using elastic = await ElasticEmailEmulator.start();
    const provider = providerOf({ baseUrl: elastic.url, apiKey: elastic.apiKey, fromName: 'Desk' });
    const request = requestTo('ada@example.org', {
      type: 'composite',
      parts: [
        { type: 'rich', body: '*Hi*' },
        { type: 'media', url: 'data:image/png;base64,cG5n', mimeType: 'image/png', filename: 'x.png' },
      ],
    });
    const result = await provider.send(request);
    expect(result).toMatchObject({ success: true, metadata: { message_id: `<${request.event.id}@shop.example>` } });
    expect(elastic.requests[0]?.body).toMatchObject({
      Recipients: { To: ['ada@example.org'] },
      Content: {
        From: 'Desk <desk@shop.example>',
        Body: [{ ContentType: 'HTML' }, { ContentType: 'PlainText', Content: '*Hi*' }],
        Headers: { 'Message-ID': `<${request.event.id}@shop.example>` },
        Postback: request.event.id,
        Attachments: [{ BinaryContent: 'cG5n', Name: 'x.png', ContentType: 'image/png' }],
      },
    });
  });
});

describe('a call of Elastic Email', () => {
  it('says what became of a mail', () => {
    verifies('PV-11');
    const short = (['sent', 'opened', 'clicked', 'error', 'abuse', 'unsubscribed', 'test'] as const).map((name) => {
      const [meta] = parseElasticEmailWebhook(calls[name]);
      return meta?.type === 'status' ? `${meta.status.messageId} ${meta.status.status} ${meta.status.errorCode ?? ''}`.trim() : meta?.type;
    });
    expect(short).toEqual(['m-1 delivered', 'm-1 read', 'm-1 read', 'm-2 failed elasticemail_NoMailbox', 'ignored', 'ignored', 'ignored']);
    expect(parseElasticEmailWebhook(calls.sent)).toMatchObject([{ status: { recipient: 'ada@example.org', timestamp: '2026-11-26T12:00:00.000Z' } }]);
    expect(parseElasticEmailWebhook({})).toEqual([{ type: 'ignored', reason: 'no status' }]);
  });

  it('brings a mail with its thread, its words and its files, as a form of either kind', () => {
    verifies('EM-05', 'PV-07', 'PV-08');
    const provider = providerOf({ webhookSecret: 's' });
    const multipart = formBody(Object.entries(calls.inbound));
    const kinds: readonly [string, Uint8Array][] = [
      ['application/x-www-form-urlencoded', new TextEncoder().encode(new URLSearchParams(calls.inbound).toString())],
      [multipart.contentType, multipart.body],
    ];
    for (const [contentType, body] of kinds) {
      const call: WebhookRequest = {
        method: 'POST',
        url: 'https://x/webhooks/mail/s',
        headers: new Headers({ 'content-type': contentType }),
        body,
        receivedAt: 0,
      };
      expect(provider.verify(call)).toBe(true);
      expect(provider.parse(call), contentType).toMatchObject([
        {
          type: 'message',
          message: {
            senderId: 'ada@example.org',
            externalId: '<a1@example.org>',
            threadId: '<r0@x>',
            repliesTo: ['<event-1@shop.example>', 'event-1', '<r0@x>', 'r0'],
            content: { type: 'media', mimeType: 'text/plain', filename: 'note.txt', caption: 'Yes.' },
            metadata: { subject: 'Re: Parcel', from_name: 'Ada', to: ['desk@shop.example'] },
          },
        },
      ]);
    }
  });

  it('of a machine asks nobody', () => {
    verifies('EM-05');
    expect(parseElasticEmailWebhook({ ...calls.inbound, env_from: '' })).toMatchObject([{ message: { addressedTo: [] } }]);
    expect(parseElasticEmailWebhook({ ...calls.inbound, header_list: 'Precedence: bulk' })).toMatchObject([{ message: { addressedTo: [] } }]);
  });

  it('is read without harm whatever stands in it', () => {
    verifies('PV-06');
    const names = [...new Set(Object.values(calls).flatMap((call) => (typeof call === 'string' ? [] : Object.keys(call))))];
    fc.assert(
      fc.property(fc.constantFrom(calls.inbound, calls.error, {}), fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (call, strange) => {
        for (const meta of parseElasticEmailWebhook({ ...call, ...strange }))
          if (meta.type === 'message') expect(meta.message.senderId).toMatch(/^[^\s@]+@[^\s@]+$/);
      }),
    );
    for (const payload of [null, 7, 'x', [], [calls.inbound]]) expect(parseElasticEmailWebhook(payload)).toMatchObject([{ type: 'ignored' }]);
  });
});

describe('an Elastic Email provider', () => {
  it('says what is wrong with its options, and what its webhook lacks', () => {
    verifies('PV-01', 'PV-09');
    expect(() => new ElasticEmailProvider({ fromAddress: 'desk@shop.example' })).toThrow(/ELASTICEMAIL_API_KEY/);
    expect(() => providerOf({ fromAddress: 'desk' })).toThrow(/fromAddress/);
    expect(providerOf().webhookNeeds).toEqual(['webhookSecret']);
    expect(providerOf({ webhookSecret: 's' }).webhookNeeds).toEqual([]);
    expect(inspect(providerOf({ apiKey: 'hunter2', webhookSecret: 'hunter3' }), { depth: 9, showHidden: true })).not.toMatch(/hunter/);
  });
});

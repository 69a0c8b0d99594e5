/** Meta's emulators: they refuse what the Graph API refuses, in its words, and sign as it signs. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { EMULATED_VENDORS, MessengerEmulator, WhatsAppEmulator } from '../../src/emulators/index.js';
import { FacebookMessengerProvider } from '../../src/providers/messenger/index.js';
import { WhatsAppCloudProvider } from '../../src/providers/whatsapp/index.js';
import { MessengerChannel, WhatsAppChannel, type TransportProvider, type WebhookProvider } from '../../src/index.js';
import { verifies } from '../requirements.js';
import { openVendorScene, until } from '../support/vendor-scene.js';

const TO = '15550123';
const PSID = '1254477777772919';
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface Refused {
  readonly status: number;
  readonly error: { message: string; type: string; code: number; error_subcode?: number; error_data?: { details: string }; fbtrace_id: string };
}

async function call(url: string, body: unknown, token = 'test-token', method = 'POST'): Promise<Refused & Record<string, unknown>> {
  const init = { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } };
  const response = await fetch(url, method === 'GET' ? init : { ...init, body: JSON.stringify(body) });
  return { ...((await response.json()) as Refused & Record<string, unknown>), status: response.status };
}

describe('WhatsAppEmulator', () => {
  async function start(): Promise<{ vendor: WhatsAppEmulator; send: (body: object, token?: string) => ReturnType<typeof call> }> {
    const vendor = await WhatsAppEmulator.start({ templates: { order: { body: 'Order {{1}} is {{2}}.' } }, windowRefusal: 'answer' });
    opened.push(vendor);
    vendor.openWindow(TO);
    const url = `${vendor.url}/v26.0/${vendor.phoneNumberId}/messages`;
    return { vendor, send: (body, token) => call(url, { messaging_product: 'whatsapp', to: TO, ...body }, token) };
  }

  const button = (count: number, title = 'Yes'): object => ({
    type: 'interactive',
    interactive: {
      type: 'button',
      body: { text: 'Well?' },
      action: { buttons: Array.from({ length: count }, (_, at) => ({ type: 'reply', reply: { id: `b${at}`, title: `${title}${at}` } })) },
    },
  });

  it('takes a message, and answers with whom it goes to and its id', async () => {
    verifies('PV-13');
    const { send } = await start();
    expect(await send({ type: 'text', text: { body: 'Hello' } })).toMatchObject({
      status: 200,
      messaging_product: 'whatsapp',
      contacts: [{ input: TO, wa_id: TO }],
      messages: [{ id: expect.stringMatching(/^wamid\./) as unknown }],
    });
  });

  it.each([
    ['no product', { messaging_product: 'sms', type: 'text', text: { body: 'x' } }, 100, undefined],
    ['nobody', { to: '', type: 'text', text: { body: 'x' } }, 100, undefined],
    ['no words', { type: 'text', text: { body: '' } }, 100, undefined],
    ['too many words', { type: 'text', text: { body: 'x'.repeat(4097) } }, 100, undefined],
    ['an unknown type', { type: 'poll', poll: {} }, 100, undefined],
    ['four buttons', button(4), 131009, 'Invalid buttons count'],
    ['a long title', button(1, 'x'.repeat(21)), 131009, 'Button title length invalid'],
    ['a file without a place', { type: 'image', image: {} }, 100, undefined],
    ['a file that is none', { type: 'image', image: { id: '12345' } }, 131009, 'not a valid media id'],
    ['a place on no map', { type: 'location', location: { latitude: 91, longitude: 0 } }, 131009, 'latitude'],
    ['an unknown template', { type: 'template', template: { name: 'none', language: { code: 'en' } } }, 132001, 'does not exist'],
    ['a template half filled', { type: 'template', template: { name: 'order', language: { code: 'en' } } }, 132000, 'expected number of params (2)'],
  ] as const)('refuses %s as Meta does', async (_what, body, code, details) => {
    verifies('PV-13');
    const { send } = await start();
    const { status, error } = await send(body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(error).toMatchObject({ code, type: 'OAuthException', message: expect.stringContaining(`(#${code})`) as unknown });
    expect(error.fbtrace_id).not.toBe('');
    if (details !== undefined) expect(error.error_data?.details).toContain(details);
  });

  it('refuses wrong tokens, old versions, unknown numbers, wrong proofs and closed windows', async () => {
    verifies('PV-13');
    const { vendor, send } = await start();
    const body = { messaging_product: 'whatsapp', to: TO, type: 'text', text: { body: 'x' } };
    expect(await send(body, 'wrong')).toMatchObject({ status: 401, error: { code: 190 } });
    expect(await call(`${vendor.url}/v2.6/${vendor.phoneNumberId}/messages`, body)).toMatchObject({ error: { code: 2635 } });
    expect(await call(`${vendor.url}/v26.0/1/messages`, body)).toMatchObject({ error: { code: 100, error_subcode: 33 } });
    const wrongProof = `${vendor.url}/v26.0/${vendor.phoneNumberId}/messages?appsecret_proof=00`;
    expect(await call(wrongProof, body)).toMatchObject({ error: { code: 100, type: 'GraphMethodException' } });
    vendor.advance(24 * 3_600_000);
    expect(await send({ type: 'text', text: { body: 'x' } })).toMatchObject({ status: 400, error: { code: 131047 } });
  });

  it('keeps files that are uploaded, and gives them to who has the token', async () => {
    verifies('PV-13');
    const { vendor } = await start();
    const form = new FormData();
    form.set('messaging_product', 'whatsapp');
    form.set('type', 'image/png');
    form.set('file', new Blob([new Uint8Array([137, 80, 255, 0])], { type: 'image/png' }), 'a.png');
    const headers = { authorization: 'Bearer test-token' };
    const { id } = (await (await fetch(`${vendor.url}/v26.0/${vendor.phoneNumberId}/media`, { method: 'POST', headers, body: form })).json()) as {
      id: string;
    };
    const found = await call(`${vendor.url}/v26.0/${id}`, undefined, 'test-token', 'GET');
    expect(found).toMatchObject({ mime_type: 'image/png', file_size: 4, id });
    expect((await fetch(String(found['url']))).status).toBe(401);
    const bytes = new Uint8Array(await (await fetch(String(found['url']), { headers })).arrayBuffer());
    expect([...bytes]).toEqual([137, 80, 255, 0]);
  });
});

describe('MessengerEmulator', () => {
  async function start(): Promise<{ vendor: MessengerEmulator; send: (body: object, token?: string) => ReturnType<typeof call> }> {
    const vendor = await MessengerEmulator.start();
    opened.push(vendor);
    vendor.openWindow(PSID);
    const frame = { recipient: { id: PSID }, messaging_type: 'RESPONSE' };
    return { vendor, send: (body, token) => call(`${vendor.url}/v26.0/me/messages`, { ...frame, ...body }, token) };
  }

  const template = (payload: object): object => ({ message: { attachment: { type: 'template', payload } } });

  it('takes a message, and answers with whom it goes to and its id', async () => {
    verifies('PV-13');
    const { send } = await start();
    expect(await send({ message: { text: 'Hello' } })).toMatchObject({
      status: 200,
      recipient_id: PSID,
      message_id: expect.stringMatching(/^m_/) as unknown,
    });
  });

  it.each([
    ['nothing', { message: {} }, 'Message cannot be empty'],
    ['too many words', { message: { text: 'x'.repeat(2001) } }, 'message[text]'],
    ['words and a file', { message: { text: 'x', attachment: { type: 'image', payload: { url: 'https://a.example' } } } }, 'Only one of'],
    [
      'fourteen quick replies',
      { message: { text: 'x', quick_replies: Array.from({ length: 14 }, () => ({ content_type: 'text', title: 'a', payload: 'a' })) } },
      'Maximum: 13',
    ],
    [
      'four buttons',
      template({ template_type: 'button', text: 'x', buttons: Array.from({ length: 4 }, () => ({ type: 'postback', title: 'a', payload: 'a' })) }),
      '1 to 3',
    ],
    [
      'a long text above buttons',
      template({ template_type: 'button', text: 'x'.repeat(641), buttons: [{ type: 'postback', title: 'a', payload: 'a' }] }),
      '640',
    ],
    ['eleven cards', template({ template_type: 'generic', elements: Array.from({ length: 11 }, () => ({ title: 'a', subtitle: 'b' })) }), '1 to 10'],
    ['a card that is a title alone', template({ template_type: 'generic', elements: [{ title: 'a' }] }), 'in addition to title'],
    ['no kind of message', { messaging_type: 'NONE', message: { text: 'x' } }, 'messaging_type'],
    ['an unknown action', { sender_action: 'wave' }, 'sender_action'],
  ] as const)('refuses %s as Meta does', async (_what, body, words) => {
    verifies('PV-13');
    const { send } = await start();
    const { status, error } = await send(body);
    expect([status, error.code]).toEqual([400, 100]);
    expect(error.message).toContain(words);
  });

  it('refuses strangers, wrong tokens, tags that are gone, and closed windows', async () => {
    verifies('PV-13');
    const { vendor, send } = await start();
    const message = { text: 'x' };
    expect(await send({ message, recipient: { id: '1' } })).toMatchObject({ error: { code: 100, error_subcode: 2018001 } });
    expect(await send({ message }, 'wrong')).toMatchObject({ status: 401, error: { code: 190 } });
    expect(await send({ message, messaging_type: 'MESSAGE_TAG', tag: 'ACCOUNT_UPDATE' })).toMatchObject({ error: { code: 100 } });
    vendor.advance(24 * 3_600_000);
    expect(await send({ message })).toMatchObject({ error: { code: 10, error_subcode: 2018278 } });
  });
});

describe('signatures', () => {
  it('are those of Meta: HMAC-SHA256 in hex over the bytes, which are ASCII', async () => {
    verifies('PV-09');
    const bodies: { text: string; signature: string }[] = [];
    const server = createServer((incoming, outgoing) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
        bodies.push({ text: Buffer.concat(chunks).toString('latin1'), signature: String(incoming.headers['x-hub-signature-256']) });
        outgoing.end();
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    opened.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
    const webhookUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const vendor = await WhatsAppEmulator.start({ webhookUrl });
    opened.unshift(vendor);
    await vendor.phone(TO).write('Où ? 📦');
    const [call] = bodies;
    expect(call?.text).toContain('O\\u00f9 ? \\ud83d\\udce6');
    expect(call?.signature).toBe(
      `sha256=${createHmac('sha256', 'test-app-secret')
        .update(call?.text ?? '', 'latin1')
        .digest('hex')}`,
    );
    server.closeAllConnections();
  });

  it.each([
    ['WhatsApp', new WhatsAppCloudProvider({ accessToken: 'x', phoneNumberId: '106540352242922', appSecret: 'key' })],
    ['Messenger', new FacebookMessengerProvider({ pageAccessToken: 'x', appSecret: 'key' })],
  ] as const)('are believed by %s for exactly these bytes', (_name, provider) => {
    verifies('PV-09');
    // A vector that is widely published.
    const body = new TextEncoder().encode('The quick brown fox jumps over the lazy dog');
    const signature = 'sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8';
    const request = (given: string, bytes = body) => ({
      method: 'POST',
      url: 'https://a.example/',
      headers: new Headers({ 'x-hub-signature-256': given }),
      body: bytes,
      receivedAt: 0,
    });
    expect(provider.verify(request(signature))).toBe(true);
    expect(provider.verify(request(signature, new TextEncoder().encode('The quick brown fox jumps over the lazy cog')))).toBe(false);
    expect(provider.verify(request(signature.slice(7)))).toBe(false);
    expect(provider.verify(request(`${signature.slice(0, -1)}9`))).toBe(false);
  });
});

describe('the catalogue', () => {
  const CHANNELS: Readonly<Record<string, (provider: TransportProvider) => WhatsAppChannel | MessengerChannel>> = {
    whatsapp: (provider) => new WhatsAppChannel('whatsapp', { provider }),
    messenger: (provider) => new MessengerChannel('messenger', { provider }),
  };
  const PROVIDERS: Readonly<Record<string, new (options: object) => TransportProvider & WebhookProvider>> = {
    WhatsAppCloudProvider,
    FacebookMessengerProvider,
  };

  it.each([
    ['whatsapp', '+15550123', 'phone_number'],
    ['messenger', PSID, 'facebook_user_id'],
  ] as const)('has %s with a device that writes and taps', async (name, person, key) => {
    verifies('PV-13');
    const line = await EMULATED_VENDORS[name]?.({ person });
    expect(line?.device.person).toBe(person);
    if (line === undefined) return;
    const Provider = PROVIDERS[line.provider.name] ?? expect.unreachable(`no provider ${line.provider.name}`);
    const provider = new Provider(line.provider.options);
    const channel = CHANNELS[name]?.(provider) ?? expect.unreachable(name);
    const scene = await openVendorScene({ channel, provider, recipient: { [key]: person } });
    opened.push(scene, line);
    line.callAt(scene.webhookUrl);
    expect(await line.device.write('Hello')).not.toHaveProperty('failure');
    await scene.say({ type: 'rich', body: 'Again?', buttons: [{ id: 'yes', label: 'Yes', kind: 'reply' }] });
    await until(() => line.device.messages.length === 2, 'the question is there');
    const question = line.device.messages[1];
    expect(question).toMatchObject({ text: 'Again?', isOwn: false, buttons: [{ id: 'yes', label: 'Yes' }] });
    await line.device.tap(question?.id ?? '', 'yes');
    expect(scene.desk.texts).toEqual(['Hello', 'Yes']);
  });
});

/** WhatsApp: what each content becomes, what its webhook says, and a conversation over real sockets. */
import { readdirSync, readFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { WhatsAppChannel, type EventContent, type RoomEvent, type WebhookMeta } from '../../src/index.js';
import { WhatsAppEmulator, type WhatsAppEmulatorOptions, type WhatsAppPhone } from '../../src/emulators/index.js';
import { parseWhatsAppWebhook, WhatsAppCloudProvider, type WhatsAppConfig } from '../../src/providers/whatsapp/index.js';
import { requestOf, type TransportSetup } from '../../src/testing/contracts/transport-case.js';
import { verifies } from '../requirements.js';
import { openVendorScene, until, type VendorScene, type VendorSceneOptions } from '../support/vendor-scene.js';

const TO = '+15550123';
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Direct {
  readonly vendor: WhatsAppEmulator;
  readonly provider: WhatsAppCloudProvider;
  readonly phone: WhatsAppPhone;
  /** The bodies of what was posted to be sent. */
  readonly posted: () => Record<string, unknown>[];
  readonly send: (content: EventContent, more?: object) => ReturnType<WhatsAppCloudProvider['send']>;
}

async function direct(config: Partial<WhatsAppConfig> = {}, options: WhatsAppEmulatorOptions = {}): Promise<Direct> {
  const vendor = await WhatsAppEmulator.start({
    templates: { hello: { body: 'Hello {{name}}, order {{1}}.' }, plain: { body: 'We wrote: {{1}}' } },
    ...options,
  });
  opened.push(vendor);
  vendor.openWindow(TO);
  const provider = new WhatsAppCloudProvider({
    accessToken: vendor.accessToken,
    phoneNumberId: vendor.phoneNumberId,
    baseUrl: vendor.url,
    ...config,
  });
  const setup = { to: TO, channelType: 'whatsapp', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
  return {
    vendor,
    provider,
    phone: vendor.phone(TO),
    posted: () => vendor.requests.filter(({ path }) => path.includes('/messages')).map(({ body }) => body as Record<string, unknown>),
    send: (content, more) => Promise.resolve(provider.send(requestOf(setup, content, more))),
  };
}

const rich = (more: object): EventContent => ({ type: 'rich', body: 'Which one?', plainText: 'Which one?', ...more });
const replies = (...labels: string[]): object[] => labels.map((label) => ({ id: label.toLowerCase(), label, kind: 'reply' }));

describe('what content becomes', () => {
  it('shows three short choices as buttons, more or longer ones as a list, and what is beyond ten as lines', async () => {
    verifies('PV-04');
    const { send, posted, phone } = await direct();
    expect(await send(rich({ buttons: replies('Red', 'Blue') }))).toMatchObject({ success: true });
    expect(posted()[0]).toMatchObject({ to: '15550123', type: 'interactive', interactive: { type: 'button', body: { text: 'Which one?' } } });
    await send(rich({ quickReplies: ['a', 'b', 'c', 'd'] }));
    expect(posted()[1]).toMatchObject({ interactive: { type: 'list', action: { button: 'Choose' } } });
    await send(rich({ buttons: replies('A label that is longer than twenty characters and has to be cut') }));
    expect(phone.messages[2]?.buttons[0]).toMatchObject({ kind: 'list_reply', title: 'A label that is longe...' });
    await send(rich({ quickReplies: Array.from({ length: 12 }, (_, at) => `choice ${at + 1}`) }));
    expect(phone.messages[3]?.buttons).toHaveLength(10);
    expect(phone.messages[3]?.text).toContain('11. choice 11\n12. choice 12');
    await send(rich({ buttons: replies('Same', 'Same') }));
    expect(phone.messages[4]?.buttons).toHaveLength(1);
  });

  it('shows one link as a button, and links beside other buttons in the text', async () => {
    verifies('PV-04');
    const { send, phone } = await direct();
    const link = { id: 'track', label: 'Track it', kind: 'url', url: 'https://example.com/track' };
    await send(rich({ buttons: [link] }));
    expect(phone.messages[0]?.buttons).toEqual([{ kind: 'url', id: 'https://example.com/track', title: 'Track it' }]);
    await send(rich({ buttons: [...replies('Yes'), link, { id: 'call', label: 'Call us', kind: 'call', phone: '+15550199' }] }));
    expect(phone.messages[1]?.text).toBe('Which one?\nTrack it: https://example.com/track\nCall us: +15550199');
    await send(rich({ buttons: [{ id: 'where', label: 'Where are you?', kind: 'location_request' }] }));
    expect(phone.messages.at(-1)).toMatchObject({ type: 'interactive', text: 'Where are you?' });
  });

  it('shows cards that are alike side by side, and others one by one', async () => {
    verifies('PV-04');
    const { send, posted, phone } = await direct();
    const card = (title: string, more: object = {}): object => ({
      title,
      imageUrl: `https://example.com/${title}.png`,
      url: `https://example.com/${title}`,
      ...more,
    });
    await send(rich({ cards: [card('One'), card('Two')] }));
    expect(posted()[0]).toMatchObject({ interactive: { type: 'carousel', body: { text: 'Which one?' } } });
    expect(phone.messages[0]?.media).toEqual(['https://example.com/One.png', 'https://example.com/Two.png']);
    await send(rich({ cards: [card('One', { url: undefined, buttons: replies('Buy') }), card('Two')] }));
    expect(phone.messages.slice(1).map(({ text, buttons }) => [text, buttons.map(({ title }) => title)])).toEqual([
      ['Which one?', []],
      ['One', ['Buy']],
      ['Two', ['Two']],
    ]);
  });

  it('writes markdown in its own signs, and puts a text that is too long for buttons before them', async () => {
    verifies('PV-04');
    const { send, phone } = await direct();
    await send({ type: 'rich', body: '# Order\n**bold** and *slanted*, ~~gone~~, [here](https://example.com), `a*b*c`, 2 * 3 * 4' });
    expect(phone.messages[0]?.text).toBe('*Order*\n*bold* and _slanted_, ~gone~, here (https://example.com), `a*b*c`, 2 * 3 * 4');
    await send(rich({ plainText: `${'long '.repeat(300)}end`, buttons: replies('Ok') }));
    const [, first, last] = phone.messages;
    expect(first?.type).toBe('text');
    expect(last).toMatchObject({ type: 'interactive', buttons: [{ title: 'Ok' }] });
    expect(`${first?.text} ${last?.text}`).toBe(`${'long '.repeat(300)}end`);
  });

  it('sends files as what they are, uploads bytes, and passes on its own files by their id', async () => {
    verifies('PV-05');
    const { send, vendor, phone, posted } = await direct();
    await send({ type: 'media', url: 'https://example.com/a.pdf', mimeType: 'application/pdf', filename: 'a.pdf', caption: 'As agreed' });
    expect(posted()[0]).toMatchObject({ type: 'document', document: { link: 'https://example.com/a.pdf', filename: 'a.pdf', caption: 'As agreed' } });
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0x00, 0xfe]);
    expect(await send({ type: 'media', url: `data:image/png;base64,${png.toString('base64')}`, mimeType: 'image/png' })).toMatchObject({
      success: true,
    });
    const id = phone.messages[1]?.media[0] ?? '';
    expect(Buffer.from(vendor.file(id)?.bytes ?? []).equals(png)).toBe(true);
    await send({ type: 'media', url: `https://graph.facebook.com/${id}`, mimeType: 'image/png' });
    expect(posted().at(-1)).toMatchObject({ image: { id } });
    await send({
      type: 'composite',
      parts: [
        { type: 'text', body: 'Listen' },
        { type: 'audio', url: 'https://example.com/a.ogg' },
      ],
    });
    expect(phone.messages.slice(3).map(({ type }) => type)).toEqual(['text', 'audio']);
    await send({ type: 'media', url: 'https://example.com/a.mp3', mimeType: 'audio/mpeg', caption: 'words' });
    expect(phone.messages.slice(5).map(({ type, text }) => [type, text])).toEqual([
      ['audio', ''],
      ['text', 'words'],
    ]);
    expect(await send({ type: 'media', url: 'data:image/png;base64,', mimeType: 'image/png' })).toMatchObject({ error: 'media_not_supported' });
    expect(await send({ type: 'media', url: 'data:application/x-evil;base64,AAAA', mimeType: 'application/x-evil' })).toMatchObject({
      error: 'graph_100',
      retryable: false,
    });
  });

  it('fills templates by number and by name, and says which parameter WhatsApp would refuse before it asks', async () => {
    verifies('F26', 'PV-03');
    const { send, provider, phone, posted, vendor } = await direct();
    vendor.advance(25 * 3_600_000); // templates need no window
    await send({
      type: 'template',
      templateId: 'hello',
      parameters: { name: 'Ada', '1': 'A-7', 'header.image': 'https://example.com/a.png', 'button.0.payload': 'stop' },
    });
    expect(phone.messages[0]).toMatchObject({ type: 'template', text: 'Hello Ada, order A-7.', media: ['https://example.com/a.png'] });
    expect(await provider.sendTemplate(TO, 'plain', { parameters: { '1': 'x' } })).toMatchObject({ success: true });
    const asked = posted().length;
    for (const bad of ['two\nlines', 'a\ttab', 'four    spaces', '']) {
      const result = await send({ type: 'template', templateId: 'plain', parameters: { '1': bad } });
      expect(result).toMatchObject({ success: false, error: 'invalid_request', retryable: false });
      expect(String(result.metadata?.['message'])).toContain("Parameter '1' of template 'plain'");
    }
    expect(posted()).toHaveLength(asked);
    expect(await provider.sendTemplate(TO, 'nowhere')).toMatchObject({ error: 'graph_132001', retryable: false });
  });

  it('goes on with the message that failed, and sends none twice', async () => {
    verifies('PV-12');
    const { send, vendor, phone } = await direct();
    const picture = { type: 'media', mimeType: 'image/png' } as const;
    const parts = [
      { ...picture, url: 'https://example.com/1.png' },
      { ...picture, url: 'data:image/png;base64,iVBORw0KGgo=' },
      { ...picture, url: 'https://example.com/3.png' },
    ];
    const key = { idempotencyKey: 'one-key' };
    vendor.fail({ status: 503, path: '/media' });
    expect(await send({ type: 'composite', parts }, key)).toMatchObject({ success: false, error: 'graph_131016', retryable: true });
    expect(phone.messages).toHaveLength(1);
    const whole = await send({ type: 'composite', parts }, { ...key, attempt: 2 });
    expect(whole).toMatchObject({ success: true, providerMessageId: phone.messages[2]?.id });
    expect(phone.messages.map(({ media }) => media[0]?.startsWith('https') === true)).toEqual([true, false, true]);
    expect(await send({ type: 'composite', parts }, { idempotencyKey: 'another' })).toMatchObject({ success: true });
    expect(phone.messages).toHaveLength(6);
  });

  it('reaches people without a number by their id, and numbers however they are written', async () => {
    verifies('PV-03');
    const { provider, vendor, posted } = await direct();
    const hidden = vendor.phone('+15550777', { isNumberHidden: true });
    vendor.openWindow('+15550777');
    const setup = { to: hidden.userId, channelType: 'whatsapp', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
    expect(await provider.send(requestOf(setup, 'Hello'))).toMatchObject({ success: true });
    expect(posted()[0]).toMatchObject({ recipient: hidden.userId });
    expect(posted()[0]).not.toHaveProperty('to');
    await provider.send(requestOf({ ...setup, to: '+1 (555) 01-23' }, 'Hello'));
    expect(posted()[1]).toMatchObject({ to: '15550123' });
  });

  it('proves that it knows the secret of the app', async () => {
    verifies('PV-03');
    const { provider } = await direct({ appSecret: 'test-app-secret' }, { requiresProof: true });
    const setup = { to: TO, channelType: 'whatsapp', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
    expect(await provider.send(requestOf(setup, 'Hello'))).toMatchObject({ success: true });
    const other = await direct({}, { requiresProof: true });
    const refused = await other.send({ type: 'text', body: 'Hello' });
    expect(refused).toMatchObject({ success: false, error: 'graph_100' });
  });

  it('is told by its options what is wrong with them, and prints none of its secrets', () => {
    verifies('PV-01');
    const good = { accessToken: 'the-token', phoneNumberId: '106540352242922' };
    expect(() => new WhatsAppCloudProvider({ ...good, phoneNumberId: '+15550100' })).toThrow(/digits, no \+/);
    expect(() => new WhatsAppCloudProvider({ ...good, windowPolicy: 'template' })).toThrow(/windowTemplate/);
    expect(() => new WhatsAppCloudProvider({ ...good, apiVersion: '26' })).toThrow(/v26\.0/);
    expect(() => new WhatsAppCloudProvider({ ...good, listButton: 'x'.repeat(21) })).toThrow(/20/);
    expect(() => new WhatsAppCloudProvider({ phoneNumberId: '106540352242922' })).toThrow(/WHATSAPP_ACCESS_TOKEN/);
    const provider = new WhatsAppCloudProvider({ ...good, appSecret: 'the-secret', verifyToken: 'the-words' });
    expect(inspect(provider, { depth: 9, showHidden: true }) + JSON.stringify(provider)).not.toMatch(/the-(token|secret|words)/);
    expect(new WhatsAppCloudProvider(good).webhookNeeds).toEqual(['appSecret', 'verifyToken']);
  });
});

const FIXTURES = new URL('../../src/providers/whatsapp/fixtures/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8')) as unknown;
const saidIn = (name: string): Extract<WebhookMeta, { type: 'message' }>['message'][] =>
  parseWhatsAppWebhook(fixture(name)).flatMap((meta) => (meta.type === 'message' ? [meta.message] : []));

describe('what its webhook says', () => {
  it('reads who wrote what, from several entries and changes', () => {
    verifies('PV-07', 'PV-08', 'PV-15');
    const [message] = saidIn('text');
    expect(message).toMatchObject({
      senderId: '+16505551234',
      content: { type: 'text', body: 'Does it come in another color?' },
      idempotencyKey: message?.externalId,
      metadata: { to: '+15550783881', profile_name: 'Sheena Nelson', user_id: 'US.13491208655302741918', timestamp: '2025-06-08T20:59:43.000Z' },
    });
    const batch = parseWhatsAppWebhook(fixture('batch'));
    expect(batch.map(({ type }) => type)).toEqual(['message', 'message', 'status', 'message', 'ignored']);
    expect(new Set(saidIn('batch').map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
    expect(parseWhatsAppWebhook(fixture('batch'), { phoneNumberId: '1' }).map(({ type }) => type)).toEqual([
      'ignored',
      'ignored',
      'ignored',
      'ignored',
    ]);
  });

  it('names files by an address without a credential', () => {
    verifies('PV-08');
    expect(saidIn('media').map(({ content }) => content)).toEqual([
      { type: 'media', url: 'https://graph.facebook.com/1003383421387256', mimeType: 'image/jpeg', caption: 'Taj Mahal' },
      { type: 'media', url: 'https://graph.facebook.com/1003383421387257', mimeType: 'audio/ogg; codecs=opus' },
      { type: 'media', url: 'https://graph.facebook.com/1003383421387258', mimeType: 'video/mp4' },
      { type: 'media', url: 'https://graph.facebook.com/1003383421387259', mimeType: 'application/pdf', filename: 'terms.pdf', caption: 'As agreed' },
      { type: 'media', url: 'https://graph.facebook.com/1003383421387260', mimeType: 'image/webp' },
    ]);
  });

  it('takes taps on buttons, rows and templates alike', () => {
    verifies('PV-15');
    expect(saidIn('taps').map(({ content, metadata }) => [content, metadata?.['action'], metadata?.['reply_to_message_id']])).toEqual([
      [{ type: 'text', body: 'Cancel' }, { id: 'cancel-button', kind: 'reply' }, 'wamid.out1'],
      [{ type: 'text', body: 'Priority Mail Express' }, { id: 'priority_express', kind: 'reply' }, 'wamid.out1'],
      [{ type: 'text', body: 'Unsubscribe' }, { id: 'Unsubscribe', kind: 'reply' }, 'wamid.out1'],
    ]);
  });

  it('reads places, reactions, edits and deletes, and leaves out the rest with a reason', () => {
    verifies('PV-06');
    const metas = parseWhatsAppWebhook(fixture('other'));
    const [place, up, none, edit, gone] = saidIn('other');
    expect(place?.content).toMatchObject({ type: 'location', latitude: 40.782910059774, label: 'Solomon R. Guggenheim Museum' });
    expect(
      [up, none].map((one) => [one?.eventType, one?.metadata?.['emoji'], one?.metadata?.['action'], one?.metadata?.['target_external_id']]),
    ).toEqual([
      ['reaction', '👍', 'add', 'wamid.out1'],
      ['reaction', undefined, 'remove', 'wamid.out1'],
    ]);
    expect(edit?.content).toEqual({ type: 'edit', targetEventId: 'wamid.in1', newContent: { type: 'text', body: 'Better' } });
    expect(gone?.content).toEqual({ type: 'delete', targetEventId: 'wamid.in1', deleteType: 'sender' });
    expect(metas.flatMap((meta) => (meta.type === 'ignored' ? [meta.reason] : []))).toEqual([
      'type contacts',
      'type order',
      'type system',
      'unsupported poll_creation',
    ]);
  });

  it('knows people without a number by the id that Meta gives them', () => {
    verifies('PV-07');
    expect(saidIn('username')[0]).toMatchObject({
      senderId: 'US.13491208655302741918',
      metadata: { username: 'pablomorales', profile_name: 'Pablo' },
    });
  });

  it('reads what became of messages, and why not', () => {
    verifies('PV-11');
    const statuses = parseWhatsAppWebhook(fixture('statuses')).map((meta) => (meta.type === 'status' ? meta.status : meta.type));
    expect(statuses).toMatchObject([
      { messageId: 'wamid.out1', status: 'sent', recipient: '+16505551234', raw: { pricing: { category: 'service' }, conversation: { id: 'c1' } } },
      { status: 'delivered', timestamp: '2025-06-15T23:27:54.000Z' },
      { status: 'read' },
      { messageId: 'wamid.out2', status: 'failed', errorCode: 'outside_window' },
      { messageId: 'wamid.out3', status: 'failed', errorCode: 'graph_131026', errorMessage: 'Message undeliverable' },
      'ignored',
    ]);
  });

  it('reads without harm whatever a stranger makes of its payloads', () => {
    verifies('PV-06');
    const payloads = readdirSync(FIXTURES)
      .filter((name) => name.endsWith('.json'))
      .map((name) => fixture(name.slice(0, -5)));
    const strange = fc.oneof(
      fc.constant(null),
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.constant([]),
      fc.constant({}),
      fc.constant([null]),
      fc.double(),
    );
    fc.assert(
      fc.property(fc.constantFrom(...payloads), fc.array(fc.tuple(fc.nat(400), strange), { minLength: 1, maxLength: 4 }), (payload, changes) => {
        let text = JSON.stringify(payload);
        for (const [at, by] of changes) text = JSON.stringify(replacedAt(JSON.parse(text) as unknown, { left: at }, by));
        for (const meta of parseWhatsAppWebhook(JSON.parse(text) as unknown)) {
          if (meta.type !== 'message') continue;
          expect(meta.message.senderId).toMatch(/^\+\d+$|^[A-Z]{2}\./);
          expect(meta.message.idempotencyKey).toBeTruthy();
        }
      }),
      { numRuns: 500, seed: 7 },
    );
    for (const odd of [undefined, null, 1, 'x', [], { object: 'page' }])
      expect(parseWhatsAppWebhook(odd).some(({ type }) => type !== 'ignored')).toBe(false);
  });
});

/** The payload with its n-th value replaced. */
function replacedAt(value: unknown, count: { left: number }, by: unknown): unknown {
  if (count.left-- === 0) return by;
  if (Array.isArray(value)) return value.map((one: unknown) => replacedAt(one, count, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replacedAt(one, count, by)]));
}

interface Scene extends VendorScene {
  readonly vendor: WhatsAppEmulator;
  readonly provider: WhatsAppCloudProvider;
  readonly phone: WhatsAppPhone;
}

async function scene(
  config: Partial<WhatsAppConfig> = {},
  options: WhatsAppEmulatorOptions = {},
  more: Partial<VendorSceneOptions> = {},
): Promise<Scene> {
  const vendor = await WhatsAppEmulator.start({ templates: { plain: { body: 'We wrote: {{1}}' } }, ...options });
  const provider = new WhatsAppCloudProvider({
    accessToken: vendor.accessToken,
    phoneNumberId: vendor.phoneNumberId,
    appSecret: vendor.appSecret,
    verifyToken: vendor.verifyToken,
    baseUrl: vendor.url,
    ...config,
  });
  const open = await openVendorScene({ channel: new WhatsAppChannel('whatsapp', { provider }), provider, recipient: { phone_number: TO }, ...more });
  vendor.webhookUrl = open.webhookUrl;
  opened.push(open, vendor);
  return { ...open, vendor, provider, phone: vendor.phone(TO) };
}

async function saidInRoom(kit: VendorScene['kit']): Promise<readonly RoomEvent[]> {
  return (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
}

describe('a conversation', () => {
  it('goes there and back, and its ticks move', async () => {
    verifies('PV-09', 'PV-11', 'WHK-03');
    const { say, desk, phone, rows, vendor } = await scene();
    expect(await vendor.subscribe()).toEqual({ status: 200, isVerified: true });
    expect(await vendor.subscribe('something else')).toEqual({ status: 403, isVerified: false });
    expect((await phone.write('Wo ist mein Paket? 📦')).status).toBe(200);
    expect(desk.texts).toEqual(['Wo ist mein Paket? 📦']);
    await say({ type: 'rich', body: 'Again?', plainText: 'Again?', buttons: [{ id: 'yes', label: 'Yes', kind: 'reply', value: 'resend' }] });
    await phone.waitFor('Again?');
    await phone.tap('Yes');
    expect(desk.heard[1]?.event.content).toEqual({ type: 'text', body: 'Yes' });
    expect(desk.heard[1]?.event.metadata['action']).toMatchObject({ id: 'yes', value: 'resend', kind: 'reply' });
    await until(async () => (await rows())[0]?.state === 'delivered', 'the row is delivered');
    await phone.read();
    expect((await rows())[0]?.state).toBe('read');
  });

  it('takes what Meta sends again for what it is, and refuses what Meta has not signed', async () => {
    verifies('PV-07', 'PV-09');
    const { desk, phone, vendor, webhookUrl } = await scene();
    vendor.disturbCallbacks({ isDoubled: true });
    expect((await phone.write('Once')).status).toBe(200);
    expect(desk.texts).toEqual(['Once']);
    const [call] = vendor.webhookCalls;
    const headers = { ...call?.headers, 'x-hub-signature-256': `sha256=${createHmac('sha256', 'wrong').update(String(call?.body)).digest('hex')}` };
    expect((await fetch(webhookUrl, { method: 'POST', headers, body: String(call?.body) })).status).toBe(401);
    const again = JSON.stringify(JSON.parse(String(call?.body)));
    expect((await fetch(webhookUrl, { method: 'POST', headers: { ...call?.headers }, body: `${again} ` })).status).toBe(401);
  });

  it('tries again what may pass, and not what may not', async () => {
    verifies('PV-12');
    const { say, phone, vendor, rows } = await scene();
    vendor.openWindow(TO);
    vendor.fail({ status: 429, path: '/messages' });
    await say('After a while');
    await phone.waitFor('After a while');
    expect((await rows())[0]?.attempts).toBe(2);
    const asked = vendor.requests.length;
    vendor.fail({ status: 401, path: '/messages' });
    const result = await say('Never');
    expect(result.deliveryResults['whatsapp']).toMatchObject({ status: 'failed', error: { code: 'auth_error' } });
    expect(vendor.requests).toHaveLength(asked + 1);
  });

  it('carries reactions, receipts and typing both ways', async () => {
    verifies('INB-25', 'EPH-03');
    const { kit, say, phone, vendor } = await scene();
    const heard: unknown[] = [];
    await kit.subscribeRoom('room', (event) => void heard.push([event.type, event.data['event_id'], event.data['emoji']]));
    const { id } = await phone.write('Hello');
    const [theirs] = await saidInRoom(kit);
    await kit.publishReaction('room', 'colleague', theirs?.id ?? '', '🎉', 'add');
    await until(() => phone.reactions.get(id) === '🎉', 'the reaction is there');
    await kit.publishTyping('room', 'colleague', true);
    await until(() => phone.isTypingShown, 'typing is shown');
    await kit.publishReadReceipt('room', 'colleague', theirs?.id ?? '');
    await until(() => phone.readByBusiness.has(id), 'it is read');
    const { event } = await say('Hello yourself');
    const mine = await phone.waitFor('yourself');
    await phone.react(mine.id, '❤️');
    expect(heard).toContainEqual(['reaction', event?.id, '❤️']);
    expect(vendor.webhookCalls.every(({ status }) => status === 200)).toBe(true);
  });

  it('changes and takes back what people change and take back, and quotes what is answered', async () => {
    verifies('EDT-06', 'INB-30');
    const { kit, phone, say } = await scene();
    const first = await phone.write('Teh parcel');
    await phone.edit(first.id, 'The parcel');
    const [event] = await saidInRoom(kit);
    expect(event?.content).toEqual({ type: 'text', body: 'The parcel' });
    const { event: question } = await say({ type: 'text', body: 'Which?' });
    const which = await phone.waitFor('Which?');
    await phone.write('The second', { replyTo: which.id });
    await phone.write('As I said', { replyTo: first.id });
    await phone.write('To nothing', { replyTo: 'wamid.unknown' });
    const parents = (await saidInRoom(kit)).slice(-3).map(({ parentEventId, metadata }) => [parentEventId, metadata['reply_to_message_id']]);
    expect(parents).toEqual([
      [question?.id, which.id],
      [event?.id, first.id],
      [undefined, 'wamid.unknown'],
    ]);
    await kit.sendEvent('room', 'desk', 'That one', { parentEventId: event?.id ?? '' });
    expect((await phone.waitFor('That one')).repliesTo).toBe(first.id);
    await phone.revoke(first.id);
    expect((await saidInRoom(kit))[0]?.metadata['deleted']).toBe(true);
  });
});

describe('F27 window_closed', () => {
  const template = { templateId: 'plain', parameters: { '1': '{text}' } };

  it.each(['answer', 'status'] as const)('fails visibly by default, whether Meta says it in its %s', async (windowRefusal) => {
    verifies('F27');
    const { say, rows, vendor, phone } = await scene({}, { windowRefusal });
    await phone.write('Hello');
    vendor.advance(25 * 3_600_000);
    await say('Too late');
    await until(async () => (await rows())[0]?.state === 'failed', 'the delivery has failed');
    expect((await rows())[0]?.lastError?.code).toBe('outside_window');
    expect(phone.messages).toEqual([]);
  });

  it.each(['answer', 'status'] as const)('parks what is said until the person writes again, when Meta says it in its %s', async (windowRefusal) => {
    verifies('F27', 'OUT-17');
    const { kit, say, rows, vendor, phone, provider } = await scene({ windowPolicy: 'park' }, { windowRefusal });
    const parked: unknown[] = [];
    kit.on('delivery_parked', ({ data }) => void parked.push(data['code']));
    await say('One');
    await say('Two');
    await until(() => parked.length === 2, 'both are parked');
    expect((await rows()).map(({ state, lastError }) => [state, lastError?.code])).toEqual([
      ['queued', 'outside_window'],
      ['queued', 'outside_window'],
    ]);
    expect(Date.parse((await rows())[0]?.expiresAt ?? '') - Date.now()).toBeGreaterThan(6 * 24 * 3_600_000);
    expect(await provider.sendTemplate(TO, 'plain', { parameters: { '1': 'news' } })).toMatchObject({ success: true });
    await phone.write('What is it?');
    await say('Three');
    await phone.waitFor('Three');
    expect(phone.messages.map(({ text }) => text)).toEqual(['We wrote: news', 'One', 'Two', 'Three']);
    await until(async () => (await rows()).every(({ state }) => state === 'delivered'), 'all are delivered');
    expect(vendor.webhookCalls.every(({ status }) => status === 200)).toBe(true);
  });

  it.each(['answer', 'status'] as const)(
    'parks and replaces a text that was split as a whole, when Meta says it in its %s',
    async (windowRefusal) => {
      verifies('F27', 'OUT-17', 'TRC-03');
      const long = `${'word '.repeat(1000)}end`;
      const one = await scene({ windowPolicy: 'park' }, { windowRefusal });
      await one.say(long);
      await until(async () => (await one.rows())[0]?.lastError !== undefined, 'it is parked');
      await one.phone.write('Hello');
      await one.phone.waitFor('end');
      expect(one.phone.messages.map(({ text }) => text).join(' ')).toBe(long);
      const other = await scene({ windowPolicy: 'template', windowTemplate: template }, { windowRefusal });
      await other.say(long);
      await until(async () => (await other.rows())[0]?.state === 'delivered', 'the template is delivered');
      expect(other.phone.messages).toHaveLength(1);
      expect(other.phone.messages[0]?.text).toMatch(/^We wrote: word .*\.\.\.$/);
    },
  );

  it.each(['answer', 'status'] as const)('sends the template in place of what is said, when Meta says it in its %s', async (windowRefusal) => {
    verifies('F27', 'OUT-17');
    const { say, rows, phone } = await scene({ windowPolicy: 'template', windowTemplate: template }, { windowRefusal });
    await say('Your parcel\nis here');
    const arrived = await phone.waitFor();
    expect(arrived).toMatchObject({ type: 'template', text: 'We wrote: Your parcel is here' });
    await until(async () => (await rows())[0]?.state === 'delivered', 'the template is delivered');
    await phone.write('Thanks');
    await say('You are welcome');
    expect(await phone.waitFor('welcome')).toMatchObject({ type: 'text' });
    expect(phone.messages).toHaveLength(2);
  });
});

/** Messenger: what each content becomes, what its webhook says, and a conversation over real sockets. */
import { readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { MessengerChannel, type EventContent, type RoomEvent, type WebhookMeta, type WebhookRequest } from '../../src/index.js';
import { MessengerEmulator, type MessengerEmulatorOptions, type MessengerPerson } from '../../src/emulators/index.js';
import { FacebookMessengerProvider, parseMessengerWebhook, type MessengerConfig } from '../../src/providers/messenger/index.js';
import { requestOf, type TransportSetup } from '../../src/testing/contracts/transport-case.js';
import { verifies } from '../requirements.js';
import { openVendorScene, until, type VendorScene } from '../support/vendor-scene.js';

const PSID = '1254477777772919';
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Direct {
  readonly vendor: MessengerEmulator;
  readonly provider: FacebookMessengerProvider;
  readonly person: MessengerPerson;
  readonly posted: () => Record<string, unknown>[];
  readonly send: (content: EventContent, metadata?: object) => ReturnType<FacebookMessengerProvider['send']>;
}

async function direct(config: Partial<MessengerConfig> = {}, options: MessengerEmulatorOptions = {}): Promise<Direct> {
  const vendor = await MessengerEmulator.start(options);
  opened.push(vendor);
  vendor.openWindow(PSID);
  const provider = new FacebookMessengerProvider({ pageAccessToken: vendor.accessToken, baseUrl: vendor.url, ...config });
  const setup = { to: PSID, channelType: 'messenger', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
  return {
    vendor,
    provider,
    person: vendor.person(PSID),
    posted: () => vendor.requests.filter(({ path }) => path.includes('/messages')).map(({ body }) => body as Record<string, unknown>),
    send: (content, metadata = {}) => {
      const request = requestOf(setup, content);
      return Promise.resolve(provider.send({ ...request, event: { ...request.event, metadata: { ...metadata } } }));
    },
  };
}

const rich = (more: object): EventContent => ({ type: 'rich', body: 'Which one?', plainText: 'Which one?', ...more });

describe('what content becomes', () => {
  it('puts up to three buttons under a text, and the rest of a long text before them', async () => {
    verifies('PV-04');
    const { send, person, posted } = await direct();
    const buttons = [
      { id: 'yes', label: 'Yes', kind: 'reply', value: 'resend' },
      { id: 'track', label: 'Track', kind: 'url', url: 'https://example.com' },
      { id: 'call', label: 'Call', kind: 'call', phone: '+15550199' },
      { id: 'four', label: 'Four', kind: 'reply' },
    ];
    expect(await send(rich({ buttons }))).toMatchObject({ success: true });
    expect(posted()[0]).toMatchObject({ recipient: { id: PSID }, messaging_type: 'RESPONSE' });
    expect(person.messages[0]?.buttons.map(({ kind, title }) => [kind, title])).toEqual([
      ['postback', 'Yes'],
      ['web_url', 'Track'],
      ['phone_number', 'Call'],
    ]);
    expect(person.messages[0]?.text).toBe('Which one?\nFour');
    await send(
      rich({ plainText: `${'long '.repeat(300)}end`, buttons: [{ id: 'a', label: 'A label of more than twenty characters', kind: 'reply' }] }),
    );
    const last = person.messages.at(-1);
    expect(person.messages.length).toBeGreaterThan(2);
    expect(last?.buttons[0]?.title).toBe('A label of more t...');
    expect(last?.text).toContain('A label of more than twenty characters');
  });

  it('offers quick replies with the last message, and thirteen of them', async () => {
    verifies('PV-04');
    const { send, person } = await direct();
    await send(rich({ quickReplies: [{ id: 'r', label: 'Red', imageUrl: 'https://example.com/r.png' }, 'Blue'] }));
    expect(person.messages[0]?.buttons).toEqual([
      { kind: 'quick_reply', title: 'Red', payload: 'r' },
      { kind: 'quick_reply', title: 'Blue', payload: 'Blue' },
    ]);
    await send(rich({ quickReplies: Array.from({ length: 15 }, (_, at) => `choice ${at + 1}`) }));
    expect(person.messages[1]?.buttons).toHaveLength(13);
    expect(person.messages[1]?.text).toBe('Which one?\nchoice 14\nchoice 15');
    await send(rich({ body: '', plainText: '', quickReplies: ['Yes', 'No'] }));
    expect(person.messages[2]?.text).toBe('Yes / No');
  });

  it('shows cards side by side, ten at a time, and one that is a title alone as text', async () => {
    verifies('PV-04');
    const { send, posted, person } = await direct();
    const cards = Array.from({ length: 11 }, (_, at) => ({
      title: `Card ${at + 1}`,
      imageUrl: 'https://example.com/c.png',
      url: 'https://example.com',
    }));
    await send(rich({ cards: [...cards, { title: 'Only a title' }] }));
    const bodies = posted().map(({ message }) => message as { text?: string; attachment?: { payload: { elements: unknown[] } } });
    expect(bodies.map(({ text, attachment }) => text ?? attachment?.payload.elements.length)).toEqual(['Which one?', 10, 1, 'Only a title']);
    expect(person.messages).toHaveLength(4);
  });

  it('sends files by link, uploads bytes, and lets words follow them', async () => {
    verifies('PV-05');
    const { send, person, vendor } = await direct();
    await send({ type: 'media', url: 'https://example.com/a.pdf', mimeType: 'application/pdf', caption: 'As agreed' });
    expect(person.messages.map(({ text, media }) => [text, media[0]])).toEqual([
      ['', 'https://example.com/a.pdf'],
      ['As agreed', undefined],
    ]);
    const bytes = Buffer.from([0xff, 0xd8, 0x00, 0xfe]);
    await send({ type: 'media', url: `data:image/jpeg;base64,${bytes.toString('base64')}`, mimeType: 'image/jpeg' });
    expect(Buffer.from(vendor.file(person.messages[2]?.media[0] ?? '')?.bytes ?? []).equals(bytes)).toBe(true);
    expect(await send({ type: 'media', url: 'data:image/jpeg;base64,', mimeType: 'image/jpeg' })).toMatchObject({ error: 'media_not_supported' });
  });

  it('is refused outside the window, but for tags and templates', async () => {
    verifies('PV-03');
    const { send, vendor, person, posted } = await direct({}, { templates: { order: { body: 'Order {{1}} is on its way.' } } });
    vendor.advance(25 * 3_600_000);
    expect(await send({ type: 'text', body: 'Late' })).toMatchObject({ success: false, error: 'outside_window', retryable: false });
    expect(await send({ type: 'text', body: 'Late' }, { message_tag: 'HUMAN_AGENT' })).toMatchObject({ success: true });
    expect(person.messages[0]).toMatchObject({ text: 'Late', tag: 'HUMAN_AGENT' });
    expect(await send({ type: 'text', body: 'Late' }, { message_tag: 'POST_PURCHASE_UPDATE' })).toMatchObject({ success: false, error: 'graph_100' });
    vendor.advance(7 * 24 * 3_600_000);
    expect(await send({ type: 'text', body: 'Later' }, { message_tag: 'HUMAN_AGENT' })).toMatchObject({ error: 'outside_window' });
    expect(await send({ type: 'template', templateId: 'order', parameters: { '1': 'A-7' } })).toMatchObject({ success: true });
    expect(posted().at(-1)).toMatchObject({ messaging_type: 'UTILITY' });
    expect(await send({ type: 'template', templateId: 'order', parameters: { '1': 'a\nb' } })).toMatchObject({ error: 'invalid_request' });
  });

  it('is told by its options what is wrong with them, and prints none of its secrets', () => {
    verifies('PV-01');
    expect(() => new FacebookMessengerProvider({})).toThrow(/MESSENGER_PAGE_ACCESS_TOKEN/);
    expect(() => new FacebookMessengerProvider({ pageAccessToken: 'x', messageTag: 'human agent' })).toThrow(/HUMAN_AGENT/);
    expect(() => new FacebookMessengerProvider({ pageAccessToken: 'x', apiVersion: 'latest' })).toThrow(/v26\.0/);
    const provider = new FacebookMessengerProvider({ pageAccessToken: 'the-token', appSecret: 'the-secret', verifyToken: 'the-words' });
    expect(inspect(provider, { depth: 9, showHidden: true }) + JSON.stringify(provider)).not.toMatch(/the-(token|secret|words)/);
    expect(new FacebookMessengerProvider({ pageAccessToken: 'x' }).webhookNeeds).toEqual(['appSecret', 'verifyToken']);
  });
});

const FIXTURES = new URL('../../src/providers/messenger/fixtures/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8')) as unknown;
const saidIn = (name: string): Extract<WebhookMeta, { type: 'message' }>['message'][] =>
  parseMessengerWebhook(fixture(name)).flatMap((meta) => (meta.type === 'message' ? [meta.message] : []));

describe('what its webhook says', () => {
  it('reads text, quick replies, files and places', () => {
    verifies('PV-07', 'PV-08', 'PV-15');
    const said = saidIn('messages');
    expect(said.map(({ content }) => content)).toEqual([
      { type: 'text', body: 'hello, world!' },
      { type: 'text', body: 'Red' },
      { type: 'text', body: 'that one' },
      { type: 'media', url: 'https://scontent.xx.fbcdn.net/a.jpg', mimeType: 'image/jpeg' },
      {
        type: 'composite',
        parts: [
          { type: 'text', body: 'both' },
          { type: 'media', url: 'https://cdn.fbsbx.com/a.mp4', mimeType: 'audio/mp4' },
          { type: 'media', url: 'https://cdn.fbsbx.com/a.pdf', mimeType: 'application/pdf' },
        ],
      },
      { type: 'media', url: 'https://scontent.xx.fbcdn.net/s.png', mimeType: 'image/png' },
      { type: 'location', latitude: 52.5, longitude: 13.4, label: 'Home' },
    ]);
    expect(said[0]).toMatchObject({
      senderId: PSID,
      idempotencyKey: 'm_text',
      metadata: { page_id: '106540352242900', timestamp: '2016-03-23T00:25:52.478Z' },
    });
    expect(said[1]?.metadata?.['action']).toEqual({ id: 'red', kind: 'reply' });
    expect(said[2]?.metadata?.['reply_to_message_id']).toBe('m_out1');
  });

  it('takes taps for text with an action; without an id of Meta, the same tap has the same key', () => {
    verifies('PV-07', 'PV-15');
    const [tap, old] = saidIn('taps');
    expect(tap).toMatchObject({
      content: { type: 'text', body: 'Get started' },
      idempotencyKey: 'm_tap',
      metadata: { action: { id: 'start', kind: 'reply' } },
    });
    expect(old?.idempotencyKey).toBe(saidIn('taps')[1]?.idempotencyKey);
    expect(old?.idempotencyKey).not.toBe(tap?.idempotencyKey);
  });

  it('reads reactions, edits and deletes, and leaves out the page itself and all the rest', () => {
    verifies('PV-06');
    const [up, off, edit, gone] = saidIn('changes');
    expect([up, off].map((one) => [one?.eventType, one?.metadata?.['emoji'], one?.metadata?.['action']])).toEqual([
      ['reaction', '❤️', 'add'],
      ['reaction', '❤️', 'remove'],
    ]);
    expect(edit?.content).toEqual({ type: 'edit', targetEventId: 'm_text', newContent: { type: 'text', body: 'hello, everybody!' } });
    expect(gone?.content).toEqual({ type: 'delete', targetEventId: 'm_text', deleteType: 'sender' });
    expect(parseMessengerWebhook(fixture('others')).map((meta) => (meta.type === 'ignored' ? meta.reason : meta.type))).toEqual([
      'echo',
      'echo of a person who answers for the page',
      'referral',
      'optin',
      'attachment fallback',
    ]);
  });

  it('knows who has read what by the times that Meta gives, whichever report comes first', () => {
    verifies('PV-11');
    const provider = new FacebookMessengerProvider({ pageAccessToken: 'x' });
    const statuses = (event: object): unknown[] => {
      const payload = { object: 'page', entry: [{ messaging: [{ sender: { id: PSID }, ...event }] }] };
      const request = {
        method: 'POST',
        url: 'http://x',
        headers: new Headers(),
        body: new TextEncoder().encode(JSON.stringify(payload)),
        receivedAt: 0,
      };
      return provider
        .parse(request as WebhookRequest)
        .flatMap((meta) => (meta.type === 'status' ? [[meta.status.messageId, meta.status.status]] : []));
    };
    expect(statuses({ delivery: { mids: ['a'], watermark: 100 } })).toEqual([['a', 'delivered']]);
    expect(statuses({ read: { watermark: 99 } })).toEqual([]);
    expect(statuses({ read: { watermark: 150 } })).toEqual([['a', 'read']]);
    expect(statuses({ delivery: { mids: ['b'], watermark: 140 } })).toEqual([
      ['b', 'delivered'],
      ['b', 'read'],
    ]);
    expect(statuses({ delivery: { mids: ['c'], watermark: 200 } })).toEqual([['c', 'delivered']]);
    expect(parseMessengerWebhook(fixture('deliveries')).map(({ type }) => type)).toEqual(['status', 'status', 'ignored']);
  });

  it('reads without harm whatever a stranger makes of its payloads', () => {
    verifies('PV-06');
    const provider = new FacebookMessengerProvider({ pageAccessToken: 'x' });
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
      fc.property(fc.constantFrom(...payloads), fc.array(fc.tuple(fc.nat(150), strange), { minLength: 1, maxLength: 4 }), (payload, changes) => {
        let text = JSON.stringify(payload);
        for (const [at, by] of changes) text = JSON.stringify(replacedAt(JSON.parse(text) as unknown, { left: at }, by));
        const request = { method: 'POST', url: 'http://x', headers: new Headers(), body: new TextEncoder().encode(text), receivedAt: 0 };
        for (const meta of provider.parse(request)) {
          if (meta.type !== 'message') continue;
          expect(meta.message.senderId).toBeTruthy();
          expect(meta.message.idempotencyKey).toBeTruthy();
        }
      }),
      { numRuns: 500, seed: 7 },
    );
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
  readonly vendor: MessengerEmulator;
  readonly person: MessengerPerson;
}

async function scene(): Promise<Scene> {
  const vendor = await MessengerEmulator.start();
  const { appSecret, verifyToken, accessToken, url } = vendor;
  const provider = new FacebookMessengerProvider({ pageAccessToken: accessToken, appSecret, verifyToken, baseUrl: url });
  const open = await openVendorScene({ channel: new MessengerChannel('messenger', { provider }), provider, recipient: { facebook_user_id: PSID } });
  vendor.webhookUrl = open.webhookUrl;
  opened.push(open, vendor);
  return { ...open, vendor, person: vendor.person(PSID) };
}

async function saidInRoom(kit: VendorScene['kit']): Promise<readonly RoomEvent[]> {
  return (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
}

describe('a conversation', () => {
  it('goes there and back, and its ticks move', async () => {
    verifies('PV-09', 'PV-11', 'WHK-03');
    const { say, desk, person, rows, vendor } = await scene();
    expect(await vendor.subscribe()).toEqual({ status: 200, isVerified: true });
    expect(await vendor.subscribe('something else')).toEqual({ status: 403, isVerified: false });
    await person.write('Wo ist mein Paket? 📦');
    expect(desk.texts).toEqual(['Wo ist mein Paket? 📦']);
    await say(rich({ buttons: [{ id: 'yes', label: 'Yes', kind: 'reply', value: 'resend' }], quickReplies: ['Maybe'] }));
    await person.waitFor('Which one?');
    await person.tap('Yes');
    await person.tap('Maybe');
    expect(desk.heard.slice(1).map(({ event }) => event.metadata['action'])).toMatchObject([
      { id: 'yes', value: 'resend', kind: 'reply' },
      { id: 'Maybe', kind: 'reply' },
    ]);
    await until(async () => (await rows())[0]?.state === 'delivered', 'the row is delivered');
    await vendor.read(PSID);
    expect((await rows())[0]?.state).toBe('read');
    expect(vendor.webhookCalls.every(({ status, answer }) => status === 200 && answer === 'EVENT_RECEIVED')).toBe(true);
  });

  it('takes what Meta sends again for what it is, and refuses what was changed on the way', async () => {
    verifies('PV-07', 'PV-09');
    const { desk, person, vendor, webhookUrl } = await scene();
    vendor.disturbCallbacks({ isDoubled: true });
    await person.write('Once');
    expect(desk.texts).toEqual(['Once']);
    const [call] = vendor.webhookCalls;
    const forged = String(call?.body).replace('Once', 'Ever');
    expect((await fetch(webhookUrl, { method: 'POST', headers: { ...call?.headers }, body: forged })).status).toBe(401);
  });

  it('tries again what may pass, and not what may not', async () => {
    verifies('PV-12');
    const { say, person, vendor, rows } = await scene();
    vendor.openWindow(PSID);
    vendor.fail({ status: 429 });
    await say('After a while');
    await person.waitFor('After a while');
    expect((await rows())[0]?.attempts).toBe(2);
    vendor.advance(25 * 3_600_000);
    const asked = vendor.requests.length;
    expect((await say('Too late')).deliveryResults['messenger']).toMatchObject({ status: 'failed', error: { code: 'outside_window' } });
    expect(vendor.requests).toHaveLength(asked + 1);
  });

  it('carries reactions, receipts, typing, quotes and edits', async () => {
    verifies('INB-30', 'INB-25', 'EPH-03', 'EDT-06');
    const { kit, say, person } = await scene();
    const heard: unknown[] = [];
    await kit.subscribeRoom('room', (event) => void heard.push([event.type, event.data['event_id'], event.data['emoji']]));
    const { id } = await person.write('Teh parcel');
    const [theirs] = await saidInRoom(kit);
    await kit.publishReaction('room', 'colleague', theirs?.id ?? '', '🎉', 'add');
    await until(() => person.reactions.get(id) === '🎉', 'the reaction is there');
    await kit.publishReaction('room', 'colleague', theirs?.id ?? '', '🎉', 'remove');
    await until(() => !person.reactions.has(id), 'the reaction is gone');
    await kit.publishTyping('room', 'colleague', true);
    await until(() => person.isTypingShown, 'typing is shown');
    await kit.publishReadReceipt('room', 'colleague', theirs?.id ?? '');
    await until(() => person.isSeen, 'it is seen');
    const { event } = await say('Hello yourself');
    const mine = await person.waitFor('yourself');
    expect(await person.react(mine.id, '❤️')).toBe(200);
    expect(heard).toContainEqual(['reaction', event?.id, '❤️']);
    await person.write('Hi', { replyTo: mine.id });
    await person.write('As I said', { replyTo: id });
    expect((await saidInRoom(kit)).slice(-2).map(({ parentEventId }) => parentEventId)).toEqual([event?.id, theirs?.id]);
    await person.edit(id, 'The parcel');
    expect((await saidInRoom(kit))[0]?.content).toEqual({ type: 'text', body: 'The parcel' });
  });
});

/** Teams: what each content becomes, what its activities say, and a conversation over real sockets. */
import { readdirSync, readFileSync } from 'node:fs';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  TeamsChannel,
  type EventContent,
  type MediaFetch,
  type MediaFetchOptions,
  type TransportRequest,
  type WebhookMeta,
} from '../../src/index.js';
import { TeamsEmulator, type TeamsConversation, type TeamsEmulatorOptions } from '../../src/emulators/index.js';
import {
  BotFrameworkTeamsProvider,
  isBotAdded,
  MemoryReferences,
  parseTeamsActivity,
  parseTeamsWebhook,
  type TeamsConfig,
} from '../../src/providers/teams/index.js';
import { requestOf, type TransportSetup } from '../../src/testing/contracts/transport-case.js';
import { verifies } from '../requirements.js';
import { openVendorScene, until, type VendorScene } from '../support/vendor-scene.js';
import { endToEnd } from './end-to-end.js';
import { openTeams } from './open-teams.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Direct {
  readonly vendor: TeamsEmulator;
  readonly provider: BotFrameworkTeamsProvider;
  readonly person: TeamsConversation;
  readonly references: MemoryReferences;
  readonly tokens: () => number;
  readonly send: (content: EventContent, more?: Partial<TransportRequest>) => ReturnType<BotFrameworkTeamsProvider['send']>;
}

function configOf(vendor: TeamsEmulator): TeamsConfig {
  return {
    appId: vendor.appId,
    appPassword: vendor.appPassword,
    tenantId: vendor.tenantId,
    loginUrl: vendor.url,
    openIdUrl: vendor.openIdUrl,
    allowedServiceHosts: [vendor.serviceHost],
  };
}

async function direct(config: Partial<TeamsConfig> = {}, options: TeamsEmulatorOptions = {}): Promise<Direct> {
  const vendor = await TeamsEmulator.start(options);
  opened.push(vendor);
  const person = vendor.conversation('ada');
  const references = new MemoryReferences();
  references.set(person.id, { conversationId: person.id, serviceUrl: vendor.serviceUrl });
  const provider = new BotFrameworkTeamsProvider({ ...configOf(vendor), references, ...config });
  const setup = { to: person.id, channelType: 'teams', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
  return {
    vendor,
    provider,
    person,
    references,
    tokens: () => vendor.requests.filter(({ path }) => path.includes('/oauth2/')).length,
    send: (content, more = {}) => Promise.resolve(provider.send(requestOf(setup, content, more))),
  };
}

const text = (body: string): EventContent => ({ type: 'text', body });
const rich = (more: object): EventContent => ({ type: 'rich', body: '**Which** one?', ...more });

describe('what content becomes', () => {
  it('sends plain text as it stands, and formatting as Teams knows it', async () => {
    verifies('PV-04');
    const { send, person, vendor } = await direct();
    const posted = (): Record<string, unknown> => vendor.requests.at(-1)?.body as Record<string, unknown>;
    await send(text('*no* <b>markup</b>'));
    expect(posted()).toMatchObject({ type: 'message', text: '*no* <b>markup</b>', textFormat: 'plain' });
    await send(rich({}));
    expect(posted()).toMatchObject({ text: '**Which** one?', textFormat: 'markdown' });
    const html =
      '<p style="x">A <b>bold</b> <span>word</span> &amp; a <a href="https://example.com/?a=1&amp;b=2" onclick="x">link</a></p><a href="javascript:x">no</a><script>bad()</script>';
    await send({ type: 'rich', format: 'html', body: html });
    expect(posted()).toMatchObject({
      text: '<p>A <b>bold</b> word &amp; a <a href="https://example.com/?a=1&amp;b=2">link</a></p><a>no</a>',
      textFormat: 'xml',
    });
    expect(person.messages.at(-1)?.text).toBe('A bold word & a link\nno');
  });

  it('puts buttons and suggested answers under the words, as a card; six in a row', async () => {
    verifies('PV-04');
    const { send, person, vendor } = await direct();
    const buttons = [
      { id: 'yes', label: 'Yes', kind: 'reply', value: 'resend' },
      { id: 'track', label: 'Track', kind: 'url', url: 'https://example.com' },
      { id: 'call', label: 'Call', kind: 'call', phone: '+15550199' },
      { id: 'here', label: 'Where are you?', kind: 'location_request' },
    ];
    await send(rich({ buttons, quickReplies: ['Red', { id: 'b', label: 'Blue' }, 'Green', 'Grey'] }));
    const [message] = person.messages;
    expect(message?.text).toBe('**Which** one?\n\nWhere are you?');
    expect(message?.buttons.map(({ label, url }) => [label, url])).toEqual([
      ['Yes', undefined],
      ['Track', 'https://example.com'],
      ['Call', 'tel:+15550199'],
      ['Red', undefined],
      ['Blue', undefined],
      ['Green', undefined],
      ['Grey', undefined],
    ]);
    const { attachments } = vendor.requests.at(-1)?.body as { attachments: { content: { version: string; body: { actions?: unknown[] }[] } }[] };
    expect(attachments[0]?.content.version).toBe('1.4');
    expect(attachments[0]?.content.body.map(({ actions }) => actions?.length)).toEqual([undefined, 6, 1]);
  });

  it('shows cards side by side, ten at a time', async () => {
    verifies('PV-04');
    const { send, person } = await direct();
    const cards = Array.from({ length: 11 }, (_, at) => ({
      title: `Card ${at + 1}`,
      imageUrl: 'https://example.com/c.png',
      url: 'https://example.com',
    }));
    await send(rich({ cards }));
    expect(person.messages.map(({ isCarousel, media }) => [isCarousel, media.length])).toEqual([
      [false, 0],
      [true, 10],
      [false, 1],
    ]);
    expect(person.messages[1]?.text).toContain('Card 10');
  });

  it('shows pictures, links other files, and refuses bytes that are no picture', async () => {
    verifies('PV-04', 'PV-05');
    const { send, person } = await direct();
    await send({ type: 'media', url: 'https://example.com/a.png', mimeType: 'image/png', caption: 'A <picture>' });
    expect(person.messages[0]).toMatchObject({ text: 'A <picture>', media: ['https://example.com/a.png'] });
    await send({ type: 'media', url: 'https://example.com/a.pdf?x=1&y=2', mimeType: 'application/pdf', caption: 'As <agreed>' });
    expect(person.messages[1]).toMatchObject({ text: 'As <agreed>\na.pdf', media: ['https://example.com/a.pdf?x=1&y=2'] });
    await send({ type: 'media', url: 'data:image/png;base64,iVBORw0KGgo=', mimeType: 'image/png' });
    expect(person.messages[2]?.media).toEqual(['data:image/png;base64,iVBORw0KGgo=']);
    expect(await send({ type: 'media', url: 'data:application/pdf;base64,JVBERi0=', mimeType: 'application/pdf' })).toMatchObject({
      error: 'media_not_supported',
      retryable: false,
    });
    expect(await send(text('ö'.repeat(28_000)))).toMatchObject({ success: true });
    expect(await send(text('x'.repeat(60_000)))).toMatchObject({ error: 'teams_MessageSizeTooBig', retryable: false });
  });

  it('changes and takes back what it has sent', async () => {
    verifies('PV-04');
    const { send, person } = await direct();
    const { providerMessageId = '' } = await send(text('Tommorow'));
    expect(providerMessageId).toBe(`${person.id}|${person.messages[0]?.id}`);
    await send({ type: 'edit', targetEventId: 'e', newContent: text('Tomorrow') }, { targetMessageId: providerMessageId });
    expect(person.messages.map((message) => message.text)).toEqual(['Tomorrow']);
    await send({ type: 'delete', targetEventId: 'e' }, { targetMessageId: providerMessageId });
    expect(person.messages).toEqual([]);
    expect(await send({ type: 'delete', targetEventId: 'e' }, { targetMessageId: providerMessageId })).toMatchObject({
      error: 'teams_ActivityNotFoundInConversation',
      retryable: false,
    });
  });
});

describe('where messages go', () => {
  const answeredAt = (to: string, serviceUrl: string): Partial<TransportRequest> => ({
    answered: () => ({ metadata: { conversation_id: to, service_url: serviceUrl, bot_id: '28:bot' }, source: { externalId: `${to}|17` } }) as never, // what is read of it
  });

  it('takes the newest address of the timeline before what it remembers, and names what it answers', async () => {
    verifies('PV-04');
    const { send, person, vendor, references } = await direct();
    references.set(person.id, { conversationId: person.id, serviceUrl: 'https://smba.trafficmanager.net/old/' });
    expect(await send(text('Hello'), answeredAt(person.id, vendor.serviceUrl))).toMatchObject({ success: true });
    expect(person.messages[0]).toMatchObject({ text: 'Hello', replyToId: '17' });
    expect(vendor.requests.at(-1)?.body).toMatchObject({ from: { id: '28:bot' }, conversation: { id: person.id } });
  });

  it('writes first only where it knows how, and asks nobody for a token otherwise', async () => {
    verifies('PV-12');
    const { send, vendor, tokens, provider } = await direct();
    const group = vendor.conversation('ada', { group: 'Parcels' });
    expect(await send(text('Hello'), { to: group.id })).toMatchObject({ error: 'no_conversation_reference', retryable: false });
    expect(tokens()).toBe(0);
    const metas: WebhookMeta[] = [{ type: 'ignored', data: { conversation_id: group.id, service_url: vendor.serviceUrl } }];
    await provider.committed(metas);
    expect(await send(text('Hello'), { to: group.id })).toMatchObject({ success: true });
  });

  it('sends its token to no host that is not allowed, wherever the address stands', async () => {
    verifies('PV-09');
    const asked: string[] = [];
    const { send, person, references, vendor } = await direct({
      fetch: (input, init) => {
        asked.push(String(input));
        return fetch(input, init);
      },
    });
    for (const serviceUrl of [
      'https://evil.example/',
      'http://smba.trafficmanager.net/emea/',
      'https://smba.trafficmanager.net.evil.example/',
      'https://smba.trafficmanager.net:8443/',
      'https://user@smba.trafficmanager.net/',
      'https://evilbotframework.com/',
      'http://127.0.0.1:1/',
      'javascript:0',
    ]) {
      references.set(person.id, { conversationId: person.id, serviceUrl });
      expect(await send(text('Hello'), answeredAt(person.id, serviceUrl)), serviceUrl).toMatchObject({ error: 'no_conversation_reference' });
    }
    expect(asked).toEqual([]);
    expect(new URL(vendor.serviceUrl).host).toBe(vendor.serviceHost);
  });

  it('asks once for a token that many messages wait for, keeps it, and renews one that is not taken any more', async () => {
    verifies('PV-02');
    const { send, person, tokens, vendor } = await direct();
    await Promise.all(['one', 'two', 'three'].map((body) => send(text(body))));
    await send(text('four'));
    expect(tokens()).toBe(1);
    vendor.revokeTokens();
    expect(await send(text('five'))).toMatchObject({ success: true });
    expect(tokens()).toBe(2);
    expect(person.messages).toHaveLength(5);
  });

  it('does not use a token that is at its end', async () => {
    verifies('PV-02');
    const { send, tokens, vendor } = await direct({}, { tokenSeconds: 0 });
    expect(await send(text('late'))).toMatchObject({ error: 'auth_error' });
    expect(tokens()).toBe(2);
    expect(vendor.requests.length).toBe(4);
  });

  it.each([64, 40])('proves itself by a certificate with a thumbprint of %i digits', async (digits) => {
    verifies('PV-01');
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const thumbprint = 'Ab'.repeat(digits / 2);
    const certificate = { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string, thumbprint };
    const certificatePrivateKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const vendor = await TeamsEmulator.start({ certificate });
    opened.push(vendor);
    const { appPassword: _, ...config } = configOf(vendor);
    const person = vendor.conversation('ada');
    const setup = { to: person.id, channelType: 'teams', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
    const provider = new BotFrameworkTeamsProvider({ ...config, certificateThumbprint: thumbprint, certificatePrivateKey });
    expect(await provider.send(requestOf(setup, 'Hello', answeredAt(person.id, vendor.serviceUrl)))).toMatchObject({ success: true });
    expect(inspect(provider, { depth: 9, showHidden: true })).not.toContain('PRIVATE KEY');
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const wrong = new BotFrameworkTeamsProvider({ ...config, certificateThumbprint: thumbprint, certificatePrivateKey: other });
    expect(await wrong.send(requestOf(setup, 'Hello', answeredAt(person.id, vendor.serviceUrl)))).toMatchObject({
      error: 'auth_error',
      retryable: false,
      metadata: { code: 'AADSTS700027' },
    });
  });

  it('is told by its options what is wrong with them', () => {
    verifies('PV-01');
    const make =
      (config: object): (() => unknown) =>
      () =>
        new BotFrameworkTeamsProvider({ appId: 'an-app', appPassword: 'a-secret', ...config });
    expect(make({ tenantId: 'a/b' })).toThrow("tenantId of BotFrameworkTeamsProvider is 'a/b'");
    expect(make({ cloud: 'moon' })).toThrow("cloud of BotFrameworkTeamsProvider is 'moon'");
    expect(make({ allowedServiceHosts: ['https://x.example/'] })).toThrow("'https://x.example/'. Give a host");
    expect(make({ certificateThumbprint: 'ab' })).toThrow('both certificatePrivateKey and certificateThumbprint');
    expect(make({ appPasword: 'x' })).toThrow('appPasword');
    expect(() => new BotFrameworkTeamsProvider({ appId: 'an-app' })).toThrow('TEAMS_APP_PASSWORD');
    expect(() => new BotFrameworkTeamsProvider({ appPassword: 'x' })).toThrow('has no appId');
  });
});

const FIXTURES = new URL('../../src/providers/teams/fixtures/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, FIXTURES), 'utf8')) as unknown;
const saidIn = (name: string): Extract<WebhookMeta, { type: 'message' }>['message'][] =>
  parseTeamsWebhook(fixture(name)).flatMap((meta) => (meta.type === 'message' ? [meta.message] : []));
const PERSONAL =
  'a:17I0kl9EkpE1O9PH5TWrzrLNwnWWcfrU7QZjKR0WSfOpzbfcAg2IaydGElSo10tVr4C7Fc6GtieTJX663WuJCc1uA83n4CSrHSgGBj5XNYLcVlJAs2ZX8DbYBPck201w-';
const CHANNEL = '19:253b1f341670408fb6fe51050b6e5ceb@thread.tacv2';

describe('what its activities say', () => {
  it('reads who wrote what, with entities as characters and the id of the conversation in its own', () => {
    verifies('PV-07', 'PV-08');
    const [message] = saidIn('personal');
    expect(message).toMatchObject({
      content: { type: 'text', body: 'Hello & good morning, 2 < 3' },
      idempotencyKey: `${PERSONAL}|1485983408511`,
      externalId: `${PERSONAL}|1485983408511`,
      metadata: {
        sender_name: 'Megan Bowen',
        conversation_id: PERSONAL,
        conversation_type: 'personal',
        is_group: false,
        bot_mentioned: true,
        service_url: 'https://smba.trafficmanager.net/emea/',
        tenant_id: '72f988bf-86f1-41af-91ab-2d7cd011db47',
        timestamp: '2026-11-25T12:00:00.123Z',
      },
    });
  });

  it('leaves its own mention out of a group, and names the others', () => {
    verifies('PV-08');
    const [message] = saidIn('channel');
    expect(message?.content).toEqual({ type: 'text', body: 'ask Larry Jin about it' });
    expect(message?.metadata).toMatchObject({ is_group: true, bot_mentioned: true, conversation_type: 'channel' });
    expect(message?.externalId).toBe(`${CHANNEL}|1485983194839`);
  });

  it('reads files and pictures, and takes the copy as HTML for none', () => {
    verifies('PV-08');
    expect(saidIn('files')[0]?.content).toEqual({
      type: 'composite',
      parts: [
        { type: 'text', body: 'as agreed' },
        { type: 'media', url: 'https://contoso.sharepoint.com/download?id=1150D938', mimeType: 'text/plain', filename: 'file_example.txt' },
        { type: 'media', url: 'https://smba.trafficmanager.net/emea/v3/attachments/0-weu-d3-1/views/original', mimeType: 'application/octet-stream' },
      ],
    });
  });

  it('takes what was tapped for text with an action, also from cards of your own', () => {
    verifies('PV-08');
    expect(saidIn('submit')[0]).toMatchObject({
      content: { type: 'text', body: 'Yes, please' },
      metadata: { action: { id: 'yes', value: 'resend', kind: 'reply' }, target_external_id: `${PERSONAL}|1485983408513` },
    });
    expect(saidIn('foreign-submit')[0]).toMatchObject({
      content: { type: 'text', body: 'order' },
      metadata: { action: { id: 'order', value: '{"action":"order","size":"L"}', kind: 'reply' }, inputs: { action: 'order', size: 'L' } },
    });
  });

  it('reads edits, deletes and reactions, and leaves out the rest with its reason', () => {
    verifies('PV-06', 'PV-07');
    const target = `${PERSONAL}|1485983408511`;
    expect(saidIn('update')[0]).toMatchObject({
      content: { type: 'edit', targetEventId: target, newContent: { type: 'text', body: 'Hello again' } },
      metadata: { target_external_id: target },
    });
    expect(saidIn('delete')[0]?.content).toEqual({ type: 'delete', targetEventId: target, deleteType: 'sender' });
    expect(saidIn('update')[0]?.idempotencyKey).not.toBe(saidIn('personal')[0]?.idempotencyKey);
    const reactions = saidIn('reaction');
    expect(reactions.map(({ metadata }) => [metadata?.['action'], metadata?.['emoji'], metadata?.['reaction_type']])).toEqual([
      ['add', '👍', 'like'],
      ['add', '👋', '1f44b_wavinghand-tone4'],
      ['add', '👀', '1f440_eyes'],
      ['remove', '❤️', 'heart'],
    ]);
    expect(reactions.every(({ eventType }) => eventType === 'reaction')).toBe(true);
    expect(new Set(reactions.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(4);
    const reasonOf = (name: string): unknown => parseTeamsWebhook(fixture(name)).map((meta) => (meta.type === 'ignored' ? meta.reason : meta.type));
    expect(['undelete', 'bot-added', 'invoke', 'installation'].flatMap(reasonOf)).toEqual([
      'undeleteMessage',
      'the bot was added',
      'invoke adaptiveCard/action',
      'activity installationUpdate',
    ]);
  });

  it('says where it was added', () => {
    verifies('PV-08');
    expect(isBotAdded(fixture('bot-added'))).toBe(true);
    expect(isBotAdded(fixture('bot-added'), '28:another')).toBe(false);
    expect(isBotAdded(fixture('personal'))).toBe(false);
    expect(parseTeamsActivity(fixture('bot-added'))).toEqual({
      activityType: 'conversationUpdate',
      conversationId: `${CHANNEL};messageid=1485983194839`,
      conversationType: 'channel',
      isGroup: true,
      serviceUrl: 'https://smba.trafficmanager.net/emea/',
      tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      senderId: '29:1XJKJMvc5GBtc2JwZq0oj8tHZmzrQgFmB25ATiQWA85gQtHieVkKilBZ9XHoq9j7Zaqt7CZ-NJWi7me2kHTL3Bw',
      senderName: 'Megan Bowen',
      botId: '28:c9e8c047-2a74-40a2-b28a-b162d5f5327c',
      membersAdded: ['28:c9e8c047-2a74-40a2-b28a-b162d5f5327c'],
      membersRemoved: [],
    });
  });

  it('reads without harm whatever a stranger makes of its payloads', () => {
    verifies('PV-06');
    const whole = readdirSync(FIXTURES).flatMap((name) => (name.endsWith('.json') ? [fixture(name.slice(0, -'.json'.length)) as object] : []));
    const strange = fc.oneof(fc.anything(), fc.constantFrom(...whole));
    fc.assert(
      fc.property(
        fc.constantFrom(...whole),
        fc.dictionary(fc.constantFrom(...Object.keys(whole[0] ?? {}), 'value', 'replyToId'), strange),
        (payload, changes) => {
          for (const meta of parseTeamsWebhook({ ...payload, ...changes }))
            if (meta.type === 'message') expect([typeof meta.message.senderId, meta.message.idempotencyKey !== '']).toEqual(['string', true]);
        },
      ),
      { numRuns: 500 },
    );
    fc.assert(fc.property(fc.anything(), (payload) => parseTeamsWebhook(payload).every(({ type }) => type === 'ignored')));
  });
});

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

describe('pictures of people', () => {
  it('are asked for with the token, at the connector and nowhere else', async () => {
    verifies('MED-01', 'PV-14');
    const { provider, person, vendor } = await direct();
    vendor.webhookUrl = `${vendor.url}/nobody`;
    await person.sendPicture(new Uint8Array([0x89, 0x50]));
    const call = JSON.parse(String(vendor.webhookCalls[0]?.body)) as { attachments: { contentUrl: string }[] };
    const asked: (MediaFetchOptions | undefined)[] = [];
    const fetched: MediaFetch = async (url, options) => {
      asked.push(options);
      const response = await fetch(url, { headers: { ...options?.credentials?.headers } });
      expect(response.status).toBe(200);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { data: once(bytes), mimeType: response.headers.get('content-type') ?? '' };
    };
    const { signal } = new AbortController();
    const url = call.attachments[0]?.contentUrl ?? '';
    expect((await fetch(url)).status, 'without a token').toBe(401);
    expect((await provider.fetchMedia(url, { fetch: fetched, signal, mimeType: 'image/png' }))?.mimeType).toBe('image/png');
    expect(asked.pop()).toMatchObject({ mimeType: 'image/png', credentials: { hosts: [vendor.serviceHost] } });
    for (const other of [
      'https://evil.example/v3/attachments/1/views/original',
      'https://smba.trafficmanager.net.evil.example/v3/attachments/1/views/original',
      'https://smba.trafficmanager.net@evil.example/v3/attachments/1/views/original',
      'http://smba.trafficmanager.net/emea/v3/attachments/1/views/original',
      'https://smba.trafficmanager.net/emea/v3/conversations',
      'https://contoso.sharepoint.com/download?id=1150D938',
      'no address',
    ])
      expect(await provider.fetchMedia(other, { fetch: fetched, signal }), other).toBeNull();
    expect(asked).toEqual([]);
  });
});

describe('whom it believes', () => {
  interface Asked {
    readonly vendor: TeamsEmulator;
    readonly provider: BotFrameworkTeamsProvider;
    readonly keyRequests: () => number;
    /** Whether a call with this header is believed; `later` moves its time. */
    readonly believes: (authorization: string, changes?: object, laterMs?: number) => Promise<boolean>;
  }

  async function asked(options: TeamsEmulatorOptions = {}): Promise<Asked> {
    const { vendor, provider } = await direct({}, options);
    return {
      vendor,
      provider,
      keyRequests: () => vendor.requests.filter(({ path }) => path.endsWith('/keys')).length,
      believes: (authorization, changes = {}, laterMs = 0) =>
        provider.verify({
          method: 'POST',
          url: 'http://localhost/webhooks/teams',
          headers: new Headers({ authorization }),
          body: new TextEncoder().encode(JSON.stringify({ ...(fixture('personal') as object), serviceUrl: vendor.serviceUrl, ...changes })),
          receivedAt: Date.now() + laterMs,
        }),
    };
  }

  const now = (): number => Math.floor(Date.now() / 1000);
  const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const claimsOf = (vendor: TeamsEmulator): object => ({
    serviceurl: vendor.serviceUrl,
    nbf: now(),
    exp: now() + 3600,
    iss: 'https://api.botframework.com',
    aud: vendor.appId,
  });

  it('Microsoft', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    expect(await believes(vendor.bearer())).toBe(true);
    expect(await believes(vendor.bearer({ serviceurl: vendor.serviceUrl.replace(/\/$/, '') })), 'without the slash').toBe(true);
  });

  it('no token with alg none', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    const kid = JSON.parse(Buffer.from(vendor.bearer().split(/[ .]/)[1] ?? '', 'base64url').toString()) as { kid: string };
    const unsigned = `${encoded({ alg: 'none', typ: 'JWT', kid: kid.kid })}.${encoded(claimsOf(vendor))}`;
    expect(await believes(`Bearer ${unsigned}.`)).toBe(false);
    expect(await believes(`Bearer ${unsigned}.AAAA`)).toBe(false);
    expect(await believes(vendor.bearer({}, { alg: 'none' }))).toBe(false);
  });

  it('no token with HS256, not even one signed with the public key', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    const { keys } = (await (await fetch(`${vendor.url}/v1/.well-known/keys`)).json()) as { keys: { kid: string; n: string; e: string }[] };
    const [key] = keys;
    const pem = createPublicKey({ key: { kty: 'RSA', n: key?.n ?? '', e: key?.e ?? '' }, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const signed = `${encoded({ alg: 'HS256', typ: 'JWT', kid: key?.kid })}.${encoded(claimsOf(vendor))}`;
    for (const secret of [pem, key?.n ?? '', vendor.appPassword])
      expect(await believes(`Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)).toBe(false);
  });

  it('no token for another bot', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    for (const aud of ['another-app', '', undefined, ['another-app']]) expect(await believes(vendor.bearer({ aud }))).toBe(false);
  });

  it('no token of another issuer', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    for (const iss of ['https://sts.windows.net/x/', 'https://api.botframework.us', 'https://api.botframework.com.evil.example', undefined])
      expect(await believes(vendor.bearer({ iss }))).toBe(false);
  });

  it('no token that has expired, or is not valid yet, by more than five minutes', async () => {
    verifies('PV-10');
    const { believes, vendor } = await asked();
    const token = vendor.bearer({ nbf: now(), exp: now() + 60 });
    expect(await believes(token, {}, 350_000)).toBe(true);
    expect(await believes(token, {}, 370_000)).toBe(false);
    expect(await believes(token, {}, -290_000)).toBe(true);
    expect(await believes(token, {}, -310_000)).toBe(false);
    expect(await believes(vendor.bearer({ exp: undefined })), 'one that never expires').toBe(false);
  });

  it('no token with a forged serviceUrl', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked();
    const forged = 'https://smba.trafficmanager.net/amer/';
    expect(await believes(vendor.bearer(), { serviceUrl: forged }), 'in the activity').toBe(false);
    expect(await believes(vendor.bearer({ serviceurl: forged })), 'in the token').toBe(false);
    expect(await believes(vendor.bearer({ serviceurl: undefined })), 'in no token').toBe(false);
    expect(await believes(vendor.bearer({ serviceurl: 'https://evil.example' }), { serviceUrl: 'https://evil.example' }), 'in both').toBe(false);
    expect(await believes(vendor.bearer({ serviceurl: forged }), { serviceUrl: forged }), 'a true one of another region').toBe(true);
  });

  it('no key that is not endorsed for the channel', async () => {
    verifies('PV-09');
    const { believes, vendor } = await asked({ endorsements: ['webchat'] });
    expect(await believes(vendor.bearer())).toBe(false);
    expect(await believes(vendor.bearer(), { channelId: 'webchat' })).toBe(true);
    expect(await believes(vendor.bearer(), { channelId: undefined })).toBe(false);
  });

  it('no unknown key, for which Microsoft is asked every five minutes at most; a new one is found', async () => {
    verifies('PV-09');
    const { believes, vendor, keyRequests } = await asked();
    expect(await believes(vendor.bearer())).toBe(true);
    expect(await believes(vendor.bearer())).toBe(true);
    expect(keyRequests()).toBe(1);
    const strangers = Array.from({ length: 5 }, (_, at) => vendor.bearer({}, { kid: `stranger-${at}` }));
    for (const stranger of strangers) expect(await believes(stranger)).toBe(false);
    expect(keyRequests()).toBe(1);
    for (const stranger of strangers) expect(await believes(stranger, {}, 301_000)).toBe(false);
    expect(keyRequests()).toBe(2);
    const before = vendor.bearer();
    vendor.rotateKeys();
    expect(await believes(before, {}, 302_000), 'the old key until others are asked for').toBe(true);
    expect(await believes(vendor.bearer(), {}, 602_000)).toBe(true);
    expect(keyRequests()).toBe(3);
    expect(await believes(before, {}, 603_000), 'a key that is published no more').toBe(false);
  });

  it('no key that is older than a day, and nobody while the keys cannot be read', async () => {
    verifies('PV-09');
    const { believes, vendor, keyRequests } = await asked();
    vendor.fail({ status: 503, path: '/openidconfiguration' });
    expect(await believes(vendor.bearer())).toBe(false);
    expect(await believes(vendor.bearer({ exp: now() + 200_000 }))).toBe(true);
    expect(keyRequests()).toBe(1);
    expect(await believes(vendor.bearer({ exp: now() + 200_000 }), {}, 24 * 3_600_000 + 1000)).toBe(true);
    expect(keyRequests()).toBe(2);
  });
});

endToEnd(openTeams, (provider) => new TeamsChannel('sms', { provider }));

describe('a conversation', () => {
  interface Talk extends VendorScene {
    readonly vendor: TeamsEmulator;
    readonly person: TeamsConversation;
  }

  async function talk({ group }: { readonly group?: string } = {}): Promise<Talk> {
    const vendor = await TeamsEmulator.start();
    opened.push(vendor);
    const person = vendor.conversation('ada', group === undefined ? {} : { group });
    const provider = new BotFrameworkTeamsProvider(configOf(vendor));
    const channel = new TeamsChannel('teams', { provider });
    const scene = await openVendorScene({ channel, provider, recipient: { teams_conversation_id: person.id } });
    opened.push(scene);
    vendor.webhookUrl = scene.webhookUrl;
    return { ...scene, vendor, person };
  }

  it('goes there and back: a tap names what it answers, and an answer names its message', async () => {
    verifies('INB-29', 'INB-30');
    const { person, say, kit } = await talk();
    const { id, status } = await person.write('My parcel is not here.');
    expect(status).toBe(200);
    const { event } = await say({
      type: 'rich',
      body: 'Shall we send it again?',
      quickReplies: [{ id: 'yes', label: 'Yes, please', value: 'resend' }],
    });
    expect(await person.waitFor('again')).toMatchObject({ replyToId: id });
    expect((await person.tap('Yes, please')).status).toBe(200);
    const [tapped] = (await kit.getTimeline('room')).slice(-1);
    expect(tapped).toMatchObject({
      content: { body: 'Yes, please' },
      metadata: { action: { id: 'yes', value: 'resend', kind: 'reply', source_event_id: event?.id } },
      parentEventId: event?.id,
    });
  });

  it('changes on both sides, and takes back', async () => {
    verifies('EDT-06');
    const { person, say, kit } = await talk();
    const written = await person.write('Tommorow');
    await person.edit(written.id, 'Tomorrow');
    const [own] = (await kit.getTimeline('room')).filter(({ type, source }) => type === 'message' && source.channelId === 'teams');
    expect(own).toMatchObject({ content: { type: 'text', body: 'Tomorrow' }, metadata: { edited: true } });
    const { event } = await say('At nein');
    await person.waitFor('At nein');
    await say({ type: 'edit', targetEventId: event?.id ?? '', newContent: { type: 'text', body: 'At nine' } });
    await until(() => person.messages[0]?.text === 'At nine', 'the correction arrives');
    await say({ type: 'delete', targetEventId: event?.id ?? '' });
    await until(() => person.messages.length === 0, 'it is taken back');
    await person.remove(written.id);
    expect((await kit.getTimeline('room')).find(({ id }) => id === own?.id)?.metadata['deleted']).toBe(true);
  });

  it('carries reactions both ways, and shows that somebody types', async () => {
    verifies('INB-25', 'INB-29');
    const { person, say, kit } = await talk();
    const heard: unknown[] = [];
    await kit.subscribeRoom('room', (event) => void heard.push([event.type, event.data['emoji'], event.data['event_id']]));
    const { id } = await person.write('Hello');
    const [hello] = (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
    const { event } = await say('Hello yourself');
    const { id: answerId } = await person.waitFor('yourself');
    expect(await person.react(answerId, 'heart')).toBe(200);
    await until(() => heard.length > 0, 'the reaction is heard');
    expect(heard).toContainEqual(['reaction', '❤️', event?.id]);
    await kit.publishReaction('room', 'colleague', hello?.id ?? '', '👍');
    await until(() => person.reactions.get(id)?.has('like') === true, 'the reaction arrives');
    await kit.publishTyping('room', 'colleague');
    await until(() => person.isTypingShown, 'typing is shown');
  });

  it('knows after a restart how to answer what stands in the timeline', async () => {
    verifies('PV-04');
    const { person, vendor, kit } = await talk();
    await person.write('Hello');
    const [hello] = (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
    const restarted = new BotFrameworkTeamsProvider(configOf(vendor)); // it has heard of nobody
    const setup = { to: person.id, channelType: 'teams', mediaTypes: [], defaults: {} } as unknown as TransportSetup;
    expect(await restarted.send(requestOf(setup, 'Still here'))).toMatchObject({ error: 'no_conversation_reference' });
    expect(await restarted.send(requestOf(setup, 'Still here', { answered: () => hello }))).toMatchObject({ success: true });
    await person.waitFor('Still here');
  });

  it('shows after a restart that somebody types, and reacts, where the timeline says that the conversation is', async () => {
    verifies('EPH-03');
    const { person, vendor, kit } = await talk();
    const { id } = await person.write('Hello');
    const [hello] = (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
    await kit.unregisterChannel('teams');
    kit.registerChannel(new TeamsChannel('teams', { provider: new BotFrameworkTeamsProvider(configOf(vendor)) })); // it has heard of nobody
    await kit.publishTyping('room', 'colleague');
    await until(() => person.isTypingShown, 'typing is shown');
    await kit.publishReaction('room', 'colleague', hello?.id ?? '', '👍');
    await until(() => person.reactions.get(id)?.has('like') === true, 'the reaction arrives');
  });

  it('greets where it was added, before anybody has written', async () => {
    verifies('PV-06');
    const { person, say } = await talk();
    expect(await person.install()).toBe(200);
    await say('Hello, how can we help?');
    await person.waitFor('how can we help');
  });

  it('is spoken to by its name in groups', async () => {
    verifies('PV-08');
    const { person, kit, say } = await talk({ group: 'Parcels' });
    await person.write('is it <here> & now?');
    const [message] = (await kit.getTimeline('room')).filter(({ type }) => type === 'message');
    expect(message).toMatchObject({ content: { body: 'is it <here> & now?' }, metadata: { is_group: true, bot_mentioned: true } });
    await say('It is');
    await person.waitFor('It is');
  });

  it('answers Microsoft with an empty body', async () => {
    verifies('WHK-03');
    const { person, vendor } = await talk();
    await person.write('Hello');
    await person.happen({ type: 'invoke', id: 'f:1', name: 'adaptiveCard/action' });
    expect(vendor.webhookCalls.map(({ status, answer }) => [status, answer])).toEqual([
      [200, ''],
      [200, ''],
    ]);
  });

  it('fails for good when the person has blocked it', async () => {
    verifies('OUT-06', 'PV-12');
    const { person, say, rows } = await talk();
    await person.write('Goodbye');
    person.isBlocked = true;
    await say('Wait');
    await until(async () => (await rows())[0]?.state === 'failed', 'the delivery has failed');
    expect((await rows())[0]).toMatchObject({ attempts: 1, lastError: { code: 'teams_ConversationBlockedByUser', retryable: false } });
  });
});

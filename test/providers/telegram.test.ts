/** What is Telegram's own: what each content becomes, limits, changes, the webhook's updates; over real sockets to its emulator. */
import { readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { TelegramEmulator, type TelegramChat, type TelegramEmulatorOptions } from '../../src/emulators/index.js';
import { TelegramChannel, type EventContent, type TransportRequest, type WebhookMeta } from '../../src/index.js';
import { parseTelegramUpdate, TelegramBotProvider, type TelegramConfig } from '../../src/providers/telegram/index.js';
import { requestOf, type TransportSetup } from '../../src/testing/contracts/transport-case.js';
import { TestClock } from '../../src/testing/index.js';
import { verifies } from '../requirements.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

interface Scene {
  readonly vendor: TelegramEmulator;
  readonly provider: TelegramBotProvider;
  readonly chat: TelegramChat;
  readonly clock: TestClock;
  readonly send: (content: EventContent | string, more?: Partial<TransportRequest>) => ReturnType<TelegramBotProvider['send']>;
  /** The methods that were called, with their parameters. */
  readonly calls: () => readonly (readonly [method: string, parameters: Record<string, unknown>])[];
}

async function scene(config: TelegramConfig = {}, options: TelegramEmulatorOptions = {}): Promise<Scene> {
  const vendor = await TelegramEmulator.start(options);
  const clock = new TestClock();
  const provider = new TelegramBotProvider({ botToken: vendor.botToken, baseUrl: vendor.url, clock, ...config });
  open.push(
    () => provider.close(),
    () => vendor.close(),
  );
  const chat = vendor.chat('ada');
  const { capabilities } = new TelegramChannel('telegram');
  const setup = { to: String(chat.id), channelType: 'telegram', mediaTypes: capabilities.mediaTypes } as TransportSetup; // what requests are made of
  return {
    vendor,
    provider,
    chat,
    clock,
    send: (content, more) => {
      const request = requestOf(setup, content, more);
      return provider.send({ ...request, binding: { ...request.binding, capabilities } });
    },
    calls: () => vendor.requests.map(({ path, body }) => [path.split('/').at(-1) ?? '', (body ?? {}) as Record<string, unknown>] as const),
  };
}

const media = (url: string, mimeType: string, caption?: string): EventContent => ({
  type: 'media',
  url,
  mimeType,
  ...(caption !== undefined && { caption }),
});
const DATA = `data:image/png;base64,${Buffer.from('picture').toString('base64')}`;

describe('text', () => {
  it('sends markdown as entities that count as Telegram counts, and never asks it to read any', async () => {
    verifies('F26', 'PV-04');
    const { send, chat, calls } = await scene();
    await send({ type: 'rich', body: '👍 **Paid**: _5 €_ & <b>no tag</b>, see [the bill](https://a.example/?a=1&b=2)' });
    expect(chat.messages[0]).toMatchObject({
      text: '👍 Paid: 5 € & <b>no tag</b>, see the bill',
      looks: ['bold:Paid', 'italic:5 €', 'text_link:the bill'],
    });
    expect(calls().every(([, parameters]) => !('parse_mode' in parameters))).toBe(true);
  });

  it('leaves text as it stands, unless told that it is markdown', async () => {
    const plain = await scene();
    await plain.send('**not** _read_');
    expect(plain.chat.messages[0]).toMatchObject({ text: '**not** _read_', looks: [] });
    const formatted = await scene({ formatsText: true, linkPreviews: false });
    await formatted.send('**read** https://a.example');
    expect(formatted.chat.messages[0]).toMatchObject({ text: 'read https://a.example', looks: ['bold:read'] });
    expect(formatted.calls()[0]?.[1]).toMatchObject({ link_preview_options: { is_disabled: true } });
  });

  it('shows HTML by its words', async () => {
    const { send, chat } = await scene();
    await send({ type: 'rich', format: 'html', body: '<p>Paid &amp; <b>sent</b></p>' });
    expect(chat.messages[0]).toMatchObject({ text: 'Paid & sent', looks: [] });
  });

  it('sends what several contents make together in parts of 4096, in order', async () => {
    verifies('F26');
    const { send, chat } = await scene();
    await send({
      type: 'composite',
      parts: [
        { type: 'text', body: 'a'.repeat(4000) },
        { type: 'text', body: `${'b'.repeat(200)} end` },
      ],
    });
    expect(chat.messages.map(({ text }) => text.length)).toEqual([4000, 204]);
  });
});

describe('files', () => {
  it.each([
    ['image/png', 'https://f.example/a.png', 'photo'],
    ['image/gif', 'https://f.example/a.gif', 'animation'],
    ['image/svg+xml', 'https://f.example/a.pdf', 'document'],
    ['audio/ogg', 'https://f.example/a.ogg', 'voice'],
    ['audio/mpeg', 'https://f.example/a.mp3', 'audio'],
    ['video/mp4', 'https://f.example/a.mp4', 'video'],
    ['application/pdf', 'https://f.example/a.pdf', 'document'],
  ])('sends %s as what Telegram calls it', async (mimeType, url, kind) => {
    const { send, chat } = await scene();
    expect(await send(media(url, mimeType, 'See **this**'))).toMatchObject({ success: true });
    expect(chat.messages[0]).toMatchObject({ kind, mediaUrl: url, text: 'See **this**' });
  });

  it('uploads what is no address', async () => {
    verifies('PV-05');
    const { send, chat } = await scene();
    expect(await send(media(DATA, 'image/png', 'Here'))).toMatchObject({ success: true });
    expect(chat.messages[0]).toMatchObject({ kind: 'photo', text: 'Here' });
    expect(Buffer.from(chat.messages[0]?.bytes ?? []).toString()).toBe('picture');
    expect(await send(media('data:broken', 'image/png'))).toMatchObject({ success: false, error: 'media_not_supported' });
  });

  it('gives the address of what Telegram does not take by its address', async () => {
    const { send, chat } = await scene();
    expect(await send(media('https://f.example/list.csv', 'text/csv', 'The list'))).toMatchObject({ success: true });
    expect(chat.messages).toMatchObject([{ kind: 'text', text: 'The list\nhttps://f.example/list.csv' }]);
  });

  it('gives Telegram its own files by their id', async () => {
    const { send, chat, vendor, provider } = await scene();
    await provider.registerWebhook('http://127.0.0.1:1/');
    await chat.writePhoto({ caption: 'mine' });
    const update = JSON.parse(String(vendor.webhookCalls[0]?.body)) as unknown;
    const [meta] = provider.parseUpdate(update);
    const content = meta?.type === 'message' ? meta.message.content : assertNever();
    expect(content).toMatchObject({ type: 'media', mimeType: 'image/jpeg', caption: 'mine' });
    expect(await send(content as EventContent)).toMatchObject({ success: true });
    expect(chat.messages.at(-1)).toMatchObject({ kind: 'photo', text: 'mine', isFromBot: true });
  });

  it('puts 1024 units of a caption below the file, and the rest after it', async () => {
    verifies('F26');
    const { send, chat } = await scene();
    const caption = `${'word '.repeat(203)}👍👍👍👍👍 tail`;
    expect(caption.length).toBeGreaterThan(1024);
    await send(media('https://f.example/a.png', 'image/png', caption));
    const [photo, rest] = chat.messages;
    expect(photo?.kind).toBe('photo');
    expect(photo?.text.length).toBeLessThanOrEqual(1024);
    expect(`${photo?.text} ${rest?.text}`).toBe(caption);
  });

  it('shows several files side by side, with their words before them', async () => {
    const { send, chat } = await scene();
    const result = await send({
      type: 'composite',
      parts: [
        { type: 'text', body: 'Three' },
        media('https://f.example/1.png', 'image/png', 'one'),
        media(DATA, 'image/png'),
        media('https://f.example/3.mp4', 'video/mp4'),
      ],
    });
    expect(chat.messages.map(({ kind, text }) => [kind, text])).toEqual([
      ['text', 'Three'],
      ['photo', 'one'],
      ['photo', ''],
      ['video', ''],
    ]);
    expect(new Set(chat.messages.slice(1).map(({ albumId }) => albumId)).size).toBe(1);
    expect(result.providerMessageId).toBe(`${chat.id}:1+2+3+4`);
  });

  it('sends one by one what cannot stand side by side', async () => {
    const { send, chat } = await scene();
    await send({ type: 'composite', parts: [media('https://f.example/1.png', 'image/png'), media('https://f.example/1.pdf', 'application/pdf')] });
    expect(chat.messages.map(({ kind, albumId }) => [kind, albumId])).toEqual([
      ['photo', undefined],
      ['document', undefined],
    ]);
  });

  it('doubles nothing when a later part fails and is tried again', async () => {
    verifies('PV-15');
    const { send, chat, vendor } = await scene();
    const content: EventContent = {
      type: 'composite',
      parts: [{ type: 'text', body: 'a'.repeat(2000) }, media('https://f.example/1.png', 'image/png')],
    };
    vendor.fail({ path: 'sendPhoto', status: 500 });
    const first = await send(content, { idempotencyKey: 'same' });
    expect(first).toMatchObject({ success: false, retryable: true });
    expect(await send(content, { idempotencyKey: 'same', attempt: 2 })).toMatchObject({ success: true, providerMessageId: `${chat.id}:1+2` });
    expect(chat.messages.map(({ kind }) => kind)).toEqual(['text', 'photo']);
  });
});

describe('places', () => {
  it('shows a place with its name, or alone', async () => {
    const { send, chat } = await scene();
    await send({ type: 'location', latitude: 1.5, longitude: 2 });
    await send({ type: 'location', latitude: 1.5, longitude: 2, label: 'Depot' });
    await send({ type: 'location', latitude: 1.5, longitude: 2, label: 'Depot', address: 'Harbour 1' });
    expect(chat.messages.map(({ kind, location }) => [kind, location?.title])).toEqual([
      ['location', undefined],
      ['venue', 'Depot'],
      ['venue', 'Depot'],
    ]);
  });
});

describe('buttons', () => {
  it('puts buttons below the message, numbers to call into it', async () => {
    const { send, chat, calls } = await scene();
    await send({
      type: 'rich',
      body: 'Choose',
      buttons: [
        { id: 'yes', label: 'Yes', kind: 'reply', value: 'ok' },
        { id: 'site', label: 'Site', kind: 'url', url: 'https://a.example' },
        { id: 'call', label: 'Call us', kind: 'call', phone: '+15550100' },
      ],
      quickReplies: ['Later'],
    });
    expect(chat.messages[0]).toMatchObject({ text: 'Choose\nCall us: +15550100', buttons: ['Yes', 'Site', 'Later'] });
    expect(calls()[0]?.[1]['reply_markup']).toEqual({
      inline_keyboard: [
        [{ text: 'Yes', callback_data: 'yes\u001fok' }],
        [{ text: 'Site', url: 'https://a.example' }],
        [{ text: 'Later', callback_data: 'Later' }],
      ],
    });
  });

  it('never gives more than 64 bytes with a button, nor half a letter', async () => {
    verifies('F26');
    const { send, calls } = await scene();
    const id = `${'é'.repeat(31)}x👍👍`;
    await send({ type: 'rich', body: 'Choose', buttons: [{ id, label: 'One', kind: 'reply', value: 'v' }] });
    const markup = calls()[0]?.[1]['reply_markup'] as { inline_keyboard: { callback_data: string }[][] };
    expect(markup.inline_keyboard[0]?.[0]?.callback_data).toBe(`${'é'.repeat(31)}x`);
  });

  it('puts suggested answers in place of the letters, and asks where somebody is only where that can be asked', async () => {
    const { send, chat, vendor } = await scene();
    await send({ type: 'rich', body: 'When?', quickReplies: ['Today', { id: 't', label: 'Tomorrow' }] });
    expect(chat.keys).toEqual(['Today', 'Tomorrow']);
    await send({ type: 'rich', body: 'Where?', buttons: [{ id: 'l', label: 'Here', kind: 'location_request' }], quickReplies: ['No'] });
    expect(chat.keys).toEqual(['Here', 'No']);
    const group = vendor.groupChat('ada', 'Family');
    await send({ type: 'rich', body: 'Where?', buttons: [{ id: 'l', label: 'Here', kind: 'location_request' }] }, { to: String(group.id) });
    expect(group.messages[0]?.text).toBe('Where?\nHere');
  });

  it('puts the buttons of an album below its words', async () => {
    const { send, chat } = await scene();
    const rich: EventContent = { type: 'rich', body: 'Which?', buttons: [{ id: '1', label: 'First', kind: 'reply' }] };
    await send({ type: 'composite', parts: [rich, media('https://f.example/1.png', 'image/png'), media('https://f.example/2.png', 'image/png')] });
    expect(chat.messages.map(({ kind, buttons }) => [kind, buttons])).toEqual([
      ['text', ['First']],
      ['photo', []],
      ['photo', []],
    ]);
  });
});

describe('changes', () => {
  const edit = (newContent: EventContent): EventContent => ({ type: 'edit', targetEventId: 'event', newContent });
  const text = (body: string): EventContent => ({ type: 'text', body });
  const remove: EventContent = { type: 'delete', targetEventId: 'event' };

  it('changes a text, a caption and a picture in their place', async () => {
    const { send, chat } = await scene();
    const said = await send('Old');
    const shown = await send(media('https://f.example/1.png', 'image/png', 'Old caption'));
    const of = (result: { providerMessageId?: string }): Partial<TransportRequest> => ({ targetMessageId: result.providerMessageId ?? '' });
    expect(await send(edit({ type: 'rich', body: '**New**' }), of(said))).toMatchObject({ success: true });
    expect(await send(edit(text('New caption')), of(shown))).toMatchObject({ success: true });
    expect(chat.messages).toMatchObject([
      { text: 'New', looks: ['bold:New'], isEdited: true },
      { text: 'New caption', kind: 'photo', isEdited: true },
    ]);
    expect(await send(edit(media(DATA, 'image/png', 'Another')), of(shown))).toMatchObject({ success: true });
    expect(Buffer.from(chat.messages[1]?.bytes ?? []).toString()).toBe('picture');
    // The same again is no failure.
    expect(await send(edit({ type: 'rich', body: '**New**' }), of(said))).toMatchObject({ success: true });
    expect(chat.messages).toHaveLength(2);
  });

  it('says in words what it cannot change', async () => {
    const { send, chat } = await scene();
    await chat.write('Mine');
    expect(await send(edit(text('Yours')), { targetMessageId: `${chat.id}:1` })).toMatchObject({ success: true });
    expect(await send(edit(text('Lost')), { targetMessageId: `${chat.id}:77` })).toMatchObject({ success: true });
    expect(chat.messages.map(({ text: words }) => words)).toEqual(['Mine', 'Correction: Yours', 'Correction: Lost']);
  });

  it('deletes all that a message was, and is content when it is gone already', async () => {
    const { send, chat } = await scene();
    const album = await send({
      type: 'composite',
      parts: [text('Two'), media('https://f.example/1.png', 'image/png'), media('https://f.example/2.png', 'image/png')],
    });
    expect(chat.messages).toHaveLength(3);
    const target = { targetMessageId: album.providerMessageId ?? '' };
    expect(await send(remove, target)).toEqual({ success: true });
    expect(chat.messages).toEqual([]);
    expect(await send(remove, target)).toEqual({ success: true });
  });

  it('says so when somebody else’s message cannot be deleted', async () => {
    const { send, vendor } = await scene();
    const group = vendor.groupChat('ada', 'Family');
    await group.write('Mine');
    expect(await send(remove, { to: String(group.id), targetMessageId: `${group.id}:1` })).toMatchObject({ success: true });
    expect(group.messages.map(({ text: words }) => words)).toEqual(['Mine', '[Message deleted]']);
  });
});

describe('what is not stored', () => {
  it('shows typing again every four seconds, until it ends, a message goes, or it has lasted too long', async () => {
    verifies('EPH-03');
    const { provider, chat, clock, send } = await scene();
    const base = { to: String(chat.id), defaults: {}, binding: requestOf({ to: '', mediaTypes: [] } as unknown as TransportSetup, 'x').binding };
    await provider.sendEphemeral({ ...base, type: 'typing_start' });
    await clock.advance(4000);
    await chat.waitUntil(({ actions }) => actions.length === 2);
    await provider.sendEphemeral({ ...base, type: 'typing_stop' });
    await clock.advance(60_000);
    await provider.sendEphemeral({ ...base, type: 'typing_start' });
    await send('There');
    await clock.advance(60_000);
    expect(chat.actions).toEqual(['typing', 'typing', 'typing']);
    await provider.sendEphemeral({ ...base, type: 'typing_start' });
    for (let step = 0; step < 20; step++) await clock.advance(4000);
    await chat.waitUntil(({ actions }) => actions.length === 12);
    expect(chat.actions).toHaveLength(12); // three before, one at once, eight later
  });

  it('reacts, takes it back, and leaves out what is no reaction on Telegram', async () => {
    const { provider, chat, send } = await scene();
    const { providerMessageId: messageId = '' } = await send('Hello');
    const base = {
      to: String(chat.id),
      messageId,
      defaults: {},
      binding: requestOf({ to: '', mediaTypes: [] } as unknown as TransportSetup, 'x').binding,
    };
    await provider.sendEphemeral({ ...base, type: 'reaction', emoji: '❤️' });
    expect(chat.messages[0]?.reaction).toBe('❤');
    await provider.sendEphemeral({ ...base, type: 'reaction', emoji: '🧮' });
    expect(chat.messages[0]?.reaction).toBe('❤');
    await provider.sendEphemeral({ ...base, type: 'reaction', emoji: '❤️', isRemoved: true });
    expect(chat.messages[0]?.reaction).toBeUndefined();
  });
});

describe('limits and moves', () => {
  it('waits as long as Telegram says', async () => {
    verifies('F22');
    const { send } = await scene({}, { limits: { perSecondInChat: 1 } });
    expect(await send('one')).toMatchObject({ success: true });
    expect(await send('two')).toMatchObject({ success: false, error: 'rate_limit', retryable: true, retryAfterSeconds: 1 });
  });

  it('follows a group that has become a supergroup, and goes there at once from then on', async () => {
    const { send, vendor, calls } = await scene();
    const group = vendor.groupChat('ada', 'Family');
    const to = String(group.id);
    await send('before', { to });
    const moved = await vendor.upgradeGroup('Family');
    expect(await send('after', { to })).toMatchObject({ success: true, providerMessageId: `${moved}:2` });
    await send('again', { to });
    expect(
      vendor
        .groupChat('ada', 'Family')
        .messages.filter(({ isFromBot }) => isFromBot)
        .map(({ text: words }) => words),
    ).toEqual(['after', 'again']);
    expect(
      calls()
        .filter(([method]) => method === 'sendMessage')
        .map(([, { chat_id }]) => String(chat_id)),
    ).toEqual([to, to, String(moved), String(moved)]);
  });

  it('tells a chat that is closed to it from a token that is wrong', async () => {
    verifies('PV-12', 'F20');
    const { send, vendor, chat } = await scene();
    vendor.block(chat);
    expect(await send('Hello')).toMatchObject({ success: false, error: 'telegram_403', retryable: false });
    expect(await send('Hello', { to: '99' })).toMatchObject({
      error: 'telegram_400',
      retryable: false,
      metadata: { message: 'Bad Request: chat not found' },
    });
  });
});

describe('the token', () => {
  it('shows nowhere, whatever goes wrong', async () => {
    verifies('F60', 'PV-01', 'PV-03', 'TEL-06');
    const token = '1:a-very-secret-token';
    const { vendor } = await scene();
    const provider = new TelegramBotProvider({ botToken: token, baseUrl: vendor.url, webhookSecret: 'hidden-secret' });
    const printed: unknown[] = [provider];
    const caught = async (work: Promise<unknown>): Promise<void> => void printed.push(await work.catch((error: unknown) => error));
    await caught(provider.registerWebhook('https://a.example'));
    await caught(provider.removeWebhook());
    vendor.fail({ cuts: true });
    await caught(provider.removeWebhook());
    vendor.fail({ status: 400, body: { ok: false, error_code: 400, description: `Bad Request: bot${token} hidden` } });
    await caught(provider.removeWebhook());
    for (const config of [{ botToken: `${token} x` }, { botToken: token, webhookSecret: 'hidden secret!' }, { botToken: token, baseUrl: 'ftp://x' }])
      try {
        new TelegramBotProvider(config);
      } catch (error) {
        printed.push(error);
      }
    expect(printed).toHaveLength(8);
    for (const value of printed) {
      const words = `${inspect(value, { depth: 10, showHidden: true })}\n${JSON.stringify(value)}\n${String(value)}`;
      expect(words).not.toContain('a-very-secret-token');
      expect(words).not.toContain('hidden-secret');
      expect(words).not.toContain('hidden secret!');
    }
  });

  it('makes a secret for the webhook that is the same in every process, and another for every bot', async () => {
    const { vendor, provider } = await scene();
    await provider.registerWebhook('http://127.0.0.1:1/webhooks/telegram');
    const secret = vendor.secretToken ?? '';
    const request = (value: string): Parameters<TelegramBotProvider['verify']>[0] => ({
      method: 'POST',
      url: 'https://a.example',
      headers: new Headers({ 'x-telegram-bot-api-secret-token': value }),
      body: new Uint8Array(),
      receivedAt: 0,
    });
    expect(secret).toMatch(/^[\w-]{32,}$/);
    expect(new TelegramBotProvider({ botToken: vendor.botToken }).verify(request(secret))).toBe(true);
    expect(new TelegramBotProvider({ botToken: '1:another' }).verify(request(secret))).toBe(false);
    expect(vendor.requests[0]?.body).toMatchObject({ allowed_updates: ['message', 'edited_message', 'callback_query', 'message_reaction'] });
    expect(() => new TelegramBotProvider({ botToken: 'no token' })).toThrow('@BotFather');
    expect(() => new TelegramBotProvider({ botTokn: '1:a' } as TelegramConfig)).toThrow("Did you mean 'botToken'?");
  });
});

const fixtures = new URL('../../src/providers/telegram/fixtures/', import.meta.url);
const fixture = (name: string): unknown => JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8')) as unknown;
const all = readdirSync(fixtures).map((file) => file.replace('.json', ''));

function messageIn(metas: readonly WebhookMeta[]) {
  const [meta] = metas;
  return meta?.type === 'message' ? meta.message : assertNever();
}

function assertNever(): never {
  throw new Error('There is no message.');
}

describe('updates', () => {
  it('reads a text: who wrote it, where, and whether the bot is meant', () => {
    verifies('PV-07', 'PV-08');
    const message = messageIn(parseTelegramUpdate(fixture('text'), { botId: 424242, username: 'parcel_bot' }));
    expect(message).toMatchObject({
      senderId: '5000001',
      content: { type: 'text', body: '@parcel_bot Où est mon colis ? 📦' },
      externalId: '-4000001:17',
      providerMessageId: '-4000001:17',
      idempotencyKey: '-4000001:17',
      metadata: {
        chat_id: '-4000001',
        chat_type: 'group',
        chat_title: 'Family',
        is_group: true,
        username: 'ada',
        sender_name: 'Ada Byron',
        reply_to_message_id: '12',
        bot_mentioned: true,
      },
    });
    expect(messageIn(parseTelegramUpdate(fixture('text'), { botId: 1, username: 'other_bot' })).metadata?.['bot_mentioned']).toBe(false);
    expect(message.rawPayload).toMatchObject({ update_id: 700000001 });
  });

  it.each([
    [
      'photo',
      { type: 'media', url: 'https://api.telegram.org/file/AgACAgIAAxkBLARGE', mimeType: 'image/jpeg', caption: 'The box', sizeBytes: 90210 },
    ],
    ['voice', { type: 'media', url: 'https://api.telegram.org/file/AwACAgIAAxkBVOICE', mimeType: 'audio/ogg', sizeBytes: 12000 }],
    [
      'document',
      { type: 'media', url: 'https://api.telegram.org/file/BQACAgIAAxkBDOC', mimeType: 'application/pdf', filename: 'bill.pdf', sizeBytes: 4096 },
    ],
    ['venue', { type: 'location', latitude: 48.8584, longitude: 2.2945, label: 'Eiffel Tower', address: 'Champ de Mars 5' }],
    ['contact', { type: 'text', body: 'Bob Fisher: +15550123' }],
  ])('reads a %s', (name, content) => {
    verifies('PV-08');
    expect(messageIn(parseTelegramUpdate(fixture(name))).content).toEqual(content);
  });

  it('reads an edit as one of the message it is of', () => {
    verifies('EDT-06');
    const message = messageIn(parseTelegramUpdate(fixture('edited')));
    expect(message).toMatchObject({
      content: { type: 'edit', targetEventId: '5000001:17', newContent: { type: 'text', body: 'Is it here?' } },
      metadata: { target_external_id: '5000001:17' },
      idempotencyKey: 'edit:5000001:17:700000009',
    });
  });

  it('reads a tap as its label and what it stands for', () => {
    const message = messageIn(parseTelegramUpdate(fixture('callback')));
    expect(message).toMatchObject({
      senderId: '5000001',
      content: { type: 'text', body: 'Send it again' },
      idempotencyKey: 'cb:4382bfdwdsb323b2d9',
      metadata: {
        action: { id: 'resend', value: 'A-7', kind: 'reply' },
        callback_query_id: '4382bfdwdsb323b2d9',
        target_external_id: '5000001:18',
        chat_id: '5000001',
      },
    });
  });

  it('reads reactions, one by one', () => {
    verifies('INB-25');
    const metas = parseTelegramUpdate(fixture('reaction'));
    expect(
      metas.map((meta) =>
        meta.type === 'message' ? [meta.message.eventType, meta.message.metadata?.['emoji'], meta.message.metadata?.['action']] : meta,
      ),
    ).toEqual([
      ['reaction', '👍', 'add'],
      ['reaction', '🔥', 'remove'],
    ]);
  });

  it('reads channels only when asked', () => {
    expect(parseTelegramUpdate(fixture('channel-post'))).toMatchObject([{ type: 'ignored' }]);
    expect(messageIn(parseTelegramUpdate(fixture('channel-post'), { takesChannelPosts: true }))).toMatchObject({
      senderId: '-1001234567890',
      metadata: { chat_type: 'channel' },
    });
  });

  it.each(['sticker', 'live-location', 'member', 'migration'])('makes no message of a %s', (name) => {
    expect(parseTelegramUpdate(fixture(name)).map(({ type }) => type)).toEqual(['ignored']);
  });

  it('stumbles over nothing that a stranger can make of any update', () => {
    verifies('PV-06');
    const strange = fc.constantFrom<unknown>(
      null,
      undefined,
      0,
      -1,
      1e308,
      true,
      '',
      'x',
      [],
      {},
      [[]],
      [null],
      '__proto__',
      { id: null },
      'x'.repeat(70_000),
    );
    fc.assert(
      fc.property(fc.constantFrom(...all), fc.array(fc.tuple(fc.nat(), strange), { maxLength: 4 }), (name, changes) => {
        let payload = fixture(name);
        for (const [at, value] of changes) payload = changed(payload, at, value);
        for (const meta of parseTelegramUpdate(payload, { botId: 1, username: 'x', takesChannelPosts: true })) {
          if (meta.type !== 'message') continue;
          expect(meta.message.senderId).toMatch(/./);
          expect(meta.message.idempotencyKey).toMatch(/./);
          expect(meta.message.metadata?.['chat_id']).toMatch(/./);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

/** The payload with one of its values, counted through, replaced. */
function changed(payload: unknown, at: number, by: unknown): unknown {
  const paths: (readonly (string | number)[])[] = [];
  const walk = (value: unknown, path: readonly (string | number)[]): void => {
    paths.push(path);
    if (typeof value === 'object' && value !== null) for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(payload, []);
  const copy = (value: unknown, [key, ...rest]: readonly (string | number)[]): unknown => {
    if (key === undefined) return by;
    if (Array.isArray(value)) return value.map((entry: unknown, index) => (String(index) === String(key) ? copy(entry, rest) : entry));
    return typeof value === 'object' && value !== null ? { ...value, [key]: copy((value as Record<string, unknown>)[key], rest) } : value;
  };
  return copy(payload, paths[at % paths.length] ?? []);
}

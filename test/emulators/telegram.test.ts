/** Telegram's emulator refuses what Telegram refuses, in its words, and brings updates as it does. */
import type { ApiError, Message, Update } from '@grammyjs/types';
import { afterEach, describe, expect, it } from 'vitest';
import { EMULATED_VENDORS, TelegramEmulator, type TelegramEmulatorOptions } from '../../src/emulators/index.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function start(options: TelegramEmulatorOptions = {}) {
  const telegram = await TelegramEmulator.start(options);
  open.push(() => telegram.close());
  const call = async (
    method: string,
    parameters: object = {},
    token = telegram.botToken,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${telegram.url}/bot${token}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { telegram, call, chat: telegram.chat('Ada') };
}

/** As Telegram's package describes it: what is not so does not compile. */
const refused = (error_code: number, description: string, parameters?: ApiError['parameters']): ApiError => ({
  ok: false,
  error_code,
  description,
  ...(parameters !== undefined && { parameters }),
});

describe('refusals', () => {
  it.each<[string, string, object, ApiError]>([
    ['a chat that is not there', 'sendMessage', { chat_id: 9, text: 'x' }, refused(400, 'Bad Request: chat not found')],
    ['no chat', 'sendMessage', { text: 'x' }, refused(400, 'Bad Request: chat_id is empty')],
    ['no text', 'sendMessage', { chat_id: 5000001, text: '  ' }, refused(400, 'Bad Request: message text is empty')],
    ['too long a text', 'sendMessage', { chat_id: 5000001, text: 'x'.repeat(4097) }, refused(400, 'Bad Request: message is too long')],
    [
      'too long a caption',
      'sendPhoto',
      { chat_id: 5000001, photo: 'https://a.example/a.png', caption: 'x'.repeat(1025) },
      refused(400, 'Bad Request: message caption is too long'),
    ],
    [
      'a file that is none',
      'sendPhoto',
      { chat_id: 5000001, photo: 'nothing' },
      refused(400, 'Bad Request: wrong file identifier/HTTP URL specified'),
    ],
    [
      'too much data with a button',
      'sendMessage',
      { chat_id: 5000001, text: 'x', reply_markup: { inline_keyboard: [[{ text: 'A', callback_data: 'x'.repeat(65) }]] } },
      refused(400, 'Bad Request: BUTTON_DATA_INVALID'),
    ],
    [
      'an entity in the middle of a letter',
      'sendMessage',
      { chat_id: 5000001, text: '👍 x', entities: [{ type: 'bold', offset: 1, length: 2 }] },
      refused(400, 'Bad Request: entity begins in a middle of a UTF-16 symbol at UTF-16 offset 1'),
    ],
    [
      'one file as an album',
      'sendMediaGroup',
      { chat_id: 5000001, media: [{ type: 'photo', media: 'https://a.example/a.png' }] },
      refused(400, 'Bad Request: media group must include 2-10 items'),
    ],
    ['an edit of nothing', 'editMessageText', { chat_id: 5000001, message_id: 9, text: 'x' }, refused(400, 'Bad Request: message to edit not found')],
    [
      'a letter that is no reaction',
      'setMessageReaction',
      { chat_id: 5000001, message_id: 1, reaction: [{ type: 'emoji', emoji: '🧮' }] },
      refused(400, 'Bad Request: REACTION_INVALID'),
    ],
    [
      'an answer to no tap',
      'answerCallbackQuery',
      { callback_query_id: '1' },
      refused(400, 'Bad Request: query is too old and response timeout expired or query ID is invalid'),
    ],
    ['a method that is none', 'sendNothing', {}, refused(404, 'Not Found: method not found')],
    [
      'a webhook without https',
      'setWebhook',
      { url: 'http://a.example' },
      refused(400, 'Bad Request: bad webhook: An HTTPS URL must be provided for webhook'),
    ],
    [
      'a secret with other letters',
      'setWebhook',
      { url: 'https://a.example', secret_token: 'a b' },
      refused(400, 'Bad Request: secret token contains unallowed characters'),
    ],
  ])('says of %s what Telegram says', async (_, method, parameters, expected) => {
    const { call, chat } = await start();
    await chat.write('Hello');
    expect(await call(method, parameters)).toEqual({ status: expected.error_code, body: expected });
  });

  it('knows its own token only', async () => {
    const { call } = await start();
    expect((await call('getMe', {}, '1:another')).body).toEqual(refused(401, 'Unauthorized'));
    expect((await call('getMe', {}, 'nonsense')).body).toEqual(refused(404, 'Not Found'));
    expect((await call('getMe')).body['result']).toMatchObject({ id: 424242, is_bot: true, username: 'test_bot' });
  });

  it('keeps the pace that Telegram names', async () => {
    const { call, chat } = await start({ limits: {} });
    const message = { chat_id: chat.id, text: 'x' };
    expect((await call('sendMessage', message)).status).toBe(200);
    expect(await call('sendMessage', message)).toEqual({ status: 429, body: refused(429, 'Too Many Requests: retry after 1', { retry_after: 1 }) });
  });
});

describe('updates', () => {
  const resultOf = (body: Record<string, unknown>): readonly Update[] => body['result'] as readonly Update[]; // asserted piece by piece below

  it('come again until what is behind them is asked for', async () => {
    const { call, chat } = await start();
    await chat.write('one');
    await chat.write('two');
    const [first, second] = resultOf((await call('getUpdates')).body);
    const message: Partial<Message> | undefined = first?.message;
    expect(message).toMatchObject({ message_id: 1, text: 'one', chat: { id: chat.id, type: 'private' }, from: { is_bot: false } });
    expect(second?.update_id).toBe((first?.update_id ?? 0) + 1);
    expect(resultOf((await call('getUpdates')).body)).toHaveLength(2);
    expect(resultOf((await call('getUpdates', { offset: second?.update_id })).body).map(({ message: left }) => left?.text)).toEqual(['two']);
    expect(resultOf((await call('getUpdates', { offset: (second?.update_id ?? 0) + 1 })).body)).toEqual([]);
  });

  it('are waited for, by one program at a time, and not beside a webhook', async () => {
    const { call, chat, telegram } = await start();
    const waiting = call('getUpdates', { timeout: 30 });
    while (telegram.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const other = call('getUpdates', { timeout: 30 });
    expect((await waiting).body).toEqual(
      refused(409, 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'),
    );
    await chat.write('Hello');
    expect(resultOf((await other).body)).toHaveLength(1);
    await call('setWebhook', { url: 'https://a.example/' });
    expect((await call('getUpdates')).body).toEqual(
      refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"),
    );
    expect((await call('getWebhookInfo')).body['result']).toMatchObject({ url: 'https://a.example/', has_custom_certificate: false });
    await call('deleteWebhook', { drop_pending_updates: true });
    expect(resultOf((await call('getUpdates')).body)).toEqual([]);
  });

  it('tell of reactions only who has asked for them', async () => {
    const { call, chat } = await start();
    await call('sendMessage', { chat_id: chat.id, text: 'x' });
    await chat.react('👍');
    expect(resultOf((await call('getUpdates')).body)).toEqual([]);
    await call('getUpdates', { allowed_updates: ['message_reaction'] });
    await chat.react('🔥');
    expect(resultOf((await call('getUpdates')).body)[0]?.message_reaction).toMatchObject({
      message_id: 1,
      old_reaction: [{ type: 'emoji', emoji: '👍' }],
      new_reaction: [{ type: 'emoji', emoji: '🔥' }],
    });
  });
});

describe('files', () => {
  it('can be fetched by whoever knows the token, and by nobody else', async () => {
    const { call, chat, telegram } = await start();
    await chat.writePhoto({ bytes: new TextEncoder().encode('picture') });
    const [update] = (await call('getUpdates')).body['result'] as readonly Update[];
    const fileId = update?.message?.photo?.at(-1)?.file_id;
    const info = (await call('getFile', { file_id: fileId })).body['result'] as { file_path: string; file_size: number };
    expect(info.file_size).toBe(7);
    expect(await (await fetch(`${telegram.url}/file/bot${telegram.botToken}/${info.file_path}`)).text()).toBe('picture');
    expect((await fetch(`${telegram.url}/file/bot1:another/${info.file_path}`)).status).toBe(404);
    expect((await call('getFile', { file_id: 'nothing' })).body).toEqual(
      refused(400, 'Bad Request: wrong file_id or the file is temporarily unavailable'),
    );
  });
});

describe('the device', () => {
  it('shows what the bot writes, changes and takes back, and taps', async () => {
    const line = await EMULATED_VENDORS['telegram']?.({ person: 'Ada' });
    if (line === undefined) throw new Error('telegram is not in the catalogue.');
    open.push(() => line.close());
    const { botToken = '' } = line.provider.options;
    const call = async (method: string, parameters: object): Promise<void> => {
      const url = `${line.url}/bot${botToken}/${method}`;
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(parameters) });
      expect(response.status).toBe(200);
    };
    const markup = { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] };
    await call('sendMessage', { chat_id: 5000001, text: 'Shall we?', reply_markup: markup });
    await call('sendLocation', { chat_id: 5000001, latitude: 1, longitude: 2 });
    expect(line.device.messages).toMatchObject([
      { id: '1', text: 'Shall we?', buttons: [{ label: 'Yes' }], isOwn: false },
      { id: '2', text: '(1, 2)' },
    ]);
    await call('editMessageText', { chat_id: 5000001, message_id: 1, text: 'Shall we now?', reply_markup: markup });
    await call('deleteMessage', { chat_id: 5000001, message_id: 2 });
    expect(line.device.messages.map(({ text }) => text)).toEqual(['Shall we now?']);
    expect(await line.device.tap('1', 'Yes')).toMatchObject({ text: 'Yes', failure: 'The webhook could not be reached.' });
    line.callAt('http://127.0.0.1:1/');
    expect(await line.device.write('Hello')).toMatchObject({ text: 'Hello', failure: 'The webhook could not be reached.' });
  });
});

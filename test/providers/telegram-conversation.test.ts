/** Whole conversations over Telegram: a kit, its server on a real port or a source that asks, and people with the app. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TelegramEmulator } from '../../src/emulators/index.js';
import { RoomKit, silentLogger, TelegramChannel, type EphemeralEvent, type RoomEvent, type RoomKitOptions } from '../../src/index.js';
import { FileMediaStore } from '../../src/providers/media/index.js';
import { TelegramBotProvider, TelegramPollingSource, type TelegramPollingOptions } from '../../src/providers/telegram/index.js';
import { serve } from '../../src/server/index.js';
import { FaultStore } from '../../src/testing/index.js';
import { TestAgent, TestTransport } from '../support/harness.js';
import { verifies } from '../requirements.js';
import { unusedAddress } from './unused-address.js';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface World {
  readonly telegram: TelegramEmulator;
  readonly kit: RoomKit;
  readonly provider: TelegramBotProvider;
  /** The messages of the newest room. */
  readonly events: () => Promise<readonly RoomEvent[]>;
}

async function world(options: RoomKitOptions = {}): Promise<World> {
  const telegram = await TelegramEmulator.start();
  const kit = new RoomKit({ logger: silentLogger, ...options });
  const provider = new TelegramBotProvider({ botToken: telegram.botToken, baseUrl: telegram.url, username: 'test_bot' });
  kit.registerChannel(new TelegramChannel('telegram', { provider }));
  kit.registerChannel(new TestTransport('desk', { channelType: 'websocket', durable: false }));
  open.push(
    () => telegram.close(),
    () => kit.close(),
  );
  const events = async (): Promise<readonly RoomEvent[]> => {
    const [room] = await kit.listRooms();
    return room === undefined ? [] : (await kit.getTimeline(room.id)).filter(({ type }) => type === 'message' || type === 'edit');
  };
  return { telegram, kit, provider, events };
}

/** The server of the kit, whose webhook the bot knows. */
async function served(made: World): Promise<World> {
  const server = await serve(made.kit, { port: 0 });
  open.push(() => server.close());
  await made.provider.registerWebhook(`${server.url}/webhooks/telegram`);
  return made;
}

async function asked(made: World, options: Partial<TelegramPollingOptions> = {}, restartDelaySeconds = 0.01): Promise<TelegramPollingSource> {
  const source = new TelegramPollingSource({ provider: made.provider, channelId: 'telegram', pollSeconds: 2, ...options });
  await made.kit.attachSource('telegram', source, { restartDelaySeconds });
  return source;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('It did not come true in 10 s.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('over the webhook', () => {
  it('answers who writes, in the chat they wrote in', async () => {
    verifies('WHK-03', 'TRN-06', 'PV-09');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    expect(await chat.write('Is my parcel on its way?')).toBe(200);
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'It **is**.' });
    expect(await chat.waitFor()).toMatchObject({ text: 'It is.', looks: ['bold:is'] });
    expect((await events())[0]).toMatchObject({ source: { participantId: String(chat.userId), provider: 'telegram', externalId: `${chat.id}:1` } });
    await kit.settled();
    const rows = await kit.listDeliveries({ roomId });
    expect(rows).toMatchObject([{ state: 'sent', providerMessageId: `${chat.id}:2` }]);
  });

  it('takes nobody for Telegram who does not know the secret', async () => {
    verifies('PV-09', 'WHK-03');
    const { telegram, events } = await served(await world());
    telegram.secretToken = 'guessed';
    expect(await telegram.chat('ada').write('Hello')).toBe(401);
    telegram.secretToken = undefined;
    expect(await telegram.chat('ada').write('Hello')).toBe(401);
    expect(await events()).toEqual([]);
  });

  it('takes once what is delivered twice', async () => {
    verifies('F25', 'INB-08');
    const { telegram, events } = await served(await world());
    telegram.disturbCallbacks({ isDoubled: true });
    expect(await telegram.chat('ada').write('Hello')).toBe(200);
    expect(telegram.webhookCalls.map(({ status }) => status)).toEqual([200, 200]);
    expect(await events()).toHaveLength(1);
  });

  it('has it delivered again when it could not be committed', async () => {
    verifies('WHK-03');
    const store = new FaultStore();
    const { telegram, events } = await served(await world({ store }));
    const chat = telegram.chat('ada');
    await chat.write('first');
    store.fail('commitEvent');
    expect(await chat.write('second')).toBe(503);
    expect(telegram.pendingUpdates).toBe(1);
    await telegram.redeliver();
    expect(telegram.pendingUpdates).toBe(0);
    expect((await events()).map(({ content }) => content)).toMatchObject([{ body: 'first' }, { body: 'second' }]);
  });

  it('makes of a tap its label and what it stands for, and answers it', async () => {
    verifies('INB-29');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const [first] = await events();
    const roomId = first?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    const offer = await kit.sendEvent(roomId, 'desk', {
      type: 'rich',
      body: 'Shall we?',
      buttons: [{ id: 'again', label: 'Send it again', kind: 'reply', value: 'v'.repeat(100) }],
    });
    await chat.waitFor('Shall we?');
    await kit.settled();
    expect(await chat.tap('Send it again')).toBe(200);
    await chat.waitUntil(({ answeredTaps }) => answeredTaps === 1);
    const tap = (await events()).at(-1);
    expect(tap?.content).toEqual({ type: 'text', body: 'Send it again' });
    expect(tap?.metadata['action']).toEqual({ id: 'again', value: 'v'.repeat(100), kind: 'reply', source_event_id: offer.id });
  });

  it('takes a key in place of the letters for a tap, too', async () => {
    verifies('TRC-05');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'When?', quickReplies: [{ id: 'today', label: 'Today' }] });
    await chat.waitFor('When?');
    await chat.tap('Today');
    expect((await events()).at(-1)?.metadata['action']).toMatchObject({ id: 'today', kind: 'reply' });
  });

  it('changes a message with its sender, and one of the desk with the desk', async () => {
    verifies('EDT-04', 'EDT-05');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('At three');
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    expect(await chat.edit('At four')).toBe(200);
    const [changed] = await events();
    expect(changed).toMatchObject({ content: { body: 'At four' }, metadata: { edited: true } });

    const said = await kit.processInbound({ channelId: 'desk', senderId: 'bob', content: 'Fine' }, { roomId });
    await chat.waitFor('Fine');
    await kit.settled();
    const change = { type: 'edit', targetEventId: said.event?.id ?? '', newContent: { type: 'text', body: 'Fine!' } } as const;
    await kit.processInbound({ channelId: 'desk', senderId: 'bob', content: change }, { roomId });
    await chat.waitUntil(({ messages }) => messages.some(({ text, isEdited }) => text === 'Fine!' && isEdited));
    await kit.processInbound({ channelId: 'desk', senderId: 'bob', content: { type: 'delete', targetEventId: change.targetEventId } }, { roomId });
    await chat.waitUntil(({ messages }) => messages.length === 1);
  });

  it('changes and takes back every message that a long text became', async () => {
    verifies('TRC-06');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Tell me all of it');
    const [{ roomId }] = (await events()) as [RoomEvent];
    await kit.attachChannel(roomId, 'desk');
    const long = (word: string, count: number): string => `${`${word} `.repeat(count)}end`;
    const own = (): readonly string[] => chat.messages.filter(({ isFromBot }) => isFromBot).map(({ text }) => text);
    const { id } = await kit.sendEvent(roomId, 'desk', long('one', 2500), { participantId: 'grace' });
    await until(() => own().length === 3); // the text arrives
    const change = (body: string) =>
      kit.sendEvent(roomId, 'desk', { type: 'edit', targetEventId: id, newContent: { type: 'text', body } }, { participantId: 'grace' });
    await change(long('two', 2500));
    await until(() => own().join(' ') === long('two', 2500)); // each part is changed
    await change('short');
    await until(() => own().join() === 'short'); // what is left over goes
    await change(long('three', 1000));
    await until(() => own().join(' ') === long('three', 1000)); // what is more is sent
    await kit.sendEvent(roomId, 'desk', { type: 'delete', targetEventId: id }, { participantId: 'grace' });
    await until(() => own().length === 0); // all of it is gone
  });

  it('applies an edit that overtakes its message', async () => {
    verifies('F11', 'EDT-06');
    const { telegram, provider, kit, events } = await world();
    const chat = telegram.chat('ada');
    telegram.webhookUrl = 'http://127.0.0.1:1/'; // nobody there: the updates wait, and are brought in the wrong order
    await chat.write('At three');
    await chat.edit('At four');
    const updates = telegram.webhookCalls.map(({ body }) => provider.parseUpdate(JSON.parse(String(body)))[0]);
    await kit.ensureRoom({ roomId: 'r' });
    await kit.attachChannel('r', 'telegram', { metadata: { telegram_chat_id: String(chat.id) } });
    for (const meta of updates.reverse()) if (meta !== undefined) await kit.processWebhook(meta, 'telegram');
    await until(async () => (await events())[0]?.metadata['edited'] === true);
    expect((await events())[0]?.content).toMatchObject({ body: 'At four' });
  });

  it('tells of reactions, by the event they are about', async () => {
    verifies('INB-25', 'INB-29');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const roomId = (await events())[0]?.roomId ?? '';
    const heard: EphemeralEvent[] = [];
    await kit.subscribeRoom(roomId, (event) => void heard.push(event));
    await kit.attachChannel(roomId, 'desk');
    const said = await kit.processInbound({ channelId: 'desk', senderId: 'bob', content: 'Hi' }, { roomId });
    await chat.waitFor('Hi');
    await kit.settled();
    expect(await chat.react('👍')).toBe(200);
    expect(heard).toMatchObject([{ type: 'reaction', userId: String(chat.userId), data: { emoji: '👍', action: 'add', event_id: said.event?.id } }]);
    await kit.publishReaction(roomId, 'bob', said.event?.id ?? '', '❤️', 'add', 'desk');
    await chat.waitUntil(({ messages }) => messages.some(({ reaction }) => reaction === '❤'));
  });

  it('keeps the room of a group that becomes a supergroup', async () => {
    verifies('TRN-07');
    const { telegram, kit, events } = await served(await world());
    await telegram.groupChat('ada', 'Family').write('before');
    const moved = await telegram.upgradeGroup('Family');
    const roomId = (await events())[0]?.roomId ?? '';
    const boundTo = async (): Promise<unknown> => (await kit.store.getBinding(roomId, 'telegram'))?.metadata['telegram_chat_id'];
    await until(async () => (await boundTo()) === String(moved));
    await telegram.groupChat('ada', 'Family').write('after');
    expect(await kit.listRooms()).toHaveLength(1);
    expect((await events()).map(({ content }) => content)).toMatchObject([{ body: 'before' }, { body: 'after' }]);
  });

  it('keeps a picture in the media store, with the token nowhere but in the address that is fetched', async () => {
    verifies('MED-01', 'F60');
    const directory = await mkdtemp(join(tmpdir(), 'telegram-media-'));
    const mediaStore = new FileMediaStore({ directory, baseUrl: 'https://chat.example', fetch: { allowPrivate: true } });
    open.push(() => rm(directory, { recursive: true, force: true }));
    const { telegram, kit, events } = await served(await world({ mediaStore }));
    const chat = telegram.chat('ada');
    const updated = new Promise<RoomEvent>((resolve) => void kit.hook('on_event_updated', (event) => resolve(event)));
    const bytes = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 7, 7, 7]);
    expect(await chat.writePhoto({ bytes, caption: 'The box' })).toBe(200);
    const { content, channelData } = await updated;
    if (content.type !== 'media') throw new Error('It is no media.');
    expect(content).toMatchObject({ caption: 'The box', mimeType: 'image/jpeg' });
    expect(content.url).toMatch(/^https:\/\/chat\.example\//);
    expect(telegram.requests.map(({ path }) => path.replace(telegram.botToken, 'TOKEN')).filter((path) => /getFile|\/file\//.test(path))).toEqual([
      '/botTOKEN/getFile',
      expect.stringMatching(/^\/file\/botTOKEN\/photos\/file_\d+\.jpg$/),
    ]);
    // The token is in the address that was fetched, and nowhere else.
    expect(JSON.stringify([content, channelData, await events(), await kit.listRooms()])).not.toContain(telegram.botToken.split(':')[1]);
  });

  it('shows in a group what an answer answers, and in a chat with one person does not', async () => {
    verifies('INB-30');
    const { telegram, kit, events } = await served(await world());
    const group = telegram.groupChat('ada', 'Family');
    await group.write('First');
    await group.write('Second');
    const answer = async (parent: RoomEvent | undefined): Promise<void> => {
      const roomId = parent?.roomId ?? '';
      await kit.attachChannel(roomId, 'desk');
      await kit.sendEvent(roomId, 'desk', 'Yes', { parentEventId: parent?.id ?? '' });
    };
    await answer((await events())[0]);
    const yes = await group.waitFor('Yes');
    expect(yes).toMatchObject({ answers: 1 });
    await group.write('Which?', { replyTo: yes.id });
    await group.write('The second', { replyTo: 2 });
    const [first, second, said, which, theSecond] = await events();
    expect([first, second, which, theSecond].map((event) => event?.parentEventId)).toEqual([undefined, undefined, said?.id, second?.id]);
    const chat = telegram.chat('ada');
    await chat.write('Me?');
    const rooms = await kit.listRooms();
    for (const { id } of rooms) {
      const [own] = (await kit.getTimeline(id)).filter(({ source }) => source.externalId === `${chat.id}:1`);
      if (own !== undefined) await answer(own);
    }
    expect((await chat.waitFor('Yes')).answers).toBeUndefined();
  });

  it('tries again what was too fast, and gives up what is in vain', async () => {
    verifies('F20', 'F21', 'F22');
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    telegram.fail({
      path: 'sendMessage',
      status: 429,
      body: { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } },
    });
    await kit.sendEvent(roomId, 'desk', 'one');
    await chat.waitFor('one');
    telegram.block(chat);
    await kit.sendEvent(roomId, 'desk', 'two');
    await kit.settled();
    const rows = await kit.listDeliveries({ roomId });
    expect(rows.map(({ state, attempts, lastError }) => [state, attempts, lastError?.code])).toEqual([
      ['sent', 2, 'rate_limit'],
      ['failed', 1, 'telegram_403'],
    ]);
  });

  it('lets an agent answer, and shows that it writes', async () => {
    const { telegram, kit, events } = await served(await world());
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const roomId = (await events())[0]?.roomId ?? '';
    kit.registerChannel(new TestAgent('helper', () => 'Sure'));
    await kit.attachChannel(roomId, 'helper', { category: 'intelligence' });
    await kit.publishTyping(roomId, 'helper', true, 'helper');
    await chat.write('Can you help?');
    await chat.waitFor('Sure');
    expect(chat.actions).toContain('typing');
  });
});

describe('by asking', () => {
  it('takes what came before and after, once, in order, and confirms it only when it is committed', async () => {
    verifies('SRC-02');
    const made = await world();
    const { telegram, kit, events } = made;
    const chat = telegram.chat('ada');
    await chat.write('before');
    const source = await asked(made);
    await until(async () => (await events()).length === 1);
    for (const text of ['one', 'two', 'three']) await chat.write(text);
    await until(async () => (await events()).length === 4);
    expect((await events()).map(({ content }) => (content.type === 'text' ? content.body : ''))).toEqual(['before', 'one', 'two', 'three']);
    expect(await kit.sourceHealth('telegram')).toMatchObject({ status: 'connected', messagesReceived: 4 });
    await kit.detachSource('telegram');
    expect(telegram.pendingUpdates).toBe(0);
    expect(source.status).toBe('stopped');
  });

  it('loses and doubles nothing when a message cannot be committed', async () => {
    verifies('SRC-03', 'INB-08');
    const store = new FaultStore();
    const made = await world({ store });
    const { telegram, kit, events } = made;
    const [ada, bob] = [telegram.chat('ada'), telegram.chat('bob')];
    await ada.write('a1');
    await bob.write('b1');
    await asked(made);
    await until(async () => (await kit.listRooms()).length === 2);
    await kit.detachSource('telegram');
    for (const text of ['a2', 'a3']) await ada.write(text);
    await bob.write('b2');
    store.fail('commitEvent');
    await asked(made);
    await until(async () => (await said(kit)).length === 5);
    expect((await said(kit)).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
    expect((await said(kit)).filter((text) => text.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(await events()).not.toEqual([]);
  });

  it('recognises after a crash what Telegram brings again', async () => {
    verifies('F25');
    const made = await world();
    const { telegram, kit, provider } = made;
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    const answer = await fetch(`${telegram.url}/bot${telegram.botToken}/getUpdates`);
    const { result } = (await answer.json()) as { result: unknown[] };
    // A process took it, and ended before it had said so.
    for (const meta of provider.parseUpdate(result[0])) await kit.processWebhook(meta, 'telegram');
    await asked(made);
    await chat.write('Still there?');
    await until(async () => (await said(kit)).includes('Still there?'));
    expect(await said(kit)).toEqual(['Hello', 'Still there?']);
  });

  it('says that a webhook is in the way, and removes it when told to', async () => {
    verifies('SRC-03');
    const made = await served(await world());
    const { telegram, kit, events } = made;
    const failures: string[] = [];
    const source = new TelegramPollingSource({ provider: made.provider, channelId: 'telegram' });
    await expect(
      source.start(() => Promise.reject(new Error('none')), { signal: new AbortController().signal, connected: () => undefined }),
    ).rejects.toThrow('the bot has a webhook');
    kit.on('source_error', ({ data }) => void failures.push(String(data['code'])));
    await asked(made);
    await until(() => failures.length > 0);
    expect(failures[0]).toBe('telegram_409');
    await kit.detachSource('telegram');
    await asked(made, { removesWebhook: true });
    await until(() => telegram.webhookUrl === undefined);
    await telegram.chat('ada').write('Hello');
    await until(async () => (await events()).length === 1);
  });

  it('says that somebody else asks, that the token is wrong, that Telegram is away', async () => {
    const { telegram, provider } = await world();
    const start = (one: TelegramBotProvider): Promise<void> =>
      new TelegramPollingSource({ provider: one, channelId: 'telegram', pollSeconds: 5 }).start(() => Promise.reject(new Error('none')), {
        signal: new AbortController().signal,
        connected: () => undefined,
      });
    const first = start(provider);
    first.catch(() => undefined);
    await until(() => telegram.requests.length >= 2); // the first is answered at once, the second waits
    const second = new AbortController();
    const other = new TelegramPollingSource({ provider, channelId: 'telegram', pollSeconds: 5 }).start(() => Promise.reject(new Error('none')), {
      signal: second.signal,
      connected: () => undefined,
    });
    await expect(first).rejects.toThrow('another program asks');
    second.abort();
    await other;
    await expect(start(new TelegramBotProvider({ botToken: '1:wrong', baseUrl: telegram.url }))).rejects.toMatchObject({ code: 'auth_error' });
    telegram.fail({ status: 429, body: { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 7 } } });
    await expect(start(provider)).rejects.toMatchObject({ code: 'rate_limit', retryAfterSeconds: 7 });
    const away = new TelegramBotProvider({ botToken: '1:a', baseUrl: await unusedAddress() });
    await expect(start(away)).rejects.toMatchObject({ code: 'network_error' });
  });

  it('answers taps', async () => {
    const made = await world();
    const { telegram, kit, events } = made;
    const chat = telegram.chat('ada');
    await chat.write('Hello');
    await asked(made);
    await until(async () => (await events()).length === 1);
    const roomId = (await events())[0]?.roomId ?? '';
    await kit.attachChannel(roomId, 'desk');
    await kit.sendEvent(roomId, 'desk', { type: 'rich', body: 'Ok?', buttons: [{ id: 'ok', label: 'Ok', kind: 'reply' }] });
    await chat.waitFor('Ok?');
    await chat.tap('Ok');
    await chat.waitUntil(({ answeredTaps }) => answeredTaps === 1);
    expect((await events()).at(-1)?.metadata['action']).toMatchObject({ id: 'ok' });
  });
});

/** What people said, in all rooms. */
async function said(kit: RoomKit): Promise<string[]> {
  const texts: string[] = [];
  for (const { id } of await kit.listRooms())
    for (const { type, content } of await kit.getTimeline(id)) if (type === 'message' && content.type === 'text') texts.push(content.body);
  return texts;
}

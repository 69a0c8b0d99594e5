/**
 * Telegram's Bot API on loopback, with people who have the app: messages, files, buttons, reactions, edits, the webhook and
 * `getUpdates`. @see https://core.telegram.org/bots/api
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Changes } from '../changes.js';
import type { RecordedRequest } from '../loopback.js';
import { isFields, listOf, stringOf, type Fields } from '../problem.js';
import { VendorEmulator, type VendorEmulatorOptions } from '../vendor-emulator.js';
import { TelegramChat, type ChatBackend, type SeenMessage, type SentFile } from './chat.js';
import { chatObject, messageObject, type ChatState, type MessageState, type TelegramUser } from './chats.js';
import { fileBody, Files } from './files.js';
import { METHODS, type World } from './methods.js';
import { Pace, type TelegramLimits } from './pace.js';
import { Parameters } from './parameters.js';
import { badRequest, TelegramRefusal } from './refusal.js';
import { UpdateQueue, type QueuedUpdate } from './updates.js';

/** What the emulator is started with. */
export interface TelegramEmulatorOptions extends VendorEmulatorOptions {
  /** Default {@link TELEGRAM_TEST_TOKEN}. */
  readonly botToken?: string;
  /** Without `@`. Default `test_bot`. */
  readonly username?: string;
  /** What is sent with calls of `webhookUrl`; `setWebhook` sets another one. */
  readonly secretToken?: string;
  /** Refuse what is faster than Telegram lets a bot write. Default: write as fast as you like. */
  readonly limits?: TelegramLimits;
}

/** The token of the bot that the emulator knows, unless told otherwise. */
export const TELEGRAM_TEST_TOKEN = '424242:test-token-of-the-emulated-bot';

const DEFAULT_KINDS: readonly string[] = ['message', 'edited_message', 'channel_post', 'edited_channel_post', 'callback_query', 'my_chat_member'];

/**
 * The emulator. Point `baseUrl` of a provider at its `url`, and let the provider register its webhook, or ask.
 * @example
 * await using telegram = await TelegramEmulator.start();
 * const chat = telegram.chat('ada');
 * await chat.write('Is my parcel on its way?');
 * await chat.waitFor('on its way');
 */
export class TelegramEmulator extends VendorEmulator {
  readonly botToken: string;
  readonly bot: TelegramUser;
  /** What is sent with calls of the webhook. */
  secretToken: string | undefined;
  #allowed: readonly string[] = DEFAULT_KINDS;
  #lastError: string | undefined;
  readonly #queue = new UpdateQueue(700_000_000 + (randomBytes(2).readUInt16BE() % 50_000));
  readonly #files = new Files();
  readonly #chats = new Map<string, ChatState>();
  readonly #people = new Map<string, TelegramUser>();
  readonly #devices = new Map<string, TelegramChat>();
  readonly #keys = new Map<number, Fields>();
  readonly #actions = new Map<number, string[]>();
  readonly #openTaps = new Map<string, number>();
  readonly #answeredTaps = new Map<number, number>();
  readonly #changes = new Changes();
  readonly #pace: Pace | undefined;
  #nextUserId = 5_000_001;
  #sending: Promise<unknown> = Promise.resolve();

  private constructor(options: TelegramEmulatorOptions) {
    super(options);
    this.botToken = options.botToken ?? TELEGRAM_TEST_TOKEN;
    this.bot = { id: Number(this.botToken.split(':')[0]), is_bot: true, first_name: 'Test Bot', username: options.username ?? 'test_bot' };
    this.secretToken = options.secretToken;
    this.#pace = options.limits === undefined ? undefined : new Pace(options.limits);
  }

  /** Starts one on a free port. */
  static async start(options: TelegramEmulatorOptions = {}): Promise<TelegramEmulator> {
    const emulator = new TelegramEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** The chat of a person with the bot; both are made when first asked for. `id`: the person's number, if it matters. */
  chat(name: string, options: { readonly id?: number } = {}): TelegramChat {
    const person = this.#person(name, options.id);
    return this.#device(this.#open({ id: person.id, type: 'private' }), person);
  }

  /** A person in a group that the bot is in; all who name the same group are in it. */
  groupChat(name: string, group: string): TelegramChat {
    const person = this.#person(name);
    const known = [...this.#chats.values()].find((chat) => chat.title === group && chat.movedTo === undefined);
    return this.#device(known ?? this.#open({ id: -4_000_001 - this.#chats.size, type: 'group', title: group }), person);
  }

  /** The group becomes a supergroup, with another id; resolves with it. */
  async upgradeGroup(group: string): Promise<number> {
    const old = [...this.#chats.values()].find((chat) => chat.title === group && chat.movedTo === undefined);
    if (old === undefined) throw new Error(`There is no group '${group}'. Let somebody be in it: emulator.groupChat('ada', '${group}').`);
    const next = this.#open({ id: -1_001_000_000_000 - this.#chats.size, type: 'supergroup', title: group });
    const [person = this.bot] = this.#people.values();
    await this.#tell('message', messageObject(this.#add(old, person, { migrate_to_chat_id: next.id })));
    old.movedTo = next.id;
    await this.#tell('message', messageObject(this.#add(next, person, { migrate_from_chat_id: old.id })));
    return next.id;
  }

  /** The person blocks the bot, or lets it write again. */
  block(chat: TelegramChat, isBlocked = true): void {
    const state = this.#chats.get(String(chat.id));
    if (state !== undefined) state.isClosedToBot = isBlocked;
  }

  /** Whoever writes in a supergroup after {@link TelegramEmulator.upgradeGroup} needs its chat anew: `groupChat(name, group)`. */
  get pendingUpdates(): number {
    return this.#queue.size;
  }

  /** Calls the webhook with everything it has not taken yet, as Telegram does by and by. */
  async redeliver(): Promise<void> {
    for (const update of [...this.#queue.all]) await this.#post(update);
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.path, this.url);
    try {
      const download = /^\/file\/bot([^/]+)\/(.+)$/.exec(pathname);
      if (download !== null) return this.#download(decodeURIComponent(download[1] ?? ''), decodeURIComponent(download[2] ?? ''), response);
      const call = /^\/bot([^/]+)\/(\w+)$/.exec(pathname);
      if (call === null || !/^\d+:[\w-]+$/.test(call[1] ?? '')) throw new TelegramRefusal(404, 'Not Found');
      if (call[1] !== this.botToken) throw new TelegramRefusal(401, 'Unauthorized');
      const parameters = await Parameters.of(request);
      const result = await this.#run((call[2] ?? '').toLowerCase(), parameters, response);
      send(response, 200, { ok: true, result });
    } catch (error) {
      if (!(error instanceof TelegramRefusal)) throw error;
      send(response, error.status, problem(error.status, error.message, error.parameters));
    }
  }

  protected failureBody(status: number): unknown {
    if (status === 429) return problem(429, 'Too Many Requests: retry after 5', { retry_after: 5 });
    return problem(status, WORDS[status] ?? 'Internal Server Error');
  }

  #run(method: string, parameters: Parameters, response: ServerResponse): unknown {
    switch (method) {
      case 'getupdates':
        return this.#getUpdates(parameters, response);
      case 'setwebhook':
        return this.#setWebhook(parameters);
      case 'deletewebhook':
        if (parameters.is('drop_pending_updates')) this.#queue.clear();
        this.webhookUrl = undefined;
        this.secretToken = undefined;
        return true;
      case 'getwebhookinfo':
        return this.#webhookInfo();
    }
    const run = METHODS[method];
    if (run === undefined) throw new TelegramRefusal(404, 'Not Found: method not found');
    return run(parameters, this.#world());
  }

  #world(): World {
    return {
      bot: this.bot,
      files: this.#files,
      chat: (id) => this.#chats.get(id ?? ''),
      person: (chat) => [...this.#people.values()].find(({ id }) => id === chat.id),
      add: (chat, from, body, replyTo) => this.#add(chat, from, body, replyTo),
      pace: (chat) => this.#pace?.take(chat.id),
      keys: (chat, letters) => this.#keys.set(chat.id, letters),
      action: (chat, action) => {
        const actions = this.#actions.get(chat.id) ?? [];
        this.#actions.set(chat.id, [...actions, action]);
        this.#changes.tell();
      },
      answered: (queryId) => {
        const userId = this.#openTaps.get(queryId);
        if (userId === undefined) throw badRequest('query is too old and response timeout expired or query ID is invalid');
        this.#openTaps.delete(queryId);
        this.#answeredTaps.set(userId, (this.#answeredTaps.get(userId) ?? 0) + 1);
        this.#changes.tell();
      },
      changed: () => this.#changes.tell(),
    };
  }

  async #getUpdates(parameters: Parameters, response: ServerResponse): Promise<unknown> {
    if (this.webhookUrl !== undefined)
      throw new TelegramRefusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first");
    this.#allow(parameters);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const limit = Math.min(Math.max(parameters.number('limit') ?? 100, 1), 100);
    const timeoutMs = Math.min(parameters.number('timeout') ?? 0, 50) * 1000;
    return this.#queue.read(parameters.number('offset'), limit, timeoutMs, gone.signal);
  }

  #setWebhook(parameters: Parameters): boolean {
    const url = parameters.text('url') ?? '';
    const secret = parameters.text('secret_token');
    if (secret !== undefined && !/^[\w-]{1,256}$/.test(secret)) throw badRequest('secret token contains unallowed characters');
    this.#allow(parameters);
    if (parameters.is('drop_pending_updates')) this.#queue.clear();
    // Telegram wants https; a Bot API server of one's own takes http, and so does the emulator, on this machine.
    if (url !== '' && !/^https:\/\/|^http:\/\/(127\.0\.0\.1|localhost)(:|\/)/.test(url))
      throw badRequest('bad webhook: An HTTPS URL must be provided for webhook');
    this.#queue.interrupt('Conflict: terminated by setWebhook request');
    this.webhookUrl = url === '' ? undefined : url;
    this.secretToken = secret;
    if (url !== '') this.beside(() => this.redeliver());
    return true;
  }

  #allow(parameters: Parameters): void {
    if (!parameters.has('allowed_updates')) return;
    const kinds = listOf(parameters.json('allowed_updates')).map(stringOf);
    this.#allowed = kinds.length === 0 ? DEFAULT_KINDS : kinds;
  }

  #webhookInfo(): unknown {
    return {
      url: this.webhookUrl ?? '',
      has_custom_certificate: false,
      pending_update_count: this.#queue.size,
      ...(this.#lastError !== undefined && { last_error_message: this.#lastError }),
      allowed_updates: this.#allowed,
    };
  }

  #download(token: string, path: string, response: ServerResponse): void {
    const file = token === this.botToken ? this.#files.byPath(path) : undefined;
    if (file?.bytes === undefined) throw new TelegramRefusal(404, 'Not Found');
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': String(file.bytes.length) });
    response.end(file.bytes);
  }

  /** The update waits until it is taken; the status is that of the webhook's answer. */
  async #tell(kind: string, what: unknown): Promise<number> {
    if (!this.#allowed.includes(kind)) return 0;
    const update = this.#queue.add({ [kind]: what });
    if (this.webhookUrl === undefined) return 0;
    const posting = this.#sending.then(() => this.#post(update));
    this.#sending = posting.catch(() => undefined);
    return posting;
  }

  async #post(update: QueuedUpdate): Promise<number> {
    if (this.webhookUrl === undefined) return 0;
    const headers = {
      'content-type': 'application/json',
      ...(this.secretToken !== undefined && { 'x-telegram-bot-api-secret-token': this.secretToken }),
    };
    const { status } = await this.callWebhook(this.webhookUrl, headers, JSON.stringify(update));
    if (status >= 200 && status < 300) this.#queue.remove(update.update_id);
    else this.#lastError = `Wrong response from the webhook: ${status}`;
    return status;
  }

  #person(name: string, id?: number): TelegramUser {
    let person = this.#people.get(name);
    if (person === undefined) {
      person = { id: id ?? this.#nextUserId++, is_bot: false, first_name: name, username: name.toLowerCase(), language_code: 'en' };
      this.#people.set(name, person);
    }
    return person;
  }

  #open(chat: Pick<ChatState, 'id' | 'type' | 'title'>): ChatState {
    const known = this.#chats.get(String(chat.id));
    if (known !== undefined) return known;
    const opened = { ...chat, messages: new Map<number, MessageState>(), lastMessageId: 0 };
    this.#chats.set(String(chat.id), opened);
    return opened;
  }

  #add(chat: ChatState, from: TelegramUser, body: Fields, replyTo?: MessageState): MessageState {
    const id = ++chat.lastMessageId;
    const message: MessageState = {
      id,
      chat,
      from,
      date: Math.floor(Date.now() / 1000),
      body,
      reactions: new Map(),
      ...(replyTo !== undefined && { replyTo }),
    };
    chat.messages.set(id, message);
    this.#changes.tell();
    return message;
  }

  #device(chat: ChatState, person: TelegramUser): TelegramChat {
    const key = `${chat.id}:${person.id}`;
    let device = this.#devices.get(key);
    if (device === undefined) {
      device = new TelegramChat(chat.id, person.id, this.#backend(chat, person));
      this.#devices.set(key, device);
    }
    return device;
  }

  #backend(chat: ChatState, person: TelegramUser): ChatBackend {
    const say = (body: Fields, replyTo?: number): Promise<number> => {
      const target = replyTo === undefined ? undefined : chat.messages.get(replyTo);
      return this.#tell('message', messageObject(this.#add(chat, person, body, target), person));
    };
    const own = (messageId: number): MessageState => {
      const message = chat.messages.get(messageId);
      if (message === undefined) throw new Error(`There is no message ${messageId} in the chat.`);
      return message;
    };
    return {
      messages: () => [...chat.messages.values()].map((message) => this.#seen(message)),
      keys: () =>
        listOf(this.#keys.get(chat.id)?.['keyboard']).flatMap((row) => listOf(row).map((key) => stringOf(isFields(key) ? key['text'] : key))),
      actions: () => this.#actions.get(chat.id) ?? [],
      answeredTaps: () => this.#answeredTaps.get(person.id) ?? 0,
      write: (text, replyTo) => say({ text, ...commandsIn(text) }, replyTo),
      sendFile: (kind, file) => say(this.#sentBody(kind, file)),
      sendLocation: (latitude, longitude) => say({ location: { latitude, longitude } }),
      pressKey: (label) => {
        this.#keys.delete(chat.id);
        return say({ text: label });
      },
      tap: (messageId, label) => {
        const message = own(messageId);
        const data = buttonsOf(message).find(({ text }) => text === label)?.['callback_data'];
        if (data === undefined) return Promise.resolve(0); // a link: the app opens it, and tells nobody
        const id = randomBytes(8).readBigUInt64BE().toString();
        this.#openTaps.set(id, person.id);
        return this.#tell('callback_query', { id, from: person, message: messageObject(message, person), chat_instance: String(chat.id), data });
      },
      react: (messageId, emoji) => {
        const message = own(messageId);
        const before = message.reactions.get(person.id);
        if (emoji === undefined) message.reactions.delete(person.id);
        else message.reactions.set(person.id, emoji);
        return this.#tell('message_reaction', {
          chat: chatObject(chat, person),
          message_id: messageId,
          user: person,
          date: Math.floor(Date.now() / 1000),
          old_reaction: reactionList(before),
          new_reaction: reactionList(emoji),
        });
      },
      edit: (messageId, text) => {
        const message = own(messageId);
        message.body = message.body['text'] === undefined ? { ...message.body, caption: text } : { ...message.body, text };
        message.editedAt = Math.floor(Date.now() / 1000);
        return this.#tell('edited_message', messageObject(message, person));
      },
      onChange: (listener) => this.#changes.listen(listener),
      changed: (timeoutMs) => this.#changes.next(timeoutMs),
    };
  }

  #sentBody(kind: string, { bytes, mimeType, filename, caption, albumId }: SentFile): Fields {
    const standard = { photo: 'image/jpeg', voice: 'audio/ogg', audio: 'audio/mpeg', video: 'video/mp4' }[kind] ?? 'application/pdf';
    const stored = this.#files.put(kind, mimeType ?? standard, { bytes: bytes ?? randomBytes(64), url: undefined, filename });
    return { ...fileBody(stored), ...(caption !== undefined && { caption }), ...(albumId !== undefined && { media_group_id: albumId }) };
  }

  #seen(message: MessageState): SeenMessage {
    const { id, from, body, editedAt, reactions, replyTo } = message;
    const text = stringOf(body['text']) || stringOf(body['caption']);
    const entities = listOf(body['entities'] ?? body['caption_entities']).filter(isFields);
    const kind =
      ['venue', 'location', 'photo', 'animation', 'voice', 'audio', 'video', 'document'].find((name) => body[name] !== undefined) ?? 'text';
    const file = kind === 'photo' ? listOf(body['photo']).at(-1) : body[kind];
    const stored = isFields(file) ? this.#files.get(stringOf(file['file_id'])) : undefined;
    const place = body['location'];
    const title = isFields(body['venue']) ? stringOf(body['venue']['title']) : undefined;
    const reaction = reactions.get(this.bot.id);
    return {
      id,
      text,
      looks: entities.map(({ type, offset, length }) => `${stringOf(type)}:${text.slice(Number(offset), Number(offset) + Number(length))}`),
      kind,
      ...(stored?.url !== undefined && { mediaUrl: stored.url }),
      ...(stored?.bytes !== undefined && { bytes: stored.bytes }),
      ...(isFields(place) && {
        location: { latitude: Number(place['latitude']), longitude: Number(place['longitude']), ...(title !== undefined && { title }) },
      }),
      buttons: buttonsOf(message).map(({ text: label }) => stringOf(label)),
      isFromBot: from.is_bot,
      ...(replyTo !== undefined && { answers: replyTo.id }),
      ...(typeof body['media_group_id'] === 'string' && { albumId: body['media_group_id'] }),
      isEdited: editedAt !== undefined,
      ...(reaction !== undefined && { reaction }),
    };
  }
}

const WORDS: Readonly<Record<number, string>> = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 502: 'Bad Gateway' };

function problem(status: number, description: string, parameters?: object): unknown {
  return { ok: false, error_code: status, description, ...(parameters !== undefined && { parameters }) };
}

function reactionList(emoji: string | undefined): readonly Fields[] {
  return emoji === undefined ? [] : [{ type: 'emoji', emoji }];
}

function commandsIn(text: string): Fields {
  const command = /^\/\w+(@\w+)?/.exec(text)?.[0];
  const mentions = [...text.matchAll(/@\w{4,}/g)]
    .filter(() => command === undefined)
    .map(({ 0: name, index }) => ({ type: 'mention', offset: index, length: name.length }));
  const entities = command === undefined ? mentions : [{ type: 'bot_command', offset: 0, length: command.length }];
  return entities.length === 0 ? {} : { entities };
}

function buttonsOf({ body }: MessageState): readonly Fields[] {
  const markup = body['reply_markup'];
  return isFields(markup) ? listOf(markup['inline_keyboard']).flatMap((row) => listOf(row).filter(isFields)) : [];
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

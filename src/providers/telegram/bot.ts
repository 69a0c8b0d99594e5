/** Messages of a Telegram bot. @see https://core.telegram.org/bots/api */
import type { EphemeralRequest, TransportHost, TransportProvider, TransportRequest } from '../../channels/transport.js';
import type { WebhookProvider, WebhookRequest } from '../../channels/webhook.js';
import { transcodeFor } from '../../core/delivery/transcode.js';
import { DeliveryError, ProviderError, RoomKitError } from '../../core/errors.js';
import type { ChannelFetchOptions, FetchedMedia } from '../../core/media/media-store.js';
import { channelCapabilities } from '../../core/models/capabilities.js';
import type { EventContent } from '../../core/models/content.js';
import type { ProviderResult } from '../../core/models/delivery.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { EMPTY_MESSAGE, MEDIA_NOT_SUPPORTED } from '../_shared/http/failure.js';
import { bodyJson, fieldsOf, listOf, textOf, type Fields } from '../_shared/http/reading.js';
import { isSame } from '../_shared/http/signature.js';
import { TelegramApi, type TelegramCall, type TelegramOutcome, type TelegramRefusal } from './api.js';
import { telegramBot, type TelegramBot, type TelegramConfig } from './config.js';
import { callsFor, captionEdit, editCallFor, type OutboundFrame } from './outbound.js';
import { fileIdOf } from './files.js';
import { Progress } from './progress.js';
import { Typing } from './typing.js';
import { messageKey, parseTelegramUpdate } from './updates.js';

const FEATURE = 'TelegramBotProvider';
/** What Telegram is asked to tell; reactions it tells only when asked. */
export const UPDATE_KINDS: readonly string[] = ['message', 'edited_message', 'callback_query', 'message_reaction'];
const POST_KINDS: readonly string[] = ['channel_post', 'edited_channel_post'];

/**
 * Sends and reads the messages of one bot, by webhook; or, with {@link TelegramPollingSource}, by asking.
 * @example new TelegramChannel('telegram', { provider: new TelegramBotProvider({ botToken }) })
 */
export class TelegramBotProvider implements TransportProvider, WebhookProvider {
  readonly name = 'telegram';
  readonly #bot: TelegramBot;
  readonly #api: TelegramApi;
  readonly #fetch: typeof fetch | undefined;
  readonly #progress = new Progress();
  readonly #typing: Typing;
  /** Groups that have become supergroups while this process ran: their old id and the new one. */
  readonly #moved = new Map<string, string>();
  #host: TransportHost | undefined;

  constructor(config: TelegramConfig = {}) {
    this.#bot = telegramBot(FEATURE, config);
    this.#fetch = config.fetch;
    this.#api = new TelegramApi({ ...this.#bot, fetch: config.fetch });
    this.#typing = new Typing(this.#bot.clock, async (chatId) => {
      await this.#api.call({ method: 'sendChatAction', parameters: { chat_id: chatId, action: 'typing' } });
    });
  }

  connect(host: TransportHost): void {
    this.#host = host;
  }

  async send(request: TransportRequest): Promise<ProviderResult> {
    const { to = '', content } = request;
    this.#typing.stop(to);
    const chatId = this.#moved.get(to) ?? to;
    const frame: OutboundFrame = { ...this.#bot, isPrivate: !/^[-@]/.test(chatId) };
    if (content.type === 'delete') return this.#delete(request, chatId, frame);
    if (content.type === 'edit') return this.#edit(request, content.newContent, chatId, frame);
    return this.#sendAll(request, content, chatId, frame);
  }

  /** Typing and reactions; what Telegram does not take of them (a letter that is no reaction there) is left out. */
  async sendEphemeral({ type, to = '', messageId, emoji = '', isRemoved }: EphemeralRequest): Promise<void> {
    const chatId = this.#moved.get(to) ?? to;
    if (type === 'typing_start') return this.#typing.start(chatId);
    if (type === 'typing_stop') return this.#typing.stop(chatId);
    const target = targetOf(messageId);
    if (type !== 'reaction' || target === undefined) return;
    const reaction = isRemoved === true ? [] : [{ type: 'emoji', emoji: emoji.replaceAll('\ufe0f', '') }];
    const outcome = await this.#api.call({
      method: 'setMessageReaction',
      parameters: { chat_id: target.chatId, message_id: target.messageIds[0], reaction },
    });
    if ('failure' in outcome && outcome.failure.retryable === true)
      throw new DeliveryError(outcome.failure.error ?? 'unknown_error', 'Telegram did not take a reaction.', { retryable: true });
  }

  /** The file that an address of an inbound message names; Telegram tells for an hour where it lies, up to 20 MB. */
  async fetchMedia(url: string, { fetch, ...options }: ChannelFetchOptions): Promise<FetchedMedia | null> {
    const fileId = fileIdOf(url);
    if (fileId === undefined) return null;
    const outcome = await this.#api.call({ method: 'getFile', parameters: { file_id: fileId } }, options.signal);
    const path = 'failure' in outcome ? undefined : textOf(fieldsOf(outcome.result)['file_path']);
    if (path !== undefined) return fetch(this.#api.fileUrl(path), options);
    const { error = 'no path', retryable = false } = 'failure' in outcome ? outcome.failure : {};
    throw new RoomKitError('media_unavailable', `Telegram does not say where a file is (${error}). It gives files of up to 20 MB.`, { retryable });
  }

  verify({ headers }: WebhookRequest): boolean {
    return isSame(headers.get('x-telegram-bot-api-secret-token'), this.#bot.webhookSecret.reveal());
  }

  parse({ body }: WebhookRequest): readonly WebhookMeta[] {
    return this.parseUpdate(bodyJson(body));
  }

  /** What one update of `getUpdates` says. */
  parseUpdate(update: unknown): readonly WebhookMeta[] {
    const { id, username, takesChannelPosts } = this.#bot;
    return parseTelegramUpdate(update, { botId: id, takesChannelPosts, ...(username !== undefined && { username }) });
  }

  /** Taps are answered, or the button that was tapped would seem to wait; groups that moved are written to where they are now. */
  async committed(metas: readonly WebhookMeta[]): Promise<void> {
    for (const meta of metas) {
      const told = meta.type === 'message' ? meta.message.metadata : meta.type === 'ignored' ? meta.data : undefined;
      const [from, to] = [textOf(told?.['moved_from']), textOf(told?.['moved_to'])];
      if (from !== undefined && to !== undefined) await this.#move(from, to);
      const queryId = textOf(told?.['callback_query_id']);
      if (queryId === undefined) continue;
      const outcome = await this.#api.call({ method: 'answerCallbackQuery', parameters: { callback_query_id: queryId } });
      // Too late for an answer is as good as answered.
      if ('failure' in outcome && outcome.failure.error !== 'telegram_400') throw failed('answer a tap', outcome);
    }
  }

  /** Lets Telegram call this address, with the secret that `verify` looks for. Rejects with ProviderError. */
  async registerWebhook(url: string): Promise<void> {
    const parameters = { url, secret_token: this.#bot.webhookSecret.reveal(), allowed_updates: this.updateKinds };
    const outcome = await this.#api.call({ method: 'setWebhook', parameters });
    if ('failure' in outcome) throw failed('set the webhook', outcome);
  }

  /** Lets Telegram call nobody any more, so that it can be asked. Rejects with ProviderError. */
  async removeWebhook(): Promise<void> {
    const outcome = await this.#api.call({ method: 'deleteWebhook', parameters: {} });
    if ('failure' in outcome) throw failed('remove the webhook', outcome);
  }

  /** The kinds of updates this provider reads. */
  get updateKinds(): readonly string[] {
    return this.#bot.takesChannelPosts ? [...UPDATE_KINDS, ...POST_KINDS] : UPDATE_KINDS;
  }

  /** For the source: the same bot, with as much time for an answer as a long poll takes. */
  pollingApi(timeoutSeconds: number): TelegramApi {
    return new TelegramApi({ ...this.#bot, timeoutSeconds, fetch: this.#fetch });
  }

  close(): void {
    this.#typing.close();
  }

  async #sendAll(request: TransportRequest, content: EventContent, chatId: string, frame: OutboundFrame): Promise<ProviderResult> {
    const { idempotencyKey, signal, binding } = request;
    const calls = callsFor(content, frame);
    if (calls === undefined) return MEDIA_NOT_SUPPORTED;
    if (calls.length === 0) return EMPTY_MESSAGE;
    const topic = textOf(binding.metadata['message_thread_id']);
    const sent = [...this.#progress.of(idempotencyKey)];
    for (const call of calls.slice(sent.length)) {
      const place = { ...(topic !== undefined && { message_thread_id: topic }), ...(sent.length === 0 && (await quoteOf(request, frame))) };
      let outcome = await this.#callChat(call, place, chatId, signal);
      if ('failure' in outcome && call.otherwise !== undefined && CANNOT_FETCH.test(outcome.description))
        outcome = await this.#callChat(call.otherwise, place, chatId, signal);
      if ('failure' in outcome) return outcome.failure;
      sent.push(idsIn(outcome.result));
      if (calls.length > 1) this.#progress.reached(idempotencyKey, sent);
    }
    this.#progress.finished(idempotencyKey);
    const ids = sent.filter((id) => id !== '').join('+');
    // What was taken without a readable id is sent all the same: another attempt would double it.
    return { success: true, ...(ids !== '' && { providerMessageId: messageKey(this.#moved.get(chatId) ?? chatId, ids) }) };
  }

  async #edit(request: TransportRequest, content: EventContent, chatId: string, frame: OutboundFrame): Promise<ProviderResult> {
    const target = targetOf(request.targetMessageId);
    const call = editCallFor(content, frame);
    if (target === undefined || call === undefined) return this.#inWords(request, chatId, frame);
    const place = { chat_id: target.chatId, message_id: target.messageIds[0] };
    let outcome = await this.#api.call({ ...call, parameters: { ...call.parameters, ...place } }, request.signal);
    if ('failure' in outcome && /no text in the message/i.test(outcome.description)) {
      const caption = captionEdit(call);
      outcome = await this.#api.call({ ...caption, parameters: { ...caption.parameters, ...place } }, request.signal);
    }
    return this.#changed(outcome, /message is not modified/i, request, chatId, frame);
  }

  async #delete(request: TransportRequest, chatId: string, frame: OutboundFrame): Promise<ProviderResult> {
    const target = targetOf(request.targetMessageId);
    if (target === undefined) return this.#inWords(request, chatId, frame);
    for (const message_id of target.messageIds) {
      const call = { method: 'deleteMessage', parameters: { chat_id: target.chatId, message_id } };
      const outcome = await this.#api.call(call, request.signal);
      if ('failure' in outcome && !/message to delete not found/i.test(outcome.description))
        return this.#changed(outcome, /message to delete not found/i, request, chatId, frame);
    }
    return { success: true };
  }

  /** Other people's messages, and those that are too old, cannot be changed: then it is said what has changed. */
  async #changed(outcome: TelegramOutcome, isDone: RegExp, request: TransportRequest, chatId: string, frame: OutboundFrame): Promise<ProviderResult> {
    if (!('failure' in outcome) || isDone.test(outcome.description)) return { success: true };
    if (/can't be (edited|deleted)|message to edit not found/i.test(outcome.description)) return this.#inWords(request, chatId, frame);
    return outcome.failure;
  }

  #inWords(request: TransportRequest, chatId: string, frame: OutboundFrame): Promise<ProviderResult> {
    const capabilities = channelCapabilities({ ...request.binding.capabilities, supportsEdit: false, supportsDelete: false });
    return this.#sendAll(request, transcodeFor(request.content, capabilities) ?? request.content, chatId, frame);
  }

  /** A group that has become a supergroup says so once: the message goes where it is now. */
  async #callChat(call: TelegramCall, place: Fields, chatId: string, signal: AbortSignal): Promise<TelegramOutcome> {
    const inChat = (chat: string): TelegramCall => ({ ...call, parameters: { chat_id: chat, ...place, ...call.parameters } });
    const to = this.#moved.get(chatId) ?? chatId;
    const outcome = await this.#api.call(inChat(to), signal);
    if (!('failure' in outcome) || outcome.movedTo === undefined || outcome.movedTo === to) return outcome;
    // Rooms that could not be told now are told the next time: Telegram says it again.
    await this.#move(chatId, outcome.movedTo).catch(() => undefined);
    return this.#api.call(inChat(outcome.movedTo), signal);
  }

  async #move(from: string, to: string): Promise<void> {
    if (this.#moved.size >= MAX_MOVED) this.#moved.clear(); // Telegram says it again
    this.#moved.set(from, to);
    await this.#host?.moved(from, to);
  }
}

const MAX_MOVED = 10_000;

/** Telegram's words for a file that it cannot take by its address. */
const CANNOT_FETCH = /web page content|HTTP URL|WEBPAGE_|WEBDOCUMENT_/i;

/** In a group, an answer shows what it answers; in a chat with one person that is clear. */
async function quoteOf(request: TransportRequest, { isPrivate }: OutboundFrame): Promise<Fields> {
  const { parentEventId } = request.event;
  if (isPrivate || parentEventId === undefined) return {};
  const message = await request.answered?.();
  const target = message?.id === parentEventId ? targetOf(message.source.externalId) : undefined;
  return target === undefined ? {} : { reply_parameters: { message_id: target.messageIds[0], allow_sending_without_reply: true } };
}

/** The chat and the messages that an id of ours names. */
function targetOf(id: string | undefined): { readonly chatId: string; readonly messageIds: readonly number[] } | undefined {
  const match = /^(-?\d+|@\w+):(\d+(?:\+\d+)*)$/.exec(id ?? '');
  return match === null ? undefined : { chatId: match[1] ?? '', messageIds: (match[2] ?? '').split('+').map(Number) };
}

/** Of an album all of them. */
function idsIn(result: unknown): string {
  const messages = Array.isArray(result) ? listOf(result) : [result];
  return messages.flatMap((message) => textOf(fieldsOf(message)['message_id']) ?? []).join('+');
}

function failed(what: string, { failure, description }: TelegramRefusal): ProviderError {
  const why = textOf(failure.metadata?.['message']) ?? (description === '' ? undefined : failure.error);
  return new ProviderError(`Telegram did not ${what}: ${why ?? failure.error ?? 'no reason given'}.`, {
    provider: 'telegram',
    code: failure.error ?? 'unknown_error',
    retryable: failure.retryable ?? false,
    ...(failure.retryAfterSeconds !== undefined && { retryAfterSeconds: failure.retryAfterSeconds }),
  });
}

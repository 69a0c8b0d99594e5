/**
 * Updates of a bot by asking for them, where Telegram cannot call: behind a firewall, on a laptop.
 * @see https://core.telegram.org/bots/api#getupdates
 */
import { ProviderError, RoomKitError, ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import type { SourceStatus } from '../../core/models/vocabulary.js';
import type { SourceEmit, SourceHealth, SourceProvider, SourceStartOptions } from '../../core/sources/source.js';
import type { WebhookMeta } from '../../core/pipeline/webhook.js';
import { fieldsOf, listOf, numberOf, textOf } from '../_shared/http/reading.js';
import type { TelegramApi, TelegramRefusal } from './api.js';
import { TelegramBotProvider } from './bot.js';

/** What {@link TelegramPollingSource} is made with. */
export interface TelegramPollingOptions {
  /** The provider of the channel: its bot is asked about. */
  readonly provider: TelegramBotProvider;
  /** The channel that messages come in by; also the one it is attached to. */
  readonly channelId: string;
  /** How long Telegram may wait for something to tell, 1 to 50. Default 50. */
  readonly pollSeconds?: number;
  /** How much is asked for at a time, 1 to 100. Default 100. */
  readonly batchSize?: number;
  /** Remove the bot's webhook at the start, if it has one: while it has, Telegram answers nobody who asks. Default false. */
  readonly removesWebhook?: boolean;
}

const NAMES: OptionNames<TelegramPollingOptions> = { provider: true, channelId: true, pollSeconds: true, batchSize: true, removesWebhook: true };

/** Beyond what Telegram waits: for the way there and back. */
const SLACK_SECONDS = 15;
/** For saying at the end what has been taken. */
const FAREWELL_SECONDS = 3;

/**
 * Asks for updates, again and again. What it has got is confirmed only when the kit has committed it: a crash in between brings
 * it once more, and its keys tell that it is known.
 * @example await kit.attachSource('telegram', new TelegramPollingSource({ provider, channelId: 'telegram' }))
 */
export class TelegramPollingSource implements SourceProvider {
  readonly name = 'telegram';
  readonly #provider: TelegramBotProvider;
  readonly #channelId: string;
  readonly #pollSeconds: number;
  readonly #batchSize: number;
  readonly #removesWebhook: boolean;
  readonly #api: TelegramApi;
  readonly #farewell: TelegramApi;
  readonly #told = new Set<Promise<unknown>>();
  #stopping = new AbortController();
  #status: SourceStatus = 'stopped';
  /** The first update that is not confirmed; undefined before the first. */
  #offset: number | undefined;
  /** Of what is not confirmed, what was taken all the same: it came behind something that was not. */
  readonly #taken = new Set<number>();
  /** What Telegram has been told of it. */
  #confirmed: number | undefined;
  #received = 0;
  #refused = 0;
  #connectedAt: string | undefined;
  #lastMessageAt: string | undefined;
  #error: string | undefined;

  constructor(options: TelegramPollingOptions) {
    const feature = 'TelegramPollingSource';
    checkOptionNames(`new ${feature}`, options, NAMES);
    const { provider, channelId, pollSeconds = 50, batchSize = 100, removesWebhook = false } = options;
    if (!(provider instanceof TelegramBotProvider))
      throw new ValidationError(`${feature} has no provider. Pass { provider: new TelegramBotProvider({ botToken }) }, the one of the channel.`);
    if (typeof channelId !== 'string' || channelId === '')
      throw new ValidationError(`${feature} has no channelId. Pass { channelId } with the id of the channel that messages come in by.`);
    checkRange(feature, 'pollSeconds', pollSeconds, 50);
    checkRange(feature, 'batchSize', batchSize, 100);
    this.#provider = provider;
    this.#channelId = channelId;
    this.#pollSeconds = pollSeconds;
    this.#batchSize = batchSize;
    this.#removesWebhook = removesWebhook;
    this.#api = provider.pollingApi(pollSeconds + SLACK_SECONDS);
    this.#farewell = provider.pollingApi(FAREWELL_SECONDS);
  }

  get status(): SourceStatus {
    return this.#status;
  }

  async start(emit: SourceEmit, { signal, connected }: SourceStartOptions): Promise<void> {
    this.#stopping = new AbortController();
    const stopped = AbortSignal.any([signal, this.#stopping.signal]);
    this.#status = 'connecting';
    try {
      if (this.#removesWebhook) await this.#provider.removeWebhook();
      while (!stopped.aborted) {
        const updates = await this.#ask(stopped);
        if (updates === undefined) break;
        this.#status = 'connected';
        this.#error = undefined;
        this.#connectedAt ??= new Date().toISOString();
        connected();
        await this.#take(updates, emit);
      }
      this.#status = 'stopped';
    } catch (error) {
      this.#status = 'error';
      this.#error = error instanceof RoomKitError ? error.code : 'internal';
      throw error;
    } finally {
      this.#connectedAt = undefined;
      await Promise.allSettled(this.#told);
      await this.#confirm();
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  healthcheck(): SourceHealth {
    return {
      status: this.#status,
      ...(this.#connectedAt !== undefined && { connectedAt: this.#connectedAt }),
      ...(this.#lastMessageAt !== undefined && { lastMessageAt: this.#lastMessageAt }),
      messagesReceived: this.#received,
      ...(this.#error !== undefined && { error: this.#error }),
      metadata: { refused: this.#refused, ...(this.#offset !== undefined && { offset: this.#offset }) },
    };
  }

  /** What has come since; undefined when nobody wants to know any more. */
  async #ask(stopped: AbortSignal): Promise<readonly unknown[] | undefined> {
    const offset = this.#offset;
    const outcome = await this.#api.call(
      {
        method: 'getUpdates',
        parameters: { offset, limit: this.#batchSize, timeout: this.#pollSeconds, allowed_updates: this.#provider.updateKinds },
      },
      stopped,
    );
    if (!('failure' in outcome)) {
      this.#confirmed = offset;
      return listOf(outcome.result);
    }
    if (stopped.aborted) return undefined;
    throw pollingError(outcome);
  }

  /** Chat by chat in order, chats beside each other. Confirmed is what came before the first that was not taken. */
  async #take(updates: readonly unknown[], emit: SourceEmit): Promise<void> {
    const chats = new Map<string, Promise<unknown>>();
    const failures: { readonly id: number; readonly error: unknown }[] = [];
    let next = this.#offset;
    for (const update of updates) {
      const id = numberOf(fieldsOf(update)['update_id']);
      if (id === undefined) continue;
      next = Math.max(next ?? 0, id + 1);
      if (this.#taken.has(id)) continue;
      const metas = this.#provider.parseUpdate(update);
      const chat = chatOf(metas);
      const before = chats.get(chat) ?? Promise.resolve();
      // After a failure nothing that came later in the chat is taken: it would overtake.
      const taken = before.then(() =>
        this.#emitAll(metas, emit).then(
          () => this.#taken.add(id),
          (error: unknown) => {
            failures.push({ id, error });
            throw error;
          },
        ),
      );
      chats.set(chat, taken);
    }
    await Promise.allSettled(chats.values());
    const [first] = failures.sort((one, other) => one.id - other.id);
    this.#offset = first === undefined ? next : first.id;
    if (first !== undefined) throw first.error;
    this.#taken.clear();
  }

  async #emitAll(metas: readonly WebhookMeta[], emit: SourceEmit): Promise<void> {
    for (const meta of metas) {
      if (meta.type !== 'message') continue;
      this.#received++;
      this.#lastMessageAt = new Date().toISOString();
      try {
        await emit({ ...meta.message, channelId: this.#channelId });
      } catch (error) {
        // What will never be taken must not keep everything behind it waiting.
        if (!(error instanceof ValidationError)) throw error;
        this.#refused++;
      }
    }
    const telling = Promise.resolve(this.#provider.committed(metas)).catch(() => undefined); // a tap without an answer stops to seem to wait by itself
    this.#told.add(telling);
    void telling.finally(() => this.#told.delete(telling));
  }

  /** Says what has been taken: the next process begins behind it. When it cannot be said, the keys of messages tell. */
  async #confirm(): Promise<void> {
    if (this.#offset === undefined || this.#offset === this.#confirmed) return;
    const parameters = { offset: this.#offset, limit: 1, timeout: 0 };
    const outcome = await this.#farewell.call({ method: 'getUpdates', parameters });
    if (!('failure' in outcome)) this.#confirmed = this.#offset;
  }
}

function chatOf(metas: readonly WebhookMeta[]): string {
  for (const meta of metas) if (meta.type === 'message') return textOf(meta.message.metadata?.['chat_id']) ?? '';
  return '';
}

function pollingError({ failure, description }: TelegramRefusal): ProviderError {
  const code = failure.error ?? 'unknown_error';
  return new ProviderError(`Telegram gives no updates: ${sentenceFor(code, description)}`, {
    provider: 'telegram',
    code,
    retryable: true,
    ...(failure.retryAfterSeconds !== undefined && { retryAfterSeconds: failure.retryAfterSeconds }),
  });
}

function sentenceFor(code: string, description: string): string {
  if (code === 'telegram_409')
    return /webhook/i.test(description)
      ? 'the bot has a webhook, and Telegram does not do both. Remove it with provider.removeWebhook() or { removesWebhook: true }, or use the webhook.'
      : 'another program asks for them with the same token. Let one of them ask, or give each a bot of its own.';
  if (code === 'auth_error') return 'it does not know the botToken. Take it from @BotFather anew.';
  if (code === 'rate_limit') return 'it was asked too often.';
  return code === 'network_error' || code === 'timeout' ? 'it cannot be reached.' : `it answered with ${code}.`;
}

function checkRange(feature: string, option: string, value: unknown, most: number): void {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most)
    throw new ValidationError(`The ${option} of ${feature} is ${String(value)}. Give a whole number from 1 to ${most}.`);
}

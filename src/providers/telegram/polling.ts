/**
 * Updates of a bot by asking for them, where Telegram cannot call: behind a firewall, on a laptop.
 * @see https://core.telegram.org/bots/api#getupdates
 */
import { SystemClock, type Clock } from '../../core/clock.js';
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
  /** For tests. */
  readonly clock?: Clock;
}

const NAMES: OptionNames<TelegramPollingOptions> = {
  provider: true,
  channelId: true,
  pollSeconds: true,
  batchSize: true,
  removesWebhook: true,
  clock: true,
};

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
  readonly #clock: Clock;
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
    const { provider, channelId, pollSeconds = 50, batchSize = 100, removesWebhook = false, clock = new SystemClock() } = options;
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
    this.#clock = clock;
    this.#api = provider.pollingApi(pollSeconds + SLACK_SECONDS);
    this.#farewell = provider.pollingApi(FAREWELL_SECONDS);
  }

  /** How it stands now. */
  get status(): SourceStatus {
    return this.#status;
  }

  async start(emit: SourceEmit, { signal, connected, maxConcurrentEmits = DEFAULT_EMITS }: SourceStartOptions): Promise<void> {
    this.#stopping = new AbortController();
    const stopped = AbortSignal.any([signal, this.#stopping.signal]);
    const run: Run = { emit, stopped, signal, most: maxConcurrentEmits };
    if (this.#status !== 'error') this.#received = this.#refused = 0; // attached anew
    this.#status = 'connecting';
    try {
      if (this.#removesWebhook) await this.#provider.removeWebhook();
      // The first question is answered at once: only then it is known that Telegram answers at all.
      for (let seconds = 0; !stopped.aborted; seconds = this.#pollSeconds) {
        const updates = await this.#ask(seconds, stopped);
        if (updates === undefined) break;
        this.#connected(connected);
        await this.#take(updates, run);
      }
      this.#status = 'stopped';
    } catch (error) {
      this.#status = 'error';
      this.#error = error instanceof RoomKitError ? error.code : 'internal';
      throw error;
    } finally {
      this.#connectedAt = undefined;
      if (!signal.aborted) await Promise.allSettled(this.#told);
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

  #connected(connected: () => void): void {
    if (this.#status === 'connected') return;
    this.#status = 'connected';
    this.#error = undefined;
    this.#connectedAt = this.#now();
    connected();
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  /** What has come since; undefined when nobody wants to know any more. */
  async #ask(timeout: number, stopped: AbortSignal): Promise<readonly unknown[] | undefined> {
    const offset = this.#offset;
    const outcome = await this.#api.call(
      {
        method: 'getUpdates',
        parameters: { offset, limit: this.#batchSize, timeout, allowed_updates: this.#provider.updateKinds },
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

  /** The messages of a chat one after the other, chats beside each other. Confirmed is what came before the first that was not taken. */
  async #take(updates: readonly unknown[], run: Run): Promise<void> {
    const chats = new Map<string, Update[]>();
    let next = this.#offset;
    for (const update of updates) {
      const id = numberOf(fieldsOf(update)['update_id']);
      if (id === undefined) continue;
      next = Math.max(next ?? 0, id + 1);
      if (this.#taken.has(id)) continue;
      const metas = this.#provider.parseUpdate(update);
      const chat = chats.get(chatOf(metas));
      if (chat === undefined) chats.set(chatOf(metas), [{ id, metas }]);
      else chat.push({ id, metas });
    }
    const left: Left[] = [];
    const waiting = [...chats.values()];
    const work = async (): Promise<void> => {
      for (let chat = waiting.shift(); chat !== undefined; chat = waiting.shift()) await this.#takeChat(chat, run, left);
    };
    await untilAborted(Promise.all(Array.from({ length: Math.min(run.most, waiting.length) }, work)), run.signal);
    // What the kit has not answered when nobody waits any more may have been taken: it is asked for once more.
    if (run.signal.aborted) return;
    const [first] = left.sort((one, other) => one.id - other.id);
    this.#offset = first === undefined ? next : first.id;
    if (first === undefined) this.#taken.clear();
    else if (first.error !== undefined) throw first.error;
  }

  /** After one that was not taken nothing that came later in the chat is: it would overtake. */
  async #takeChat(updates: readonly Update[], run: Run, left: Left[]): Promise<void> {
    for (const { id, metas } of updates) {
      if (run.stopped.aborted) return void left.push({ id, error: undefined });
      try {
        await this.#emitAll(metas, run.emit);
        this.#taken.add(id);
      } catch (error) {
        return void left.push({ id, error });
      }
    }
  }

  async #emitAll(metas: readonly WebhookMeta[], emit: SourceEmit): Promise<void> {
    for (const meta of metas) {
      if (meta.type !== 'message') continue;
      this.#received++;
      this.#lastMessageAt = this.#now();
      try {
        await emit({ ...meta.message, channelId: this.#channelId });
      } catch (error) {
        // What will never be taken must not keep everything behind it waiting.
        if (!(error instanceof ValidationError)) throw error;
        this.#refused++;
      }
    }
    // Beside the next ones; a tap without an answer ceases to seem to wait by itself.
    const telling = Promise.resolve(this.#provider.committed(metas)).catch(() => undefined);
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

/** What one start works with. */
interface Run {
  readonly emit: SourceEmit;
  /** Nothing is begun any more. */
  readonly stopped: AbortSignal;
  /** Nothing is waited for any more. */
  readonly signal: AbortSignal;
  readonly most: number;
}

interface Update {
  readonly id: number;
  readonly metas: readonly WebhookMeta[];
}

/** An update that was not taken, and why; without an error because the source was stopped. */
interface Left {
  readonly id: number;
  readonly error: unknown;
}

const DEFAULT_EMITS = 10;

function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => resolve();
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    work.then(end, reject).finally(() => signal.removeEventListener('abort', end));
  });
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

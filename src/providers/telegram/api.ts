/**
 * Calling methods of the Bot API. Its addresses hold the bot's token: nothing of them gets into a result or an error.
 * @see https://core.telegram.org/bots/api#making-requests
 */
import type { ProviderResult } from '../../core/models/delivery.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { HttpClient, type HttpAnswer } from '../_shared/http/client.js';
import { refusal } from '../_shared/http/failure.js';
import { fieldsOf, numberOf, textOf, type Fields } from '../_shared/http/reading.js';

/** A file that goes with a call. */
export interface TelegramFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mimeType: string;
  readonly filename: string;
}

/** One call of a method. */
export interface TelegramCall {
  readonly method: string;
  readonly parameters: Fields;
  /** By the name of the parameter, or under which another parameter names it: `attach://NAME`. */
  readonly files?: Readonly<Record<string, TelegramFile>>;
  /** In its place when Telegram cannot fetch the file that the call names. */
  readonly otherwise?: TelegramCall;
}

/** What Telegram gave back, or why it did not do it. */
export type TelegramOutcome = { readonly result: unknown } | TelegramRefusal;

/** Why Telegram did not do it. */
export interface TelegramRefusal {
  readonly failure: ProviderResult;
  /** In Telegram's words; empty when it was not reached. */
  readonly description: string;
  /** The group has become a supergroup, which has another id. */
  readonly movedTo?: string;
}

export interface TelegramApiOptions {
  readonly token: Secret;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
  readonly fetch: typeof fetch | undefined;
}

export class TelegramApi {
  readonly #token: Secret;
  readonly #baseUrl: string;
  readonly #http: HttpClient;

  constructor({ token, baseUrl, timeoutSeconds, fetch }: TelegramApiOptions) {
    this.#token = token;
    this.#baseUrl = baseUrl;
    this.#http = new HttpClient({ fetch, timeoutSeconds });
  }

  async call({ method, parameters, files }: TelegramCall, signal?: AbortSignal): Promise<TelegramOutcome> {
    const outcome = await this.#http.call({
      method: 'POST',
      url: `${this.#baseUrl}/bot${this.#token.reveal()}/${method}`,
      ...bodyOf(parameters, files),
      signal,
    });
    if ('failure' in outcome) return { failure: outcome.failure, description: '' };
    const { answer } = outcome;
    const fields = fieldsOf(answer.json);
    return fields['ok'] === true ? { result: fields['result'] } : this.#refusal(answer, fields);
  }

  /** Where the bytes of a file are; to be given to a fetch and to nobody else. */
  fileUrl(path: string): string {
    return `${this.#baseUrl}/file/bot${this.#token.reveal()}/${path.split('/').map(encodeURIComponent).join('/')}`;
  }

  #refusal(answer: HttpAnswer, fields: Fields): TelegramRefusal {
    const description = textOf(fields['description']) ?? '';
    const parameters = fieldsOf(fields['parameters']);
    const code = numberOf(fields['error_code']);
    const movedTo = textOf(parameters['migrate_to_chat_id']);
    const failure = refusal(
      // What answers with 200 and is not Telegram has taken nothing: it may be a proxy that is about to be mended.
      answer.status < 300 ? { status: 502, headers: answer.headers } : answer,
      {
        ...(code !== undefined && { code: `telegram_${code}` }),
        message: description,
      },
      [this.#token.reveal()],
    );
    const retryAfterSeconds = longest(numberOf(parameters['retry_after']), failure.retryAfterSeconds);
    return {
      failure: { ...failure, error: errorOf(failure.error, code, description), ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) },
      description,
      ...(movedTo !== undefined && { movedTo }),
    };
  }
}

/** Telegram says it in its answer; a proxy in front of it, in a header. */
function longest(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

/** 403 is about the chat (the bot was blocked, or put out), not about the token; a token that is none at all is not found. */
function errorOf(error: string | undefined, code: number | undefined, description: string): string {
  if (code === 403) return 'telegram_403';
  if (code === 404 && description === 'Not Found') return 'auth_error';
  return error ?? 'unknown_error';
}

function bodyOf(
  parameters: Fields,
  files: TelegramCall['files'],
): { readonly headers?: Record<string, string>; readonly body: NonNullable<RequestInit['body']> } {
  if (files === undefined) return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(parameters) };
  const form = new FormData();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  for (const [name, { bytes, mimeType, filename }] of Object.entries(files)) form.set(name, new Blob([bytes], { type: mimeType }), filename);
  return { body: form };
}

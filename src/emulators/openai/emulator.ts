/**
 * OpenAI's chat completions and responses API on loopback: real HTTP and server-sent events, refusing what the vendor refuses.
 * @see https://developers.openai.com/api/reference
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { sendEvents, sendJson, type ServerEvent } from '../event-stream.js';
import type { RecordedRequest } from '../loopback.js';
import { ModelEmulator, type ModelEmulatorOptions } from '../model-emulator.js';
import { Refusal } from '../problem.js';
import { isFailure, type Pacing, type ScriptedFailure } from '../script.js';
import { chunksOf, completionOf, wholeOf } from './chat-answers.js';
import { checkChat, type Known } from './check-chat.js';
import { checkResponses } from './check-responses.js';
import { responseEvents, responseOf, type Response } from './responses-answers.js';
import { SealedReasoning } from './sealed.js';

const TYPES: Readonly<Record<number, string>> = {
  429: 'requests',
  500: 'server_error',
  502: 'server_error',
  503: 'server_error',
  529: 'server_error',
};
const CODES: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 404: 'model_not_found', 429: 'rate_limit_exceeded' };
const MESSAGES: Readonly<Record<number, string>> = {
  429: 'Rate limit reached for requests. Please try again later.',
  500: 'The server had an error while processing your request. Sorry about that!',
  503: 'The engine is currently overloaded, please try again later.',
};

/** What the emulator is started with. */
export interface OpenAIEmulatorOptions extends ModelEmulatorOptions {
  /** Of its models, those that reason: they refuse `max_tokens` and any temperature but 1. */
  readonly reasoningModels?: readonly string[];
  /** Of these, those that over chat completions call tools only with `reasoning_effort` `none`, as since GPT-5.6. */
  readonly responsesToolModels?: readonly string[];
}

/**
 * The emulator. Point `baseUrl` of a provider, or of the vendor's own client, at its `baseUrl`.
 * @example
 * await using vendor = await OpenAIEmulator.start({ script: ['Hello!'] });
 * const provider = new OpenAIAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.baseUrl });
 */
export class OpenAIEmulator extends ModelEmulator {
  readonly #known: Known;
  readonly #sealed = new SealedReasoning();

  private constructor(options: OpenAIEmulatorOptions) {
    super(options);
    this.#known = {
      models: this.models,
      contextWindow: this.contextWindow,
      reasoningModels: options.reasoningModels ?? [],
      responsesToolModels: options.responsesToolModels ?? [],
    };
  }

  /** Starts one on a free port. */
  static async start(options: OpenAIEmulatorOptions = {}): Promise<OpenAIEmulator> {
    const emulator = new OpenAIEmulator(options);
    await emulator.listen();
    return emulator;
  }

  /** Its `url` and the path of the API: `http://127.0.0.1:PORT/v1`. */
  get baseUrl(): string {
    return `${this.url}/v1`;
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const headers = { 'x-request-id': `req_${randomUUID().replaceAll('-', '')}` };
    try {
      this.#authenticate(request);
      const path = request.path.split('?')[0] ?? '';
      if (request.method === 'GET' && path === '/v1/models') await sendJson(response, 200, this.#modelList(), {}, headers);
      else if (request.method === 'POST' && path === '/v1/chat/completions') await this.#chat(request, response, headers);
      else if (request.method === 'POST' && path === '/v1/responses') await this.#responses(request, response, headers);
      else throw new Refusal(404, 'invalid_request_error', `Invalid URL (${request.method} ${path})`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, type, message, param, code } = error;
      await sendJson(response, status, { error: { message, type, param, code } }, {}, headers);
    }
  }

  async #chat(request: RecordedRequest, response: ServerResponse, headers: Readonly<Record<string, string>>): Promise<void> {
    const asked = checkChat(request, this.#known);
    const reply = this.nextReply(asked);
    if (isFailure(reply)) {
      await reply.hold;
      await sendFailure(response, reply.failure, headers);
      return;
    }
    const completion = completionOf(reply, asked);
    if (!asked.isStreamed) await sendJson(response, 200, wholeOf(completion), reply, headers);
    else await sendEvents(response, chunksOf(completion, reply, asked), reply, () => failureChunk(reply.failAfter?.failure), headers);
  }

  async #responses(request: RecordedRequest, response: ServerResponse, headers: Readonly<Record<string, string>>): Promise<void> {
    const asked = checkResponses(request, this.#known, this.#sealed);
    const reply = this.nextReply(asked);
    if (isFailure(reply)) {
      await reply.hold;
      await sendFailure(response, reply.failure, headers);
      return;
    }
    const whole = responseOf(reply, asked, this.#known.reasoningModels.includes(asked.model), this.#sealed);
    if (!asked.isStreamed) await sendJson(response, 200, whole, reply, headers);
    else await sendEvents(response, responseEvents(whole, reply), reply, () => failureEvent(whole, reply.failAfter), headers);
  }

  #authenticate({ headers }: RecordedRequest): void {
    const key = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (key === undefined)
      throw new Refusal(
        401,
        'invalid_request_error',
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
      );
    if (key !== this.apiKey)
      throw new Refusal(
        401,
        'invalid_request_error',
        `Incorrect API key provided: ${masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
        null,
        'invalid_api_key',
      );
  }

  #modelList(): unknown {
    return { object: 'list', data: this.models.map((id) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'openai' })) };
  }
}

/** As the vendor shows a key: its ends, and stars between. */
function masked(key: string): string {
  return `${key.slice(0, 3)}${'*'.repeat(Math.max(4, key.length - 6))}${key.length > 6 ? key.slice(-3) : ''}`;
}

/** The body of a failure that was scripted. */
export function errorBody({ status, type, message }: ScriptedFailure): { message: string; type: string; param: null; code: string | null } {
  return {
    message: message ?? MESSAGES[status] ?? 'The request failed.',
    type: type ?? TYPES[status] ?? 'invalid_request_error',
    param: null,
    code: type ?? CODES[status] ?? null,
  };
}

export async function sendFailure(response: ServerResponse, failure: ScriptedFailure, headers: Readonly<Record<string, string>>): Promise<void> {
  await sendJson(
    response,
    failure.status,
    { error: errorBody(failure) },
    {},
    { ...headers, ...(failure.retryAfterSeconds !== undefined && { 'retry-after': String(failure.retryAfterSeconds) }) },
  );
}

/** What the server could not do is the end of the response; anything else is an error beside it. */
function failureEvent(response: Response, failAfter: Pacing['failAfter']): ServerEvent {
  const { events: sequence_number = 0, failure = { status: 500 } } = failAfter ?? {};
  const { message, code, type } = errorBody(failure);
  if (failure.status >= 500) {
    const failed = { ...response, status: 'failed', output: [], usage: null, error: { code: code ?? type, message } };
    return { event: 'response.failed', data: { type: 'response.failed', sequence_number, response: failed } };
  }
  return { event: 'error', data: { type: 'error', sequence_number, code, message, param: null } };
}

function failureChunk(failure: ScriptedFailure | undefined): ServerEvent {
  return { data: { error: errorBody(failure ?? { status: 500 }) } };
}

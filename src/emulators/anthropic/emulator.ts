/**
 * Anthropic's Messages API on loopback: real HTTP and server-sent events, refusing what the vendor refuses.
 * @see https://platform.claude.com/docs/en/api/messages
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { sendEvents, sendJson } from '../event-stream.js';
import type { RecordedRequest } from '../loopback.js';
import { ModelEmulator, type ModelEmulatorOptions } from '../model-emulator.js';
import { Refusal } from '../problem.js';
import { isFailure, type ScriptedFailure } from '../script.js';
import { eventsOf, messageOf } from './answers.js';
import { checkRequest } from './check-request.js';
import { Signatures } from './signatures.js';

/** Every version of the API that is served. */
const VERSIONS = ['2023-06-01', '2026-10-21'];

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const MESSAGES: Readonly<Record<number, string>> = {
  429: "This request would exceed your organization's rate limit.",
  500: 'Internal server error',
  529: 'Overloaded',
};

/** What the emulator is started with. */
export interface AnthropicEmulatorOptions extends ModelEmulatorOptions {
  /** Of its models, those that decide by themselves how much they think, and refuse to be given a budget. */
  readonly adaptiveModels?: readonly string[];
}

/**
 * The emulator. Point `baseUrl` of a provider, or of the vendor's own client, at its `url`.
 * @example
 * await using vendor = await AnthropicEmulator.start({ script: ['Hello!'] });
 * const provider = new AnthropicAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.url });
 */
export class AnthropicEmulator extends ModelEmulator {
  readonly #signatures = new Signatures();
  readonly #adaptiveModels: readonly string[];

  private constructor(options: AnthropicEmulatorOptions) {
    super(options);
    this.#adaptiveModels = options.adaptiveModels ?? [];
  }

  /** Starts one on a free port. */
  static async start(options: AnthropicEmulatorOptions = {}): Promise<AnthropicEmulator> {
    const emulator = new AnthropicEmulator(options);
    await emulator.listen();
    return emulator;
  }

  protected async answer(request: RecordedRequest, response: ServerResponse): Promise<void> {
    const requestId = `req_${randomUUID().replaceAll('-', '').slice(0, 24)}`;
    try {
      this.#authenticate(request);
      const asked = checkRequest(request, {
        models: this.models,
        contextWindow: this.contextWindow,
        signatures: this.#signatures,
        adaptiveModels: this.#adaptiveModels,
      });
      const reply = this.nextReply(asked);
      if (isFailure(reply)) {
        await reply.hold;
        await sendFailure(response, reply.failure, requestId);
        return;
      }
      const message = messageOf(reply, asked, this.#signatures);
      const headers = { 'request-id': requestId };
      if (!asked.isStreamed) await sendJson(response, 200, message, reply, headers);
      else await sendEvents(response, eventsOf(message, reply), reply, () => failureEvent(reply.failAfter?.failure), headers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      await sendFailure(response, { status: error.status, type: error.type, message: error.message }, requestId);
    }
  }

  #authenticate({ method, path, headers }: RecordedRequest): void {
    if (method !== 'POST' || path.split('?')[0] !== '/v1/messages') throw new Refusal(404, 'not_found_error', 'Not Found');
    // The clients sent it as x-api-key until 2026-10-21, and as a bearer token since; the vendor takes both.
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    const key = headers['x-api-key'] ?? bearer;
    if (key === undefined) throw new Refusal(401, 'authentication_error', 'x-api-key header is required');
    if (key !== this.apiKey) throw new Refusal(401, 'authentication_error', bearer === undefined ? 'invalid x-api-key' : 'Invalid bearer token');
    const version = headers['anthropic-version'];
    if (version === undefined) throw new Refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
    if (!VERSIONS.includes(String(version)))
      throw new Refusal(400, 'invalid_request_error', `anthropic-version: "${String(version)}" is not a valid version`);
  }
}

function errorBody({ status, type, message }: ScriptedFailure): { type: 'error'; error: { type: string; message: string } } {
  return { type: 'error', error: { type: type ?? TYPES[status] ?? 'api_error', message: message ?? MESSAGES[status] ?? 'Error' } };
}

async function sendFailure(response: ServerResponse, failure: ScriptedFailure, requestId: string): Promise<void> {
  await sendJson(
    response,
    failure.status,
    { ...errorBody(failure), request_id: requestId },
    {},
    {
      'request-id': requestId,
      ...(failure.retryAfterSeconds !== undefined && { 'retry-after': String(failure.retryAfterSeconds) }),
    },
  );
}

function failureEvent(failure: ScriptedFailure | undefined): { event: string; data: unknown } {
  return { event: 'error', data: errorBody(failure ?? { status: 529 }) };
}

/** The package `openai` as a connection to any server that speaks its protocol: loaded when it is first needed, its failures in our words. */
import type * as OpenAIModule from 'openai';
import type OpenAI from 'openai';
import type { GenerateOptions } from '../../../ai/provider.js';
import { AbortedError, ProviderError } from '../../../core/errors.js';
import type { AIContext } from '../../../core/models/ai.js';
import { withTrace } from '../../../core/telemetry/outgoing.js';
import type { Secret } from '../../../core/telemetry/secret.js';
import { checkKey } from '../ai/api-key.js';
import { interrupted, providerError } from '../ai/failure.js';
import { hideKey } from '../ai/hidden-key.js';
import { loadPeer } from '../peer.js';

/** Words of servers for a failure that passes, where there is no status any more: in mid-stream, and in a response that failed. */
const PASSING = new Set([
  'server_error',
  'internal_error',
  'internal_server_error',
  'rate_limit_exceeded',
  'rate_limit_error',
  'overloaded_error',
  'service_unavailable',
  'timeout',
  'vector_store_timeout',
  'InternalServerError',
  'ServiceUnavailable',
]);
/** Words of servers that say more than the status beside them, or that come without one. */
const CODES: Readonly<Record<string, string>> = {
  model_not_found: 'model_not_found',
  context_length_exceeded: 'context_overflow',
  insufficient_quota: 'quota_exceeded',
  billing_hard_limit_reached: 'quota_exceeded',
  rate_limit_exceeded: 'rate_limit',
  rate_limit_error: 'rate_limit',
  timeout: 'timeout',
  invalid_prompt: 'invalid_request',
  invalid_request_error: 'invalid_request',
};
/** These go before any status, and are for good. */
const SPECIFIC = new Set(['model_not_found', 'context_overflow', 'quota_exceeded']);

export interface ConnectionSettings {
  /** As the user knows it: the provider's class or function. */
  readonly feature: string;
  /** As in `source.provider`. */
  readonly provider: string;
  readonly key: Secret | undefined;
  readonly baseUrl: string;
  readonly timeoutSeconds: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** In the place of all that. */
  readonly client?: OpenAI | undefined;
}

interface Sdk {
  readonly module: typeof OpenAIModule;
  readonly client: OpenAI;
}

export class OpenAIConnection {
  #sdk: Promise<Sdk> | undefined;

  constructor(private readonly settings: ConnectionSettings) {}

  get provider(): string {
    return this.settings.provider;
  }

  /** One answer in one piece. */
  async ask<Answer>(
    context: AIContext,
    options: GenerateOptions | undefined,
    run: (client: OpenAI, requestOptions: OpenAI.RequestOptions) => Promise<Answer>,
    help?: Help,
  ): Promise<Answer> {
    const { module, client } = await this.#open();
    try {
      return await run(client, requestOptions(context, options));
    } catch (error) {
      throw hideKey(this.#failureOf(module, error, false, help), this.settings.key, context);
    }
  }

  /** One answer, event by event. */
  async *stream<Item>(
    context: AIContext,
    options: GenerateOptions | undefined,
    run: (client: OpenAI, requestOptions: OpenAI.RequestOptions) => Promise<AsyncIterable<unknown>>,
    read: (events: AsyncIterable<unknown>) => AsyncIterable<Item>,
    help?: Help,
  ): AsyncGenerator<Item, void> {
    const { module, client } = await this.#open();
    let hasBegun = false;
    try {
      const events = await run(client, requestOptions(context, options));
      hasBegun = true;
      yield* read(events);
    } catch (error) {
      // The package ends its events in silence when it is aborted: what looks broken off was left.
      if (options?.signal?.aborted === true && !(error instanceof AbortedError))
        throw new AbortedError('The request to the model was aborted.', { cause: error });
      throw hideKey(this.#failureOf(module, error, hasBegun, help), this.settings.key, context);
    }
  }

  #open(): Promise<Sdk> {
    return (this.#sdk ??= this.#load());
  }

  async #load(): Promise<Sdk> {
    const { feature, key, baseUrl, headers, timeoutSeconds, client } = this.settings;
    try {
      const module = await loadPeer(feature, 'openai', () => import('openai'));
      if (client !== undefined) return { module, client };
      const made = new module.default({
        apiKey: key?.reveal() ?? null,
        // Nothing of these from the environment: where the key goes, and who pays, is said in the program.
        baseURL: baseUrl,
        adminAPIKey: null,
        organization: null,
        project: null,
        timeout: timeoutSeconds * 1000,
        maxRetries: 0, // retries are the agent's: it knows whether anything was shown (AI-09)
        logLevel: 'off', // what fails is thrown; a library prints nothing
        ...(headers !== undefined && { defaultHeaders: headers }),
      });
      return { module, client: made };
    } catch (error) {
      this.#sdk = undefined; // once the package is installed, the next turn finds it
      throw error;
    }
  }

  #failureOf(module: Sdk['module'], error: unknown, hasBegun: boolean, help: Help | undefined): unknown {
    const { provider } = this.settings;
    if (error instanceof ProviderError) return error;
    if (error instanceof module.APIUserAbortError) return new AbortedError('The request to the model was aborted.', { cause: error });
    if (error instanceof module.APIConnectionTimeoutError) return providerError({ provider, code: 'timeout', retryable: true, cause: error });
    if (error instanceof module.APIConnectionError) return providerError({ provider, code: 'network_error', retryable: true, cause: error });
    if (error instanceof module.APIError) return apiFailure(provider, error as OpenAIModule.APIError, help);
    // The socket was cut while the answer was coming, or what came was none: the package trips over it.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) return error;
    return hasBegun ? interrupted(provider, error) : providerError({ provider, code: 'invalid_response', retryable: false, cause: error });
  }
}

/** What to add to the error of a refused request; `param` is the field that the server names. */
export type Help = (refused: { readonly status: number | undefined; readonly param: string | undefined }) => string | undefined;

function apiFailure(provider: string, error: OpenAIModule.APIError, help: Help | undefined): ProviderError {
  // Servers that are only compatible give numbers as codes, and texts as errors.
  const code: unknown = error.code;
  const said = wordOf(code) ?? wordOf(error.type);
  const status = error.status ?? (typeof code === 'number' && code >= 400 && code < 600 ? code : undefined);
  return failureOf(
    provider,
    { code: said, status, message: error.message, headers: error.headers, cause: error },
    help?.({ status, param: wordOf(error.param) }),
  );
}

interface Said {
  readonly code: string | undefined;
  readonly status?: number | undefined;
  readonly message?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly cause: unknown;
}

/** The error of a code that the server gave, with a status or, in mid-stream, without. */
export function failureOf(provider: string, { code: said, status, message, headers, cause }: Said, help?: string): ProviderError {
  const meant = said === undefined ? undefined : CODES[said];
  // With a status that is clear by itself, a general word adds nothing.
  const code = status === undefined ? (meant ?? 'provider_error') : meant !== undefined && SPECIFIC.has(meant) ? meant : undefined;
  const passes = status === undefined && said !== undefined && PASSING.has(said);
  return providerError({
    provider,
    status,
    type: said,
    message,
    headers,
    cause,
    help,
    ...(code !== undefined && { code }),
    ...(code !== undefined && SPECIFIC.has(code) ? { retryable: false } : passes && { retryable: true }),
  });
}

/** A word, not prose: it may stand in an error's message. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.[\]-]{1,80}$/.test(value) ? value : undefined;
}

function requestOptions(context: AIContext, options: GenerateOptions | undefined): OpenAI.RequestOptions {
  const signal = options?.signal;
  const key = context.metadata?.['api_key'];
  if (typeof key === 'string') checkKey('The api_key of this call', key);
  const headers = withTrace(typeof key === 'string' ? { authorization: `Bearer ${key}` } : undefined);
  return { ...(signal !== undefined && { signal }), ...(headers !== undefined && { headers }) };
}

/** Anthropic's models behind the kit's contract (AI-11, providers §8). */
import type * as AnthropicModule from '@anthropic-ai/sdk';
import type Anthropic from '@anthropic-ai/sdk';
import type { AIProvider, GenerateOptions } from '../../ai/provider.js';
import { AbortedError } from '../../core/errors.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import type { RetryPolicy } from '../../core/models/delivery.js';
import { withTrace } from '../../core/telemetry/outgoing.js';
import type { Secret } from '../../core/telemetry/secret.js';
import { apiKeyOf } from '../_shared/ai/api-key.js';
import { interrupted, isRetryableStatus, providerError } from '../_shared/ai/failure.js';
import { hideKey } from '../_shared/ai/hidden-key.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { loadPeer } from '../_shared/peer.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { answerOf, itemsOf } from './answer.js';
import { checkAnthropicConfig, type AnthropicConfig } from './config.js';
import { requestOf } from './request.js';

const NAME = 'anthropic';
/** Longest name of a tool. */
const MAX_TOOL_NAME = 128;
/** Kinds of errors that a stream may report after it has begun, when there is no status any more. */
const RETRYABLE_TYPES = new Set(['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error']);

interface Sdk {
  readonly module: typeof AnthropicModule;
  readonly client: Anthropic;
}

/**
 * Claude, by the Messages API: text, images, tools, thinking, streaming.
 * @example new Agent('helper', { provider: new AnthropicAIProvider({ model: 'claude-…' }), systemPrompt: 'You help.' })
 */
export class AnthropicAIProvider implements AIProvider {
  readonly name = NAME;
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  readonly supportsImageResults: boolean;
  readonly retryPolicy: RetryPolicy;
  readonly #config: AnthropicConfig;
  readonly #key: Secret | undefined;
  #sdk: Promise<Sdk> | undefined;

  constructor(config: AnthropicConfig) {
    checkAnthropicConfig(config);
    const { apiKey, ...rest } = config;
    this.#config = rest;
    this.#key = config.client === undefined ? apiKeyOf('AnthropicAIProvider', apiKey, ['ANTHROPIC_API_KEY']) : undefined;
    this.modelName = config.model;
    this.supportsVision = config.vision ?? true; // every Claude that is still served reads images
    this.supportsImageResults = this.supportsVision;
    this.retryPolicy = config.retryPolicy ?? MODEL_RETRY_POLICY;
  }

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const { module, client } = await this.#client();
    try {
      return answerOf(await client.messages.create(requestOf(context, this.#config, names), requestOptions(context, options)), names);
    } catch (error) {
      throw hideKey(failureOf(module, error, false), this.#key, context);
    }
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const { module, client } = await this.#client();
    let hasBegun = false;
    try {
      const events = await client.messages.create({ ...requestOf(context, this.#config, names), stream: true }, requestOptions(context, options));
      hasBegun = true;
      yield* itemsOf(events, names);
    } catch (error) {
      throw hideKey(failureOf(module, error, hasBegun), this.#key, context);
    }
  }

  #client(): Promise<Sdk> {
    return (this.#sdk ??= this.#load());
  }

  async #load(): Promise<Sdk> {
    const { client, baseUrl, headers, timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = this.#config;
    try {
      const module = await loadPeer('AnthropicAIProvider', '@anthropic-ai/sdk', () => import('@anthropic-ai/sdk'));
      if (client !== undefined) return { module, client };
      const made = new module.default({
        apiKey: this.#key?.reveal() ?? null,
        authToken: null,
        // Never from ANTHROPIC_BASE_URL: where the key goes is said in the program.
        baseURL: baseUrl ?? 'https://api.anthropic.com',
        timeout: timeoutSeconds * 1000,
        maxRetries: 0, // retries are the agent's: it knows whether anything was shown (AI-09)
        ...(headers !== undefined && { defaultHeaders: headers }),
      });
      return { module, client: made };
    } catch (error) {
      this.#sdk = undefined; // once the package is installed, the next turn finds it
      throw error;
    }
  }
}

function requestOptions(context: AIContext, options: GenerateOptions | undefined): Anthropic.RequestOptions {
  const signal = options?.signal;
  const key = context.metadata?.['api_key'];
  const headers = withTrace(typeof key === 'string' ? { authorization: `Bearer ${key}` } : undefined);
  return { ...(signal !== undefined && { signal }), ...(headers !== undefined && { headers }) };
}

function failureOf(module: Sdk['module'], error: unknown, hasBegun: boolean): unknown {
  if (error instanceof module.APIUserAbortError) return new AbortedError('The request to the model was aborted.', { cause: error });
  if (error instanceof module.APIConnectionTimeoutError) return providerError({ provider: NAME, code: 'timeout', retryable: true, cause: error });
  if (error instanceof module.APIConnectionError) return providerError({ provider: NAME, code: 'network_error', retryable: true, cause: error });
  if (error instanceof module.APIError) {
    const failure = error as AnthropicModule.APIError;
    const type = failure.type ?? undefined;
    const { status } = failure;
    return providerError({
      provider: NAME,
      status,
      type,
      message: failure.apiMessage ?? failure.message,
      headers: failure.headers,
      cause: error,
      ...(status === undefined && { code: type ?? 'provider_error' }),
      ...((status === undefined || !isRetryableStatus(status)) && type !== undefined && RETRYABLE_TYPES.has(type) && { retryable: true }),
    });
  }
  // The socket was cut while the answer was coming.
  if (hasBegun && error instanceof TypeError) return interrupted(NAME, error);
  return error;
}

/** OpenAI's models behind the kit's contract (AI-11, providers §8). */
import type { AIProvider, GenerateOptions } from '../../ai/provider.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import type { RetryPolicy } from '../../core/models/delivery.js';
import { apiKeyOf } from '../_shared/ai/api-key.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { ChatCompletions, type ModelApi } from '../_shared/openai-chat/completions.js';
import { OpenAIConnection, type Help } from '../_shared/openai-chat/connection.js';
import type { ChatDialect } from '../_shared/openai-chat/dialect.js';
import { traitsOf, type ModelTraits } from './catalogue.js';
import { checkOpenAIConfig, type OpenAIConfig } from './config.js';
import { Responses } from './responses.js';

const FEATURE = 'OpenAIAIProvider';

/**
 * GPT and its kin, by chat completions or the responses API: text, images, tools, reasoning, streaming.
 * @example new Agent('helper', { provider: new OpenAIAIProvider({ model: 'gpt-…' }), systemPrompt: 'You help.' })
 */
export class OpenAIAIProvider implements AIProvider {
  readonly name = 'openai';
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  readonly supportsImageResults: boolean;
  readonly retryPolicy: RetryPolicy;
  readonly #api: ModelApi;

  constructor(config: OpenAIConfig) {
    checkOpenAIConfig(config);
    const { apiKey, ...rest } = config;
    const connection = new OpenAIConnection({
      feature: FEATURE,
      provider: this.name,
      key: config.client === undefined ? apiKeyOf(FEATURE, apiKey, ['OPENAI_API_KEY']) : undefined,
      baseUrl: config.baseUrl ?? 'https://api.openai.com/v1',
      timeoutSeconds: config.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
      headers: config.headers,
      client: config.client,
    });
    const traits = traitsOf(config.model);
    const reasons = config.reasoning ?? traits.reasons;
    const isResponses = (config.api ?? (traits.chatTools === 'none' ? 'responses' : 'chat')) === 'responses';
    this.#api = isResponses
      ? new Responses(connection, { ...rest, reasons })
      : new ChatCompletions(connection, dialectOf(rest, traits, reasons), help);
    this.modelName = config.model;
    this.supportsVision = config.vision ?? traits.vision;
    this.supportsImageResults = isResponses && this.supportsVision;
    this.retryPolicy = config.retryPolicy ?? MODEL_RETRY_POLICY;
  }

  generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    return this.#api.generate(context, options);
  }

  generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    return this.#api.generateStream(context, options);
  }
}

function dialectOf(config: OpenAIConfig, traits: ModelTraits, reasons: boolean): ChatDialect {
  const { model, maxTokens, temperature, reasoningEffort, strictTools } = config;
  return {
    model,
    maxTokens,
    temperature,
    reasons,
    effortOf: (hasTools) => {
      if (!reasons || reasoningEffort !== undefined) return reasoningEffort;
      // Left out, the model would reason, and this API refuses that beside tools.
      return hasTools && traits.chatTools === 'without_effort' ? 'none' : undefined;
    },
    strictTools: strictTools ?? true,
    asksForUsage: true,
    thinkTags: false,
    userBegins: false,
    body: { store: false }, // accounts made lately would keep each answer
  };
}

const help: Help = ({ status, param }) =>
  status === 400 && param === 'reasoning_effort'
    ? "Newer models call tools over chat completions only with reasoningEffort 'none', some not even then; pass { api: 'responses' }."
    : undefined;

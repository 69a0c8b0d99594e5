/** Models of any server that speaks chat completions, behind the kit's contract (AIP-07). */
import type { AIProvider } from '../../ai/provider.js';
import { Secret } from '../../core/telemetry/secret.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { ChatCompletions } from '../_shared/openai-chat/completions.js';
import { OpenAIConnection } from '../_shared/openai-chat/connection.js';
import { checkVllmConfig, type VllmConfig } from './config.js';

/** What {@link createVllmProvider} gives. */
export type VllmProvider = AIProvider & Required<Pick<AIProvider, 'generateStream' | 'retryPolicy'>>;

/**
 * The model of a server of your own: vLLM, or any other that speaks chat completions. Thoughts are told from words, whether the
 * server gives them apart or the model writes them between `<think>` tags.
 * @example new Agent('helper', { provider: createVllmProvider({ model: 'Qwen/Qwen3-8B' }), systemPrompt: 'You help.' })
 */
export function createVllmProvider(config: VllmConfig): VllmProvider {
  checkVllmConfig(config);
  const { model, maxTokens, temperature, reasoningEffort, body } = config;
  const connection = new OpenAIConnection({
    feature: 'createVllmProvider',
    provider: 'vllm',
    key: new Secret(config.apiKey ?? 'none'),
    baseUrl: config.baseUrl ?? 'http://localhost:8000/v1',
    timeoutSeconds: config.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    headers: config.headers,
  });
  const api = new ChatCompletions(connection, {
    model,
    maxTokens,
    temperature,
    reasons: false,
    effortOf: () => reasoningEffort,
    strictTools: false,
    asksForUsage: config.streamUsage ?? false,
    thinkTags: config.startsThinking === true ? 'begins' : true,
    userBegins: true,
    body,
  });
  return {
    name: 'vllm',
    modelName: model,
    supportsVision: config.vision ?? false,
    supportsStreaming: true,
    supportsTools: true,
    retryPolicy: config.retryPolicy ?? MODEL_RETRY_POLICY,
    generate: (context, options) => api.generate(context, options),
    generateStream: (context, options) => api.generateStream(context, options),
  };
}

/**
 * `roomkit/vllm`: any server that speaks chat completions, such as vLLM, as the model of agents. Needs the package `openai`.
 * @module roomkit/vllm
 */
export { createVllmProvider, type VllmProvider } from './provider.js';
export type { VllmConfig } from './config.js';
export type { ReasoningEffort } from '../_shared/openai-chat/dialect.js';
export type { ModelConfig } from '../_shared/ai/options.js';

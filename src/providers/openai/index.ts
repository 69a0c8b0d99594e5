/**
 * `roomkit/openai`: OpenAI's models as the models of agents. Needs the package `openai`.
 * @module roomkit/openai
 */
export { OpenAIAIProvider } from './provider.js';
export type { OpenAIConfig } from './config.js';
export type { ReasoningEffort } from '../_shared/openai-chat/dialect.js';
export type { ModelConfig } from '../_shared/ai/options.js';

/**
 * `roomkit/anthropic`: Claude as the model of agents. Needs the package `@anthropic-ai/sdk`.
 * @module roomkit/anthropic
 */
export { AnthropicAIProvider } from './provider.js';
export type { AnthropicConfig } from './config.js';
export type { ModelConfig } from '../_shared/ai/options.js';

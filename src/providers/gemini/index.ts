/**
 * `roomkit/gemini`: Gemini as the model of agents. Needs the package `@google/genai`.
 * @module roomkit/gemini
 */
export { GeminiAIProvider } from './provider.js';
export type { GeminiConfig, GeminiThinkingLevel } from './config.js';
export type { ModelConfig } from '../_shared/ai/options.js';

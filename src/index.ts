/**
 * `import 'roomkit'`: the engine, text channels, agents and orchestration. Loads no npm package.
 * @module roomkit
 */
export * from './core/index.js';
export * from './channels/index.js';
export * from './ai/index.js';
export * from './orchestration/index.js';
export { getAgentsMd, getAiContext, getLlmsTxt } from './ai-documents.js';

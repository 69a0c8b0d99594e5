/**
 * `roomkit/ai-sdk`: any language model of the AI SDK as the model of agents. Needs nothing but that model's own package.
 * @module roomkit/ai-sdk
 */
export { AISDKProvider } from './provider.js';
export type { AISDKConfig } from './config.js';
export type { AISDKCallOptions, AISDKFinish, AISDKGenerated, AISDKModel, AISDKPart, AISDKUsage } from './model.js';

/**
 * `roomkit/pydantic-ai`: an agent that is served elsewhere, by Pydantic AI or anything else that speaks AG-UI, as the model
 * of an agent here. Needs no package.
 * @module roomkit/pydantic-ai
 */
export { PydanticAIProvider } from './provider.js';
export type { PydanticAIConfig } from './config.js';
export type { PydanticAIAgent, PydanticAIRunOptions, PydanticAIRunResult } from './agent.js';

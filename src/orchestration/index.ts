/** Orchestration: who answers, in which phase, and how a conversation changes hands (behaviour §19). */
export type { OrchestrationKit } from './orchestration-kit.js';
export { ConversationRouter, type ConversationRouterOptions, type RoutingConditions, type RoutingRule } from './router.js';
export {
  ConversationPipeline,
  type ConversationPipelineOptions,
  type PipelineAgent,
  type PipelineInstallOptions,
  type PipelineStage,
} from './pipeline.js';
export {
  HandoffHandler,
  setupHandoff,
  type HandoffAgent,
  type HandoffChannel,
  type HandoffHandlerOptions,
  type HandoffRequest,
  type HandoffResult,
} from './handoff.js';
export { HANDOFF_TOOL_NAME, handoffTool, type ChannelEscalation, type HandoffArguments, type HandoffTarget } from './handoff-tool.js';

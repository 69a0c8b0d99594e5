/** Agents: language models as channels, their tools, memories and test doubles. */
export { AIChannel } from './ai-channel.js';
export type { AIChannelOptions } from './ai-channel-options.js';
export { Agent, type AgentOptions } from './agent.js';
export { streamFrom, type AIProvider, type GenerateOptions } from './provider.js';
export { messageText, MockAIProvider, type MockAIProviderOptions, type ScriptedReply } from './mock-provider.js';
export type { MemoryOptions, MemoryProvider, MemoryResult } from './memory/memory.js';
export { SlidingWindowMemory, type SlidingWindowOptions } from './memory/sliding-window.js';
export { HandoffMemoryProvider } from './memory/handoff.js';
export { BudgetAwareMemory, type BudgetOptions } from './memory/budget-aware.js';
export { MockMemoryProvider, type MemoryCall, type MockMemoryOptions } from './memory/mock.js';
export type { SteeringDirective, SteeringTarget } from './steering.js';
export type { ArgumentsOf } from './tools/arguments-of.js';
export { composeToolHandlers, unknownTool, type ToolHandler } from './tools/compose.js';
export { defineTool, type ToolOptions } from './tools/define-tool.js';
export { endTurn, type EndOfTurn } from './tools/end-turn.js';
export { READ_TOOL_RESULT, ToolError } from './tools/results.js';
export type { ToolPolicy, ToolRules } from './tools/policy.js';
export type { OutputOf, StandardIssue, StandardResult, StandardSchema } from './tools/standard-schema.js';

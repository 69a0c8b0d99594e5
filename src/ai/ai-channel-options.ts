/** What an AI channel is made with, and what of it makes no sense. */
import { ValidationError } from '../core/errors.js';
import type { AITool } from '../core/models/ai.js';
import { checkAISettings, checkTools } from '../core/models/ai-validation.js';
import { checkRetryPolicy } from '../core/delivery/retry.js';
import type { CollisionConfig, RetryPolicy } from '../core/models/delivery.js';
import type { Budget } from '../core/models/usage.js';
import { checkBudget } from '../core/usage/budget.js';
import { checkCollision } from '../core/turns/collision.js';
import type { LoopLimits } from './loop-parts.js';
import type { MemoryProvider } from './memory/memory.js';
import type { AIProvider } from './provider.js';
import type { ScriptExecutor } from './skills/executor.js';
import { SkillRegistry } from './skills/registry.js';
import { SKILL_TOOLS } from './skills/skill-tools.js';
import type { ToolHandler } from './tools/compose.js';
import type { ToolPolicy } from './tools/policy.js';
import { MIN_TOOL_RESULT_CHARS, READ_TOOL_RESULT } from './tools/results.js';

/** What an AI channel is made with. Rooms and bindings may override prompt, temperature, length and tools (AI-02). */
export interface AIChannelOptions {
  /** The model. */
  readonly provider: AIProvider;
  /** What the model is told first. Rooms and bindings may put another in its place. */
  readonly systemPrompt?: string;
  /** Absent: the provider's configuration decides. */
  readonly temperature?: number;
  /** Absent: the provider's configuration decides. */
  readonly maxTokens?: number;
  /** How many events of history a context holds. Default: what the memory wants, else 50. */
  readonly maxContextEvents?: number;
  /** What the model may use; each has a name of its own. */
  readonly tools?: readonly AITool[];
  /** Runs tools that bring no handler of their own. */
  readonly toolHandler?: ToolHandler;
  /** Which tools, for whom; default all (TL-10). */
  readonly toolPolicy?: ToolPolicy;
  /** What it may activate (§23); several agents may share one registry. */
  readonly skills?: SkillRegistry;
  /** Runs the scripts of skills; without one they are not offered. */
  readonly scriptExecutor?: ScriptExecutor;
  /** Default 10; 0: tools are never run. */
  readonly maxToolRounds?: number;
  /** Default 300. */
  readonly loopTimeoutSeconds?: number;
  /** One tool call; default 30. */
  readonly toolTimeoutSeconds?: number;
  /** Default 32. */
  readonly maxToolCallsPerRound?: number;
  /** Longer results are paged; default 20000, at least 200. */
  readonly maxToolResultChars?: number;
  /** Whether the calls of a round run side by side; default true. */
  readonly parallelTools?: boolean;
  /** Default: `SlidingWindowMemory` of `maxContextEvents`. */
  readonly memory?: MemoryProvider;
  /** Retries of failed generations; default what the provider says: two for the vendors' models, none for `MockAIProvider`. */
  readonly retryPolicy?: RetryPolicy;
  /** Asked when the provider fails for good with a retryable error. */
  readonly fallbackProvider?: AIProvider;
  /** What the agent may use in a turn, in a room, on a day; the room's `aiConfig` may have one of its own (USG-03). Default: no limit. */
  readonly budget?: Budget;
  /** What happens to a message that comes while a turn runs; the binding's and the room's win. */
  readonly collision?: CollisionConfig;
  /** Whether closing the channel closes providers and memory; default true. */
  readonly ownsProvider?: boolean;
}

const DEFAULT_WINDOW = 50;

/** How much history the channel asks for: what it was told, else what its memory wants. */
export function windowOf(options: AIChannelOptions): number {
  return wholeNumber('maxContextEvents', options.maxContextEvents, options.memory?.maxEvents ?? DEFAULT_WINDOW);
}

export function limitsOf(options: AIChannelOptions): LoopLimits {
  checkCollision(options.collision);
  checkAISettings(options);
  checkRetryPolicy(options.retryPolicy);
  checkBudget(options.budget);
  return {
    maxToolRounds: wholeNumber('maxToolRounds', options.maxToolRounds, 10),
    loopTimeoutSeconds: seconds('loopTimeoutSeconds', options.loopTimeoutSeconds, 300),
    toolTimeoutSeconds: seconds('toolTimeoutSeconds', options.toolTimeoutSeconds, 30),
    maxToolCallsPerRound: wholeNumber('maxToolCallsPerRound', options.maxToolCallsPerRound, 32, 1),
    maxToolResultChars: wholeNumber('maxToolResultChars', options.maxToolResultChars, 20_000, MIN_TOOL_RESULT_CHARS),
    parallelTools: options.parallelTools ?? true,
  };
}

function wholeNumber(name: string, given: number | undefined, otherwise: number, least = 0): number {
  const value = given ?? otherwise;
  if (!Number.isInteger(value) || value < least)
    throw new ValidationError(`Option ${name} is ${String(value)}. Give a whole number of ${least} or more; default ${otherwise}.`);
  return value;
}

function seconds(name: string, given: number | undefined, otherwise: number): number {
  const value = given ?? otherwise;
  if (!Number.isFinite(value) || value <= 0)
    throw new ValidationError(`Option ${name} is ${String(value)}. Give seconds above 0; default ${otherwise}.`);
  return value;
}

/** What a provider, a fallback or a memory cannot do without. */
export function checkParts(channelId: string, options: AIChannelOptions | undefined): void {
  if (typeof options?.provider?.generate !== 'function') {
    throw new ValidationError(`AIChannel '${channelId}' needs a provider. Pass { provider: new MockAIProvider() } or a real one.`);
  }
  const { fallbackProvider, memory, toolHandler, skills, scriptExecutor } = options;
  if (fallbackProvider !== undefined && typeof fallbackProvider.generate !== 'function') {
    throw new ValidationError(`The fallbackProvider of '${channelId}' is no provider: it has no generate(). Pass one like the provider.`);
  }
  if (memory !== undefined && typeof memory.retrieve !== 'function') {
    throw new ValidationError(`The memory of '${channelId}' has no retrieve(). Pass new SlidingWindowMemory({ maxEvents: 50 }) or one of your own.`);
  }
  if (toolHandler !== undefined && typeof toolHandler !== 'function') {
    throw new ValidationError(`The toolHandler of '${channelId}' is ${typeof toolHandler}. Give a function (name, args, context) => result.`);
  }
  if (skills !== undefined && !(skills instanceof SkillRegistry)) {
    throw new ValidationError(`The skills of '${channelId}' are no SkillRegistry. Pass new SkillRegistry(), with your skills registered.`);
  }
  if (scriptExecutor !== undefined && typeof scriptExecutor.run !== 'function') {
    throw new ValidationError(`The scriptExecutor of '${channelId}' has no run(). Pass new ChildProcessExecutor() or one of your own.`);
  }
}

/** The tools a channel brings itself. */
export function checkOwnTools(tools: readonly AITool[]): void {
  checkTools(tools);
  for (const { name } of tools) {
    if (name === READ_TOOL_RESULT || SKILL_TOOLS.has(name)) {
      throw new ValidationError(`The tool name '${name}' is the kit's own. Give your tool another one.`);
    }
  }
}

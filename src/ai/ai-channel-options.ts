/** What an AI channel is made with, and what of it makes no sense. */
import { ValidationError } from '../core/errors.js';
import type { AITool } from '../core/models/ai.js';
import type { CollisionConfig, RetryPolicy } from '../core/models/delivery.js';
import { checkCollision } from '../core/turns/collision.js';
import type { MemoryProvider } from './memory/memory.js';
import type { AIProvider } from './provider.js';
import type { LoopLimits } from './tool-loop.js';
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
  /** Retries of failed generations; default none. */
  readonly retryPolicy?: RetryPolicy;
  /** Asked when the provider fails for good with a retryable error. */
  readonly fallbackProvider?: AIProvider;
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

/** Each tool by itself, and that no two share a name: one of them would never be called. */
export function checkTools(tools: readonly AITool[]): void {
  const names = new Set<string>();
  for (const tool of tools) {
    checkTool(tool);
    if (names.has(tool.name)) throw new ValidationError(`Two tools are named '${tool.name}'. Give each a name of its own.`);
    names.add(tool.name);
  }
}

/** What is no tool is said when it is given, not when a model first asks for it. */
export function checkTool(tool: AITool): void {
  if (typeof tool.name !== 'string' || !/^[\w.-]{1,128}$/.test(tool.name)) {
    throw new ValidationError(`Tool name ${JSON.stringify(tool.name)} cannot be used. Use 1 to 128 letters, digits, '_', '-' or '.'.`);
  }
  if (tool.name === READ_TOOL_RESULT) throw new ValidationError(`The tool name '${READ_TOOL_RESULT}' is the kit's own. Give your tool another one.`);
  const given: { readonly description?: unknown; readonly handler?: unknown; readonly parameters?: unknown } = tool;
  if (typeof given.description !== 'string') {
    throw new ValidationError(`Tool '${tool.name}' has no description. Say in one sentence what it does and when to use it.`);
  }
  if (given.handler !== undefined && typeof given.handler !== 'function') {
    throw new ValidationError(`The handler of tool '${tool.name}' is ${typeof given.handler}. Give a function (args, context) => result.`);
  }
  checkParameters(tool.name, given.parameters);
}

function checkParameters(name: string, parameters: unknown): void {
  if (parameters === undefined) return;
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw new ValidationError(`The parameters of tool '${name}' are no JSON Schema. Give { type: 'object', properties: { … } }, or leave them out.`);
  }
  if ('~standard' in parameters) {
    throw new ValidationError(
      `The parameters of tool '${name}' are a typed schema, not JSON Schema. Make the tool with defineTool({ name, parameters, … }).`,
    );
  }
  const type: unknown = 'type' in parameters ? parameters.type : undefined;
  if (type !== undefined && type !== 'object') {
    throw new ValidationError(
      `The parameters of tool '${name}' describe ${JSON.stringify(type)}. Arguments are always an object: { type: 'object', … }.`,
    );
  }
}

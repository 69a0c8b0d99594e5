/** What makes no sense in tools and settings of agents, said when they are given and not when a model first needs them. */
import { ValidationError } from '../errors.js';
import { checkBudget } from '../usage/budget.js';
import type { AIConfig, AITool } from './ai.js';

/** Settings of a room (AI-02); its tools are definitions, each by itself and with a name of its own. */
export function checkAIConfig(config: AIConfig): void {
  checkAISettings(config);
  if (config.thinkingBudget !== undefined) checkTokens('thinkingBudget', config.thinkingBudget);
  checkBudget(config.budget);
  if (config.tools === undefined) return;
  checkTools(config.tools);
  for (const { name, requiresApproval, approvers } of config.tools) {
    if (typeof requiresApproval !== 'function' && typeof approvers !== 'function') continue;
    throw new ValidationError(
      `Tool '${name}' of a room is stored, and functions are not. Give requiresApproval: true and approvers as a list, or give the tool to its agent.`,
    );
  }
}

/** What a provider is asked with. */
export function checkAISettings(settings: Pick<AIConfig, 'systemPrompt' | 'temperature' | 'maxTokens'>): void {
  const { systemPrompt, temperature }: { readonly systemPrompt?: unknown; readonly temperature?: unknown } = settings;
  if (systemPrompt !== undefined && typeof systemPrompt !== 'string') {
    throw new ValidationError(`systemPrompt is ${typeof systemPrompt}. Give a text, or leave it out.`);
  }
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0)) {
    throw new ValidationError(`temperature is ${JSON.stringify(temperature)}. Give a number of 0 or more, or leave it to the provider.`);
  }
  if (settings.maxTokens !== undefined) checkTokens('maxTokens', settings.maxTokens);
}

function checkTokens(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ValidationError(`${name} is ${JSON.stringify(value)}. Give a whole number above 0, or leave it to the provider.`);
}

/** Each tool by itself, and that no two share a name: one of them would never be called. */
export function checkTools(tools: readonly AITool[]): void {
  const given: unknown = tools;
  if (!Array.isArray(given)) throw new ValidationError(`tools is ${typeof given}. Give a list: [{ name, description, parameters, handler }].`);
  const names = new Set<string>();
  for (const tool of tools) {
    checkTool(tool);
    if (names.has(tool.name)) throw new ValidationError(`Two tools are named '${tool.name}'. Give each a name of its own.`);
    names.add(tool.name);
  }
}

/** What of it can be wrong without a compiler to say so. */
interface GivenTool {
  readonly name?: unknown;
  readonly description?: unknown;
  readonly handler?: unknown;
  readonly parameters?: unknown;
}

export function checkTool(tool: AITool): void {
  const given = tool as GivenTool | null | undefined;
  if (typeof given !== 'object' || given === null) {
    throw new ValidationError(`A tool is ${String(given)}. Give { name, description, parameters, handler }, or what defineTool makes.`);
  }
  const { name, description, handler, parameters } = given;
  if (typeof name !== 'string' || !/^[\w.-]{1,128}$/.test(name)) {
    throw new ValidationError(`Tool name ${JSON.stringify(name)} cannot be used. Use 1 to 128 letters, digits, '_', '-' or '.'.`);
  }
  if (typeof description !== 'string') {
    throw new ValidationError(`Tool '${name}' has no description. Say in one sentence what it does and when to use it.`);
  }
  if (handler !== undefined && typeof handler !== 'function') {
    throw new ValidationError(`The handler of tool '${name}' is ${typeof handler}. Give a function (args, context) => result.`);
  }
  if (parameters !== undefined) checkParameters(name, parameters);
  checkApprovalOf(tool);
}

function checkApprovalOf({ name, ...given }: AITool): void {
  const { requiresApproval, approvers, approvalVisibility, approvalExpiresInSeconds }: Readonly<Record<string, unknown>> = { ...given };
  if (requiresApproval !== undefined && typeof requiresApproval !== 'boolean' && typeof requiresApproval !== 'function') {
    throw new ValidationError(`requiresApproval of tool '${name}' is ${typeof requiresApproval}. Give true, or a function (args, call) => boolean.`);
  }
  const isList = Array.isArray(approvers) && approvers.length > 0 && approvers.every((one) => typeof one === 'string' && one !== '');
  if (approvers !== undefined && typeof approvers !== 'function' && !isList) {
    throw new ValidationError(
      `approvers of tool '${name}' cannot be used. Give participant ids and roles, at least one, or a function (by, approval) => boolean.`,
    );
  }
  if (approvalVisibility !== undefined && (typeof approvalVisibility !== 'string' || approvalVisibility === '')) {
    throw new ValidationError(
      `approvalVisibility of tool '${name}' cannot be used. Give a visibility such as 'internal', 'transport' or channel ids.`,
    );
  }
  const seconds = approvalExpiresInSeconds;
  if (seconds !== undefined && !(typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0)) {
    throw new ValidationError(`approvalExpiresInSeconds of tool '${name}' is ${JSON.stringify(seconds)}. Give seconds above 0; default 86400.`);
  }
}

function checkParameters(name: string, parameters: unknown): void {
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

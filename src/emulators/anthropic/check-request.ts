/** What the Messages API refuses, and with which words. Written from the vendor's pages and error bodies, from nothing of ours. */
import type { RecordedRequest } from '../loopback.js';
import { isFields, listOf, Refusal, stringOf, type Fields } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';
import { checkConversation, textOf } from './check-conversation.js';
import type { Signatures } from './signatures.js';

export interface Known {
  readonly models: readonly string[];
  readonly contextWindow: number;
  readonly adaptiveModels: readonly string[];
  readonly signatures: Signatures;
}

const FIELDS = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'stream',
  'tools',
  'tool_choice',
  'thinking',
  'metadata',
  'service_tier',
  'container',
  'context_management',
  'output_config',
  'cache_control',
]);
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;
const MAX_CACHE_MARKS = 4;

/** The request, told alike for every vendor. Throws what the vendor would answer. */
export function checkRequest(request: RecordedRequest, known: Known): ModelRequest {
  const { body } = request;
  if (!isFields(body)) throw invalid('The request body is not valid JSON');
  const model = body['model'];
  if (typeof model !== 'string') throw invalid('model: Field required');
  for (const field of Object.keys(body)) if (!FIELDS.has(field)) throw invalid(`${field}: Extra inputs are not permitted`);
  const maxTokens = wholeNumber(body, 'max_tokens', 1);
  if (maxTokens === undefined) throw invalid('max_tokens: Field required');
  checkSampling(body, request.headers['anthropic-version'] === '2023-06-01');
  checkThinking(body, maxTokens, known.adaptiveModels.includes(model));
  const tools = checkTools(body);
  const messages = body['messages'];
  if (messages === undefined) throw invalid('messages: Field required');
  if (!Array.isArray(messages)) throw invalid('messages: Input should be a valid list');
  if (messages.length === 0) throw invalid('messages: at least one message is required');
  const thinks = isFields(body['thinking']) && body['thinking']['type'] !== 'disabled';
  const said = checkConversation(messages, {
    thinks,
    isThinkingForced: isFields(body['thinking']) && body['thinking']['type'] === 'enabled',
    ...known,
  });
  if (said.hasToolBlocks && tools.length === 0) throw invalid('Requests which include `tool_use` or `tool_result` blocks must define tools');
  const marks = countMarks(body);
  if (marks > MAX_CACHE_MARKS) throw invalid(`A maximum of ${MAX_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks}.`);
  if (!known.models.includes(model)) throw new Refusal(404, 'not_found_error', `model: ${model}`);
  const tokens = tokensOf(request.text);
  if (tokens > known.contextWindow) throw invalid(`prompt is too long: ${tokens} tokens > ${known.contextWindow} maximum`);
  return {
    model,
    system: typeof body['system'] === 'string' ? body['system'] : listOf(body['system']).map(textOf).join('\n'),
    userText: said.userText,
    toolResults: said.toolResults,
    imageCount: said.imageCount,
    tools: isFields(body['tool_choice']) && body['tool_choice']['type'] === 'none' ? [] : tools,
    isStreamed: body['stream'] === true,
    body,
  };
}

export function invalid(message: string): Refusal {
  return new Refusal(400, 'invalid_request_error', message);
}

function wholeNumber(body: Fields, field: string, least: number): number | undefined {
  const value = body[field];
  if (value === undefined) return undefined;
  if (!Number.isInteger(value)) throw invalid(`${field}: Input should be a valid integer`);
  if ((value as number) < least) throw invalid(`${field}: Input should be greater than or equal to ${least}`);
  return value as number;
}

/** The version of 2026-10-21 takes none, not even the default. */
function checkSampling(body: Fields, isFirstVersion: boolean): void {
  const given = ['temperature', 'top_p', 'top_k'].find((name) => body[name] !== undefined);
  if (given !== undefined && !isFirstVersion) throw invalid(`${given}: Extra inputs are not permitted`);
  const { temperature } = body;
  if (temperature === undefined) return;
  if (typeof temperature !== 'number') throw invalid('temperature: Input should be a valid number');
  if (temperature < 0 || temperature > 1) throw invalid('temperature: range: 0..1');
}

function checkThinking(body: Fields, maxTokens: number, isAdaptive: boolean): void {
  const { thinking } = body;
  if (thinking === undefined) return;
  if (!isFields(thinking) || !['enabled', 'disabled', 'adaptive'].includes(stringOf(thinking['type'])))
    throw invalid("thinking: Input tag found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'");
  if (thinking['type'] === 'disabled') return;
  if (body['temperature'] !== undefined && body['temperature'] !== 1)
    throw invalid(
      '`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking',
    );
  if (thinking['type'] !== 'enabled') return;
  if (isAdaptive)
    throw invalid(
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    );
  const budget = thinking['budget_tokens'];
  if (!Number.isInteger(budget)) throw invalid('thinking.enabled.budget_tokens: Field required');
  if ((budget as number) < 1024) throw invalid('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  if (maxTokens <= (budget as number)) throw invalid('`max_tokens` must be greater than `thinking.budget_tokens`.');
}

function checkTools(body: Fields): string[] {
  const { tools, tool_choice: choice } = body;
  if (tools !== undefined && !Array.isArray(tools)) throw invalid('tools: Input should be a valid list');
  const names = listOf(tools).map((tool, at) => {
    if (!isFields(tool)) throw invalid(`tools.${at}: Input should be an object`);
    const name = tool['name'];
    if (typeof name !== 'string') throw invalid(`tools.${at}.custom.name: Field required`);
    if (!TOOL_NAME.test(name)) throw invalid(`tools.${at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    const schema = tool['input_schema'];
    if (!isFields(schema)) throw invalid(`tools.${at}.custom.input_schema: Field required`);
    if (schema['type'] === undefined) throw invalid(`tools.${at}.custom.input_schema.type: Field required`);
    if (schema['type'] !== 'object') throw invalid(`tools.${at}.custom.input_schema.type: Input should be 'object'`);
    return name;
  });
  if (new Set(names).size !== names.length) throw invalid('tools: Tool names must be unique.');
  if (choice !== undefined && names.length === 0) throw invalid('tool_choice: tool_choice may only be specified while providing tools.');
  return names;
}

function countMarks(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countMarks(one), 0);
  if (!isFields(value)) return 0;
  return Object.entries(value).reduce((sum, [name, one]) => sum + (name === 'cache_control' && isFields(one) ? 1 : countMarks(one)), 0);
}

/** What a vLLM server refuses, and with which words; it passes over fields that it does not know. Written from its documentation and bodies. */
import type { RecordedRequest } from '../loopback.js';
import { isFields, listOf, Refusal, stringOf, type Fields } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';

export interface Known {
  readonly models: readonly string[];
  readonly contextWindow: number;
  /** Whether the model's template wants user and assistant to take turns, the user first. */
  readonly alternates: boolean;
}

/** The request, told alike for every vendor. Throws what the server would answer. */
export function checkRequest(request: RecordedRequest, known: Known): ModelRequest {
  const { body } = request;
  if (!isFields(body)) throw invalid('JSON decode error: Expecting value', null, 'Bad Request');
  if (!Array.isArray(body['messages'])) throw fieldRequired('messages', body);
  const model = body['model'] ?? known.models[0] ?? '';
  if (typeof model !== 'string')
    throw invalid("[{'type': 'string_type', 'loc': ('body', 'model'), 'msg': 'Input should be a valid string'}]", null, 'Bad Request');
  if (!known.models.includes(model)) throw new Refusal(404, 'NotFoundError', `The model \`${model}\` does not exist.`, 'model');
  const messages = body['messages'].map((message: unknown) => (isFields(message) ? message : {}));
  if (messages.length === 0) throw invalid('list object has no element 0');
  for (const message of messages) checkMessage(message, body);
  if (known.alternates) checkTurns(messages);
  checkNumbers(body);
  const { tools } = body;
  const tokens = tokensOf(request.text);
  if (tokens > known.contextWindow)
    throw invalid(
      `This model's maximum context length is ${known.contextWindow} tokens. However, your request has ${tokens} input tokens. Please reduce the length of the input messages.`,
      'input_tokens',
    );
  return {
    model,
    ...saidIn(messages),
    tools: body['tool_choice'] === 'none' ? [] : listOf(tools).map((tool) => toolName(tool)),
    isStreamed: body['stream'] === true,
    body,
  };
}

function invalid(message: string, param: string | null = null, type = 'BadRequestError'): Refusal {
  return new Refusal(400, type, message, param);
}

function fieldRequired(name: string, input: Fields): Refusal {
  return invalid(
    `[{'type': 'missing', 'loc': ('body', '${name}'), 'msg': 'Field required', 'input': ${JSON.stringify(input).slice(0, 200)}}]`,
    null,
    'Bad Request',
  );
}

function checkMessage(message: Fields, body: Fields): void {
  if (typeof message['role'] !== 'string') throw fieldRequired('role', body);
  // The template is given the arguments as an object.
  for (const call of listOf(message['tool_calls'])) {
    const called = isFields(call) && isFields(call['function']) ? call['function'] : {};
    try {
      JSON.parse(stringOf(called['arguments']));
    } catch {
      throw invalid('Expecting value: line 1 column 1 (char 0)');
    }
  }
  for (const part of listOf(message['content'])) {
    const type = isFields(part) ? part['type'] : undefined;
    if (!['text', 'image_url', 'input_audio', 'video_url', 'refusal'].includes(stringOf(type))) throw invalid(`Unknown part type: ${stringOf(type)}`);
  }
}

/** As templates of Gemma, Mistral and others have it; rounds of tools count for nothing. */
function checkTurns(messages: readonly Fields[]): void {
  let expected = 'user';
  messages.forEach((message, at) => {
    const role = stringOf(message['role']);
    if (role === 'system' || role === 'developer') {
      if (at > 0) throw invalid('System message must be at the beginning.');
      return;
    }
    if (role === 'tool' || message['tool_calls'] !== undefined) {
      if (expected === 'user' && at === 0) throw invalid('Conversation roles must alternate user/assistant/user/assistant/...');
      expected = 'assistant';
      return;
    }
    if (role !== expected) throw invalid('Conversation roles must alternate user/assistant/user/assistant/...');
    expected = role === 'user' ? 'assistant' : 'user';
  });
}

function checkNumbers(body: Fields): void {
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const value = body[name];
    if (typeof value === 'number' && value < 1) throw invalid(`max_tokens must be at least 1, got ${value}.`, 'max_tokens');
  }
  const { temperature } = body;
  if (typeof temperature === 'number' && temperature < 0) throw invalid(`temperature must be non-negative, got ${temperature}.`, 'temperature');
  if (body['stream_options'] !== undefined && body['stream_options'] !== null && body['stream'] !== true)
    throw invalid('Stream options can only be defined when `stream=True`.', 'stream_options');
  for (const tool of listOf(body['tools'])) if (toolName(tool) === '') throw fieldRequired('function', body);
}

function toolName(tool: unknown): string {
  return isFields(tool) && isFields(tool['function']) ? stringOf(tool['function']['name']) : '';
}

function saidIn(messages: readonly Fields[]): Pick<ModelRequest, 'system' | 'userText' | 'toolResults' | 'imageCount'> {
  const system: string[] = [];
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  for (const { role, content } of messages) {
    const text = typeof content === 'string' ? content : listOf(content).map(partText).join('\n');
    if (role === 'system' || role === 'developer') system.push(text);
    if (role === 'tool') toolResults.push(text);
    if (role !== 'user') continue;
    userText = text;
    toolResults = [];
    imageCount += listOf(content).filter((part) => isFields(part) && part['type'] === 'image_url').length;
  }
  return { system: system.join('\n'), userText, toolResults, imageCount };
}

function partText(part: unknown): string {
  return isFields(part) ? stringOf(part['text']) : '';
}

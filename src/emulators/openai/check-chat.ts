/** What chat completions refuse, and with which words. */
import type { RecordedRequest } from '../loopback.js';
import { isFields, Refusal } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';
import { checkMessages } from './check-messages.js';
import { checkChatTools } from './check-tools.js';
import { checkCount, checkEffort, checkTemperature, invalid, unsupportedParameter, wrongType } from './refusals.js';

export interface Known {
  readonly models: readonly string[];
  readonly contextWindow: number;
  readonly reasoningModels: readonly string[];
  readonly responsesToolModels: readonly string[];
}

const FIELDS = new Set([
  ...['model', 'messages', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'n', 'stop', 'seed', 'user', 'metadata'],
  ...['frequency_penalty', 'presence_penalty', 'logit_bias', 'logprobs', 'top_logprobs', 'modalities', 'audio', 'prediction', 'moderation'],
  ...['stream', 'stream_options', 'store', 'service_tier', 'response_format', 'reasoning_effort', 'verbosity', 'web_search_options'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call'],
  ...['prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'safety_identifier'],
]);

/** The request, told alike for every vendor. Throws what the vendor would answer. */
export function checkChat(request: RecordedRequest, known: Known): ModelRequest {
  const { body } = request;
  if (!isFields(body)) throw notJson();
  const { model } = body;
  if (model === undefined) throw invalid('you must provide a model parameter');
  if (typeof model !== 'string') throw wrongType('model', 'a string', model);
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid(`Unrecognized request argument supplied: ${unknown}`);
  if (!known.models.includes(model))
    throw new Refusal(
      404,
      'invalid_request_error',
      `The model \`${model}\` does not exist or you do not have access to it.`,
      null,
      'model_not_found',
    );
  const reasons = known.reasoningModels.includes(model);
  const said = checkMessages(body['messages']);
  const tools = checkChatTools(body);
  checkCount(body['max_tokens'], 'max_tokens', 1);
  checkCount(body['max_completion_tokens'], 'max_completion_tokens', 1);
  if (reasons && body['max_tokens'] !== undefined) throw unsupportedParameter('max_tokens', 'max_completion_tokens');
  if (body['max_tokens'] !== undefined && body['max_completion_tokens'] !== undefined)
    throw invalid(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
      'invalid_parameter_combination',
    );
  checkTemperature(body['temperature'], reasons);
  const effort = body['reasoning_effort'];
  checkEffort(effort, 'reasoning_effort');
  if (!reasons && effort !== undefined) throw invalid('Unrecognized request argument supplied: reasoning_effort');
  if (known.responsesToolModels.includes(model) && tools.length > 0 && effort !== 'none')
    throw invalid(
      `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`,
      'reasoning_effort',
    );
  if (body['stream_options'] !== undefined && body['stream_options'] !== null && body['stream'] !== true)
    throw invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options');
  const tokens = tokensOf(request.text);
  if (tokens > known.contextWindow)
    throw invalid(
      `This model's maximum context length is ${known.contextWindow} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`,
      'messages',
      'context_length_exceeded',
    );
  return { model, ...said, tools: body['tool_choice'] === 'none' ? [] : tools, isStreamed: body['stream'] === true, body };
}

export function notJson(): Refusal {
  return invalid('We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.');
}

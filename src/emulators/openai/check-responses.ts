/** What the responses API refuses, and with which words. */
import type { RecordedRequest } from '../loopback.js';
import { isFields, listOf, Refusal, stringOf, type Fields } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';
import { notJson, type Known } from './check-chat.js';
import { checkInput } from './check-input.js';
import { checkResponsesTools } from './check-tools.js';
import { checkCount, checkEffort, checkTemperature, invalid, invalidValue, missing, unsupportedParameter, wrongType } from './refusals.js';
import type { SealedReasoning } from './sealed.js';

const FIELDS = new Set([
  ...['model', 'input', 'instructions', 'max_output_tokens', 'max_tool_calls', 'metadata', 'moderation', 'background', 'conversation'],
  ...['context_management', 'include', 'parallel_tool_calls', 'previous_response_id', 'prompt', 'prompt_cache_key', 'prompt_cache_options'],
  ...['prompt_cache_retention', 'reasoning', 'safety_identifier', 'service_tier', 'store', 'stream', 'stream_options', 'temperature'],
  ...['text', 'tool_choice', 'tools', 'top_logprobs', 'top_p', 'truncation', 'user'],
]);
const ENCRYPTED = 'reasoning.encrypted_content';
const INCLUDES = [
  ...['file_search_call.results', 'web_search_call.results', 'web_search_call.action.sources', 'message.input_image.image_url'],
  ...['computer_call_output.output.image_url', 'code_interpreter_call.outputs', ENCRYPTED, 'message.output_text.logprobs'],
];
const SUMMARIES = ['auto', 'concise', 'detailed'];
const LEAST_TOKENS = 16;

/** The request, told alike for every vendor. Throws what the vendor would answer. */
export function checkResponses(request: RecordedRequest, known: Known, sealed: SealedReasoning): ModelRequest {
  const { body } = request;
  if (!isFields(body)) throw notJson();
  const { model } = body;
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid(`Unknown parameter: '${unknown}'.`, unknown, 'unknown_parameter');
  if (model === undefined) throw missing('model');
  if (typeof model !== 'string') throw wrongType('model', 'a string', model);
  if (!known.models.includes(model))
    throw new Refusal(404, 'invalid_request_error', `The requested model '${model}' does not exist.`, 'model', 'model_not_found');
  const previous = body['previous_response_id'];
  if (previous !== undefined && previous !== null)
    throw invalid(`Previous response with id '${stringOf(previous)}' not found.`, 'previous_response_id', 'previous_response_not_found');
  if (body['input'] === undefined)
    throw invalid(
      'One of "input" or "previous_response_id" or \'prompt\' or \'conversation_id\' must be provided.',
      'input',
      'missing_required_parameter',
    );
  const reasons = known.reasoningModels.includes(model);
  checkReasoningFields(body, reasons);
  const tools = checkResponsesTools(body);
  const said = checkInput(body['input'], sealed);
  checkCount(body['max_output_tokens'], 'max_output_tokens', LEAST_TOKENS);
  if (reasons && body['temperature'] !== undefined) throw unsupportedParameter('temperature');
  checkTemperature(body['temperature'], false);
  const tokens = tokensOf(request.text);
  if (tokens > known.contextWindow)
    throw invalid('Your input exceeds the context window of this model. Please adjust your input and try again.', 'input', 'context_length_exceeded');
  const instructions = stringOf(body['instructions']);
  return {
    model,
    ...said,
    system: [instructions, said.system].filter((text) => text !== '').join('\n'),
    tools: body['tool_choice'] === 'none' ? [] : tools,
    isStreamed: body['stream'] === true,
    body,
  };
}

function checkReasoningFields(body: Fields, reasons: boolean): void {
  const { reasoning, include } = body;
  if (reasoning !== undefined && reasoning !== null) {
    if (!isFields(reasoning)) throw wrongType('reasoning', 'an object', reasoning);
    const { effort, summary } = reasoning;
    checkEffort(effort, 'reasoning.effort');
    if (summary !== undefined && summary !== null && !SUMMARIES.includes(summary as string))
      throw invalidValue('reasoning.summary', summary, SUMMARIES);
    if (!reasons && effort !== undefined) throw unsupportedParameter('reasoning.effort');
    if (!reasons && summary !== undefined) throw unsupportedParameter('reasoning.summary');
  }
  listOf(include).forEach((one, at) => {
    if (!INCLUDES.includes(one as string)) throw invalidValue(`include[${at}]`, one, INCLUDES);
    if (one === ENCRYPTED && !reasons) throw invalid('Encrypted content is not supported with this model.', 'include');
  });
}

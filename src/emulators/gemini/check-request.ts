/** What generateContent refuses, and with which words. Written from the vendor's pages and error bodies, from nothing of ours. */
import type { RecordedRequest } from '../loopback.js';
import { isFields, Refusal, stringOf } from '../problem.js';
import { tokensOf, type ModelRequest } from '../script.js';
import { checkContents, textsOf } from './check-contents.js';
import { checkParameters } from './check-schema.js';
import { invalid } from './errors.js';
import { messageOf, repeated } from './fields.js';
import type { Signatures } from './signatures.js';

export interface Known {
  readonly models: readonly string[];
  /** Of these, the ones from before Gemini 3. */
  readonly earlyModels: readonly string[];
  readonly contextWindow: number;
  readonly signatures: Signatures;
}

/** A request, and what of it only this vendor's answers depend on. */
export interface Asked extends ModelRequest {
  readonly isEarly: boolean;
  readonly tellsThoughts: boolean;
}

const REQUEST = new Set([
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'safetySettings',
  'generationConfig',
  'cachedContent',
  'serviceTier',
  'store',
  'model',
]);
const GENERATION = new Set([
  'temperature',
  'topP',
  'topK',
  'candidateCount',
  'maxOutputTokens',
  'stopSequences',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'responseModalities',
  'responseLogprobs',
  'logprobs',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'speechConfig',
  'mediaResolution',
  'thinkingConfig',
  'imageConfig',
]);
const THINKING = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel']);
const TOOL = new Set(['functionDeclarations', 'googleSearch', 'urlContext', 'codeExecution', 'computerUse', 'fileSearch', 'googleMaps']);
const DECLARATION = new Set(['name', 'description', 'parameters', 'parametersJsonSchema', 'response', 'responseJsonSchema', 'behavior']);
const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;
const LEVELS = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'];

/** The request, told alike for every vendor. Throws what the vendor would answer. */
export function checkRequest(request: RecordedRequest, model: string, isStreamed: boolean, known: Known): Asked {
  if (!isFields(request.body)) throw invalid('Invalid JSON payload received. Unexpected token.');
  if (!known.models.includes(model))
    throw new Refusal(
      404,
      'NOT_FOUND',
      `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
    );
  const body = messageOf(request.body, REQUEST, '');
  const isEarly = known.earlyModels.includes(model);
  const tools = checkTools(body['tools']);
  const tellsThoughts = checkGeneration(body['generationConfig'], isEarly);
  const system = body['systemInstruction'] === undefined ? [] : textsOf(body['systemInstruction'], 'system_instruction');
  const said = checkContents(body['contents'], known.signatures, !isEarly);
  const tokens = tokensOf(request.text);
  if (tokens > known.contextWindow)
    throw invalid(`The input token count (${tokens}) exceeds the maximum number of tokens allowed (${known.contextWindow}).`);
  return { model, system: system.join('\n'), ...said, tools, isStreamed, body: request.body, isEarly, tellsThoughts };
}

function checkGeneration(given: unknown, isEarly: boolean): boolean {
  if (given === undefined) return false;
  const settings = messageOf(given, GENERATION, 'generation_config');
  const { temperature, maxOutputTokens } = settings;
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0 && temperature <= 2))
    throw invalid('* GenerateContentRequest.generation_config.temperature: must be in the range [0.0, 2.0].\n');
  if (maxOutputTokens !== undefined && !(Number.isInteger(maxOutputTokens) && (maxOutputTokens as number) > 0))
    throw invalid('* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n');
  if (settings['thinkingConfig'] === undefined) return false;
  const { thinkingBudget, thinkingLevel, includeThoughts } = messageOf(settings['thinkingConfig'], THINKING, 'generation_config.thinking_config');
  if (thinkingBudget !== undefined && thinkingLevel !== undefined) throw invalid('You can only set only one of thinking budget and thinking level.');
  if (thinkingBudget !== undefined && !(Number.isInteger(thinkingBudget) && (thinkingBudget as number) >= -1))
    throw invalid('Invalid thinking budget.');
  if (thinkingLevel !== undefined) {
    if (isEarly) throw invalid('Thinking level is not supported for this model.');
    if (!LEVELS.includes(stringOf(thinkingLevel).toUpperCase()))
      throw invalid(`Invalid value at 'generation_config.thinking_config.thinking_level', ${JSON.stringify(thinkingLevel)}`);
  }
  return includeThoughts === true;
}

function checkTools(given: unknown): string[] {
  const names = repeated(given, 'tools', '').flatMap((one, at) => {
    const tool = messageOf(one, TOOL, `tools[${at}]`);
    return repeated(tool['functionDeclarations'], 'function_declarations', `tools[${at}]`).map((declaration, n) =>
      declaredName(declaration, `tools[${at}].function_declarations[${n}]`),
    );
  });
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw invalid(`Duplicate function declaration found: ${twice}`);
  return names;
}

function declaredName(given: unknown, where: string): string {
  const { name, parameters, parametersJsonSchema } = messageOf(given, DECLARATION, where);
  if (!NAME.test(stringOf(name)))
    throw invalid(
      `* GenerateContentRequest.${where}.name: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.\n`,
    );
  if (parameters !== undefined && parametersJsonSchema !== undefined)
    throw invalid(`* GenerateContentRequest.${where}: only one of parameters and parameters_json_schema can be set.\n`);
  if (parameters !== undefined) checkParameters(parameters, `${where}.parameters`, `${where}.parameters`);
  return stringOf(name);
}

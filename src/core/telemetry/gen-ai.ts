/**
 * Names of OpenTelemetry's conventions for generative AI, beside RoomKit's own, so that whoever shows traces knows what they
 * are. As of November 2026: `gen_ai.provider.name` has taken the place of `gen_ai.system`, and the input counts what was read
 * from a cache. https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */
import type { Usage } from '../models/ai.js';

/** The attributes of spans `llm.generate` and `llm.tool_call`. */
export const GenAIAttribute = {
  OPERATION_NAME: 'gen_ai.operation.name',
  PROVIDER_NAME: 'gen_ai.provider.name',
  REQUEST_MODEL: 'gen_ai.request.model',
  REQUEST_MAX_TOKENS: 'gen_ai.request.max_tokens',
  REQUEST_TEMPERATURE: 'gen_ai.request.temperature',
  AGENT_NAME: 'gen_ai.agent.name',
  CONVERSATION_ID: 'gen_ai.conversation.id',
  RESPONSE_FINISH_REASONS: 'gen_ai.response.finish_reasons',
  INPUT_TOKENS: 'gen_ai.usage.input_tokens',
  OUTPUT_TOKENS: 'gen_ai.usage.output_tokens',
  CACHE_READ_TOKENS: 'gen_ai.usage.cache_read.input_tokens',
  CACHE_WRITE_TOKENS: 'gen_ai.usage.cache_creation.input_tokens',
  REASONING_TOKENS: 'gen_ai.usage.reasoning.output_tokens',
  TOOL_NAME: 'gen_ai.tool.name',
  TOOL_CALL_ID: 'gen_ai.tool.call.id',
  TOOL_TYPE: 'gen_ai.tool.type',
  TOKEN_TYPE: 'gen_ai.token.type',
  ERROR_TYPE: 'error.type',
} as const;
/** Metrics of the conventions; durations are in seconds there. */
export const GenAIMetric = {
  OPERATION_DURATION: 'gen_ai.client.operation.duration',
  TIME_TO_FIRST_CHUNK: 'gen_ai.client.operation.time_to_first_chunk',
  TOKEN_USAGE: 'gen_ai.client.token.usage',
  TOOL_DURATION: 'gen_ai.execute_tool.duration',
} as const;
export type GenAIMetric = (typeof GenAIMetric)[keyof typeof GenAIMetric];

export type GenAIAttribute = (typeof GenAIAttribute)[keyof typeof GenAIAttribute];

/** What the vendors of RoomKit's providers are called there; others keep their own name. */
const VENDORS: Readonly<Record<string, string>> = { gemini: 'gcp.gemini' };

export function vendorName(provider: string): string {
  return Object.hasOwn(VENDORS, provider) ? (VENDORS[provider] ?? provider) : provider;
}

/** Tokens in the words of the conventions: there the input holds what a cache gave and took. */
export function tokenAttributes(usage: Usage): Record<string, number> {
  const { input_tokens: input, output_tokens: output, cache_read_tokens: read, cache_write_tokens: written, reasoning_tokens: thought } = usage;
  const attributes: Record<string, number> = {};
  if (input !== undefined || read !== undefined || written !== undefined)
    attributes[GenAIAttribute.INPUT_TOKENS] = (input ?? 0) + (read ?? 0) + (written ?? 0);
  if (output !== undefined) attributes[GenAIAttribute.OUTPUT_TOKENS] = output;
  if (read !== undefined) attributes[GenAIAttribute.CACHE_READ_TOKENS] = read;
  if (written !== undefined) attributes[GenAIAttribute.CACHE_WRITE_TOKENS] = written;
  if (thought !== undefined) attributes[GenAIAttribute.REASONING_TOKENS] = thought;
  return attributes;
}

/** What is counted of generations, in the words of OpenTelemetry's conventions (TEL-05): also of those that no span was made of. */
import type { Usage } from '../core/models/ai.js';
import { GenAIAttribute, GenAIMetric, tokenAttributes, vendorName } from '../core/telemetry/gen-ai.js';
import type { ChannelTracing } from '../core/telemetry/provider.js';
import type { AIProvider } from './provider.js';

/** When a model has ended, or failed with a code. */
export function countGeneration(
  tracing: ChannelTracing,
  provider: AIProvider,
  ms: number,
  tokens: Usage | undefined,
  code: string | undefined,
): void {
  const attributes = attributesOf(provider);
  tracing.metric(GenAIMetric.OPERATION_DURATION, ms / 1000, code === undefined ? attributes : { ...attributes, [GenAIAttribute.ERROR_TYPE]: code });
  const counted = tokens === undefined ? {} : tokenAttributes(tokens);
  for (const [type, name] of [
    ['input', GenAIAttribute.INPUT_TOKENS],
    ['output', GenAIAttribute.OUTPUT_TOKENS],
  ] as const) {
    const count = counted[name];
    if (count !== undefined) tracing.metric(GenAIMetric.TOKEN_USAGE, count, { ...attributes, [GenAIAttribute.TOKEN_TYPE]: type });
  }
}

/** When its first word was there; of models that stream, also by the conventions. */
export function countFirstToken(tracing: ChannelTracing, provider: AIProvider, ms: number, isStreamed: boolean): void {
  tracing.metric('roomkit.llm.ttfb_ms', ms, { provider: provider.name, model: provider.modelName });
  if (isStreamed) tracing.metric(GenAIMetric.TIME_TO_FIRST_CHUNK, ms / 1000, attributesOf(provider));
}

function attributesOf(provider: AIProvider): Record<string, string> {
  return {
    [GenAIAttribute.OPERATION_NAME]: 'chat',
    [GenAIAttribute.PROVIDER_NAME]: vendorName(provider.name),
    [GenAIAttribute.REQUEST_MODEL]: provider.modelName,
  };
}

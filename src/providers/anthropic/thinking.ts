/** A model's thoughts, kept as the vendor gave them: they go back unchanged beside the tool calls they led to. */
import type Anthropic from '@anthropic-ai/sdk';
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';

export type ThinkingBlock =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'redacted_thinking'; readonly data: string };

const KEY = 'anthropic_thinking';

/** For the metadata of an answer: what {@link keptThinking} needs. */
export function keepThinking(blocks: readonly ThinkingBlock[]): Metadata {
  return blocks.length === 0 ? {} : { [KEY]: blocks.map((block) => ({ ...block })) };
}

export function keptThinking(message: AIMessage): Anthropic.ContentBlockParam[] {
  const kept: unknown = message.metadata?.[KEY];
  return Array.isArray(kept) ? kept.filter(isThinking).map((block) => ({ ...block })) : [];
}

function isThinking(value: unknown): value is ThinkingBlock {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  if (value.type === 'redacted_thinking') return 'data' in value && typeof value.data === 'string';
  return value.type === 'thinking' && 'thinking' in value && 'signature' in value && typeof value.signature === 'string';
}

/** What an Anthropic provider is made with. */
import type Anthropic from '@anthropic-ai/sdk';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';

/**
 * Configuration of {@link AnthropicAIProvider}. There is no temperature: since its version 2026-10-21 the vendor's API
 * refuses it, so that of agents and rooms is not sent either.
 */
export interface AnthropicConfig extends Omit<ModelConfig, 'temperature'> {
  /** Default: the environment variable `ANTHROPIC_API_KEY`. */
  readonly apiKey?: string;
  /** Default `https://api.anthropic.com`. */
  readonly baseUrl?: string;
  /**
   * `'adaptive'` for models that decide by themselves (Claude 4.6 and later); for those before, tokens to think with, at
   * least 1024, on top of those of the answer. A room's `thinkingBudget` goes before a number. Default: what the model does
   * by itself.
   */
  readonly thinking?: number | 'adaptive';
  /** How much the model puts into an answer, where it can be told; default the vendor's, `high`. */
  readonly effort?: 'low' | 'medium' | 'high' | 'xhigh' | 'max';
  /** Marks what repeats from turn to turn (tools, prompt, the last messages) for the vendor's cache; default true. */
  readonly promptCaching?: boolean;
  /** Further headers, such as `anthropic-beta`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A client of your own, of the package `@anthropic-ai/sdk`; key, base URL and headers are then its. */
  readonly client?: Anthropic;
}

/** Anthropic wants a limit with every request. */
export const DEFAULT_MAX_TOKENS = 4096;
/** The vendor takes no smaller budget. */
export const MIN_THINKING_TOKENS = 1024;

const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'];

const NAMES: OptionNames<AnthropicConfig> = {
  model: true,
  apiKey: true,
  baseUrl: true,
  maxTokens: true,
  thinking: true,
  effort: true,
  promptCaching: true,
  vision: true,
  timeoutSeconds: true,
  retryPolicy: true,
  headers: true,
  client: true,
};

export function checkAnthropicConfig(config: AnthropicConfig): void {
  checkModelConfig('AnthropicAIProvider', config);
  checkOptionNames('new AnthropicAIProvider', config, NAMES);
  const { thinking, effort } = config;
  if (thinking !== undefined && thinking !== 'adaptive' && !(Number.isInteger(thinking) && thinking >= MIN_THINKING_TOKENS)) {
    throw new ValidationError(
      `The thinking of AnthropicAIProvider is ${String(thinking)}. Give ${MIN_THINKING_TOKENS} tokens or more, 'adaptive', or leave it out.`,
    );
  }
  if (effort !== undefined && !EFFORTS.includes(effort))
    throw new ValidationError(`The effort of AnthropicAIProvider is ${String(effort)}. Give one of ${EFFORTS.join(', ')}.`);
}

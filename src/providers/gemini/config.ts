/** What a Gemini provider is made with. */
import type { GoogleGenAI } from '@google/genai';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';

/** How much a model of Gemini 3 or later thinks. Not every model has all of them. */
export type GeminiThinkingLevel = 'minimal' | 'low' | 'medium' | 'high';

/** Configuration of {@link GeminiAIProvider}. */
export interface GeminiConfig extends ModelConfig {
  /** Default: the environment variable `GEMINI_API_KEY`, else `GOOGLE_API_KEY`. */
  readonly apiKey?: string;
  /** Default `https://generativelanguage.googleapis.com`. */
  readonly baseUrl?: string;
  /**
   * A level for Gemini 3 and later; for those before, tokens to think with, on top of those of the answer: 0 turns thinking
   * off where the model allows it, -1 lets it decide. A room's `thinkingBudget` goes before a number. Default: what the model
   * does by itself, and none of its thoughts are told.
   */
  readonly thinking?: GeminiThinkingLevel | number;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A client of your own, of the package `@google/genai`; key, base URL and headers are then its. */
  readonly client?: GoogleGenAI;
}

const LEVELS: readonly string[] = ['minimal', 'low', 'medium', 'high'];

const NAMES: OptionNames<GeminiConfig> = {
  model: true,
  apiKey: true,
  baseUrl: true,
  maxTokens: true,
  temperature: true,
  thinking: true,
  vision: true,
  timeoutSeconds: true,
  retryPolicy: true,
  headers: true,
  client: true,
};

export function checkGeminiConfig(config: GeminiConfig): void {
  checkModelConfig('GeminiAIProvider', config);
  checkOptionNames('new GeminiAIProvider', config, NAMES);
  const { thinking } = config;
  if (thinking === undefined || (typeof thinking === 'string' && LEVELS.includes(thinking))) return;
  if (typeof thinking === 'number' && Number.isInteger(thinking) && thinking >= -1) return;
  throw new ValidationError(
    `The thinking of GeminiAIProvider is ${String(thinking)}. Give one of ${LEVELS.join(', ')}; or for models before Gemini 3 a number of tokens, 0 for none, -1 for as many as the model wants.`,
  );
}

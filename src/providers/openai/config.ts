/** What an OpenAI provider is made with. */
import type OpenAI from 'openai';
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';
import { REASONING_EFFORTS, type ReasoningEffort } from '../_shared/openai-chat/dialect.js';

/** Configuration of {@link OpenAIAIProvider}. */
export interface OpenAIConfig extends ModelConfig {
  /** Default: the environment variable `OPENAI_API_KEY`. */
  readonly apiKey?: string;
  /** Default `https://api.openai.com/v1`. */
  readonly baseUrl?: string;
  /**
   * `'chat'` for chat completions, `'responses'` for the responses API, which newer models want when they reason and call tools
   * in one. Default `'chat'`, but for models that call tools by the responses API alone. The vendor keeps nothing with either.
   */
  readonly api?: 'chat' | 'responses';
  /** Whether the model thinks before it answers; default by its id. */
  readonly reasoning?: boolean;
  /** How much a model that reasons puts into an answer; default the vendor's for the model. */
  readonly reasoningEffort?: ReasoningEffort;
  /** With the responses API, whether the model tells its thoughts in short; default false: the vendor wants to know who asks. */
  readonly reasoningSummary?: boolean | 'auto' | 'concise' | 'detailed';
  /** Whether tools whose schema qualifies are marked as strict; default true. */
  readonly strictTools?: boolean;
  /** Further headers, such as `OpenAI-Project`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A client of your own, of the package `openai`; key, base URL and headers are then its. */
  readonly client?: OpenAI;
}

const NAMES: OptionNames<OpenAIConfig> = {
  model: true,
  apiKey: true,
  baseUrl: true,
  api: true,
  maxTokens: true,
  temperature: true,
  reasoning: true,
  reasoningEffort: true,
  reasoningSummary: true,
  strictTools: true,
  vision: true,
  timeoutSeconds: true,
  retryPolicy: true,
  headers: true,
  client: true,
};

export function checkOpenAIConfig(config: OpenAIConfig): void {
  checkModelConfig('OpenAIAIProvider', config);
  checkOptionNames('new OpenAIAIProvider', config, NAMES);
  const { api, reasoningEffort: effort, reasoningSummary: summary } = config;
  if (api !== undefined && !['chat', 'responses'].includes(api))
    throw new ValidationError(`The api of OpenAIAIProvider is ${String(api)}. Give 'chat' or 'responses', or leave it out.`);
  if (effort !== undefined && !REASONING_EFFORTS.includes(effort))
    throw new ValidationError(`The reasoningEffort of OpenAIAIProvider is ${String(effort)}. Give one of ${REASONING_EFFORTS.join(', ')}.`);
  if (summary !== undefined && typeof summary !== 'boolean' && !['auto', 'concise', 'detailed'].includes(summary))
    throw new ValidationError(`The reasoningSummary of OpenAIAIProvider is ${String(summary)}. Give true, false, 'auto', 'concise' or 'detailed'.`);
}

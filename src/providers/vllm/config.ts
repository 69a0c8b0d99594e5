/** What a provider of a compatible server is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';
import { REASONING_EFFORTS, type ReasoningEffort } from '../_shared/openai-chat/dialect.js';

/** Configuration of {@link createVllmProvider}. */
export interface VllmConfig extends ModelConfig {
  /** Where the server is, `/v1` included; default `http://localhost:8000/v1`. */
  readonly baseUrl?: string;
  /** Default `none`: a server of your own asks for none. Never taken from the environment. */
  readonly apiKey?: string;
  /** Whether to ask for the tokens of streamed answers; default false, since not every server takes the question. */
  readonly streamUsage?: boolean;
  /** Whether the answer begins with thoughts that no tag opens, as templates of some models have it; default false. */
  readonly startsThinking?: boolean;
  /** For servers and models that know it. */
  readonly reasoningEffort?: ReasoningEffort;
  /** Further fields of each request, such as `chat_template_kwargs` or `top_k`. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

const NAMES: OptionNames<VllmConfig> = {
  model: true,
  baseUrl: true,
  apiKey: true,
  maxTokens: true,
  temperature: true,
  streamUsage: true,
  startsThinking: true,
  reasoningEffort: true,
  vision: true,
  timeoutSeconds: true,
  retryPolicy: true,
  body: true,
  headers: true,
};

export function checkVllmConfig(config: VllmConfig): void {
  checkModelConfig('createVllmProvider', config);
  checkOptionNames('createVllmProvider', config, NAMES);
  const { baseUrl, reasoningEffort: effort } = config;
  if (baseUrl !== undefined && !/^https?:\/\/\S/i.test(baseUrl))
    throw new ValidationError(`The baseUrl of createVllmProvider is ${baseUrl}. Give the whole address, such as http://localhost:8000/v1.`);
  if (effort !== undefined && !REASONING_EFFORTS.includes(effort))
    throw new ValidationError(`The reasoningEffort of createVllmProvider is ${String(effort)}. Give one of ${REASONING_EFFORTS.join(', ')}.`);
}

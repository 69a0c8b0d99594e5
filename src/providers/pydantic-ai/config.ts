/** What a Pydantic AI provider is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';
import type { PydanticAIAgent } from './agent.js';

/** Configuration of {@link PydanticAIProvider}: an address, or an object. Lengths and temperatures are the agent's own. */
export interface PydanticAIConfig extends Pick<ModelConfig, 'timeoutSeconds' | 'retryPolicy' | 'vision'> {
  /** Where the agent is served: AG-UI over HTTP. */
  readonly url?: string;
  /** In the place of `url`: an object with `run` and `runStream`. */
  readonly agent?: PydanticAIAgent;
  /** Sent as a bearer token; default none. */
  readonly apiKey?: string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What it is called in traces; default `pydantic-ai`. */
  readonly modelName?: string;
  /** Whether images are sent; default false. */
  readonly vision?: boolean;
  /** Handed on to the agent untouched, with every run; default `{}`. */
  readonly forwardedProps?: Readonly<Record<string, unknown>>;
}

const NAMES: OptionNames<PydanticAIConfig> = {
  url: true,
  agent: true,
  apiKey: true,
  headers: true,
  modelName: true,
  vision: true,
  forwardedProps: true,
  timeoutSeconds: true,
  retryPolicy: true,
};

export function checkPydanticAIConfig(config: PydanticAIConfig): void {
  const { url, agent, modelName = 'pydantic-ai', timeoutSeconds } = config;
  checkOptionNames('new PydanticAIProvider', config, NAMES);
  checkModelConfig('PydanticAIProvider', { model: modelName, ...(timeoutSeconds !== undefined && { timeoutSeconds }) });
  if ((url === undefined) === (agent === undefined))
    throw new ValidationError('PydanticAIProvider needs one of { url } and { agent }: where the agent is served, or the agent itself.');
  if (url !== undefined && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
    throw new ValidationError(`The url of PydanticAIProvider is '${url}'. Give the address of the agent, such as http://localhost:8000/agent.`);
  if (agent !== undefined && (typeof agent.run !== 'function' || typeof agent.runStream !== 'function'))
    throw new ValidationError('The agent of PydanticAIProvider has no run or no runStream. Give an object with both, or the url of a served agent.');
}

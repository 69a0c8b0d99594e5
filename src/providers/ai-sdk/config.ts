/** What an AI SDK provider is made with. */
import { ValidationError } from '../../core/errors.js';
import { checkOptionNames, type OptionNames } from '../../core/option-names.js';
import { checkModelConfig, type ModelConfig } from '../_shared/ai/options.js';
import type { AISDKModel } from './model.js';

/** Configuration of {@link AISDKProvider}. */
export interface AISDKConfig extends Omit<ModelConfig, 'model'> {
  /** The model itself, with its key and its settings. */
  readonly model: AISDKModel;
  /** Whether the model reads images; default true for Claude and Gemini, else false (AIP-05). */
  readonly vision?: boolean;
  /** Sent with every request, by the name of the model's vendor, such as `{ anthropic: { effort: 'low' } }`. */
  readonly providerOptions?: Readonly<Record<string, object>>;
  /** Further headers, for models that are reached over HTTP. */
  readonly headers?: Readonly<Record<string, string>>;
}

const NAMES: OptionNames<AISDKConfig> = {
  model: true,
  maxTokens: true,
  temperature: true,
  vision: true,
  timeoutSeconds: true,
  retryPolicy: true,
  providerOptions: true,
  headers: true,
};

export function checkAISDKConfig(config: AISDKConfig): void {
  const given: unknown = (config as Partial<AISDKConfig> | undefined)?.model;
  if (!isModel(given)) {
    const said = typeof given === 'string' ? `'${given}'` : typeof given === 'object' ? 'an object without doGenerate and doStream' : typeof given;
    throw new ValidationError(
      `The model of AISDKProvider is ${said}. Pass { model } with a language model of the AI SDK, such as createMistral()('…'), not its name.`,
    );
  }
  const version: unknown = given.specificationVersion;
  if (version !== 'v3' && version !== 'v4') {
    throw new ValidationError(
      `The model of AISDKProvider follows the specification ${String(version)}. Use a version of its package for AI SDK 6 or later, whose models follow v3 or v4.`,
    );
  }
  checkOptionNames('new AISDKProvider', config, NAMES);
  const { model, ...rest } = config;
  checkModelConfig('AISDKProvider', { ...rest, model: model.modelId });
}

function isModel(value: unknown): value is Partial<AISDKModel> {
  if (typeof value !== 'object' || value === null || !('doGenerate' in value) || !('doStream' in value)) return false;
  return typeof value.doGenerate === 'function' && typeof value.doStream === 'function';
}

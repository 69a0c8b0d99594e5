/** What the configurations of all model providers have in common, and what of it makes no sense. */
import { ValidationError } from '../../../core/errors.js';
import type { RetryPolicy } from '../../../core/models/delivery.js';

/** What every model provider can be told. */
export interface ModelConfig {
  /** The model's id, as its vendor writes it. There is no default: models come and go. */
  readonly model: string;
  /** Length of an answer in tokens, where neither agent nor room says. */
  readonly maxTokens?: number;
  /** Where neither agent nor room says. */
  readonly temperature?: number;
  /** Whether the model reads images; default by its id (AIP-05). */
  readonly vision?: boolean;
  /** Until the answer begins, in seconds; default 120. */
  readonly timeoutSeconds?: number;
  /** What follows a retryable failure, where the agent says nothing; default two retries after about 0.5 s and 1 s. */
  readonly retryPolicy?: RetryPolicy;
}

export const DEFAULT_TIMEOUT_SECONDS = 120;

/** Short: somebody is waiting for the answer. A vendor's Retry-After goes before it. */
export const MODEL_RETRY_POLICY: RetryPolicy = Object.freeze({ maxRetries: 2, baseDelaySeconds: 0.5, maxDelaySeconds: 8, jitter: 'full' });

/** Refuses what no vendor would take. `feature` is the provider's name. */
export function checkModelConfig(feature: string, config: ModelConfig | undefined): void {
  const model: unknown = config?.model;
  if (typeof model !== 'string' || model.trim() === '') {
    throw new ValidationError(
      `${feature} has no model. Pass { model } with the id that its vendor gives it; there is no default that could grow old.`,
    );
  }
  const { maxTokens, temperature, timeoutSeconds } = config ?? {};
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0))
    throw new ValidationError(`The maxTokens of ${feature} is ${String(maxTokens)}. Give a whole number above 0, or leave it out.`);
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0))
    throw new ValidationError(`The temperature of ${feature} is ${String(temperature)}. Give a number of 0 or more, or leave it out.`);
  if (timeoutSeconds !== undefined && !(Number.isFinite(timeoutSeconds) && timeoutSeconds > 0))
    throw new ValidationError(
      `The timeoutSeconds of ${feature} is ${String(timeoutSeconds)}. Give seconds above 0; default ${DEFAULT_TIMEOUT_SECONDS}.`,
    );
}

/** The AI SDK's models behind the kit's contract (AIP-08). */
import type { AIProvider, GenerateOptions } from '../../ai/provider.js';
import type { AIContext, AIResponse, AIStreamItem } from '../../core/models/ai.js';
import type { RetryPolicy } from '../../core/models/delivery.js';
import { Deadline } from '../_shared/ai/deadline.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { answerOf, itemsOf } from './answer.js';
import { checkAISDKConfig, type AISDKConfig } from './config.js';
import { failureOf } from './failure.js';
import type { AISDKPart } from './model.js';
import { callOf } from './request.js';

/** The shortest limit among the vendors of the AI SDK. */
const MAX_TOOL_NAME = 64;

/**
 * Any language model of the AI SDK, of the specifications v3 and v4.
 * @example new Agent('helper', { provider: new AISDKProvider({ model: mistral('mistral-…') }), systemPrompt: 'You help.' })
 */
export class AISDKProvider implements AIProvider {
  /** The model's own word for its vendor, such as `mistral.chat`. */
  readonly name: string;
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  readonly retryPolicy: RetryPolicy;
  readonly #config: AISDKConfig;

  constructor(config: AISDKConfig) {
    checkAISDKConfig(config);
    this.#config = config;
    this.name = config.model.provider;
    this.modelName = config.model.modelId;
    this.supportsVision = config.vision ?? /claude|gemini/i.test(config.model.modelId);
    this.retryPolicy = config.retryPolicy ?? MODEL_RETRY_POLICY;
  }

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const deadline = this.#deadline(options);
    try {
      deadline.signal.throwIfAborted();
      return answerOf(await this.#config.model.doGenerate(await callOf(context, this.#config, names, deadline.signal)), names, this.#config.model);
    } catch (error) {
      throw failureOf(this.name, error, deadline, false);
    } finally {
      deadline.end();
    }
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const deadline = this.#deadline(options);
    let hasBegun = false;
    try {
      deadline.signal.throwIfAborted();
      const { stream } = await this.#config.model.doStream(await callOf(context, this.#config, names, deadline.signal));
      hasBegun = true;
      deadline.begin();
      yield* itemsOf(partsOf(stream), names, this.#config.model);
    } catch (error) {
      throw failureOf(this.name, error, deadline, hasBegun);
    } finally {
      deadline.end();
    }
  }

  #deadline(options: GenerateOptions | undefined): Deadline {
    return new Deadline(this.#config.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, options?.signal);
  }
}

/** Reads a stream, and cancels it when nobody reads on. */
async function* partsOf(stream: ReadableStream<AISDKPart>): AsyncGenerator<AISDKPart, void> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined); // one that failed has nothing to cancel
  }
}

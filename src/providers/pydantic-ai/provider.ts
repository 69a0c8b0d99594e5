/** Agents that are served elsewhere, behind the kit's contract of models (AIP-08). */
import type { AIProvider, GenerateOptions } from '../../ai/provider.js';
import { AbortedError, ProviderError } from '../../core/errors.js';
import type { AIContext, AIResponse, AIStreamItem, AIToolCall } from '../../core/models/ai.js';
import type { RetryPolicy } from '../../core/models/delivery.js';
import { Secret } from '../../core/telemetry/secret.js';
import { Deadline } from '../_shared/ai/deadline.js';
import { providerError } from '../_shared/ai/failure.js';
import { hideKey } from '../_shared/ai/hidden-key.js';
import { DEFAULT_TIMEOUT_SECONDS, MODEL_RETRY_POLICY } from '../_shared/ai/options.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { TooLongError } from '../_shared/server-sent-events.js';
import { runAgent, streamAgent } from './agent.js';
import { checkPydanticAIConfig, type PydanticAIConfig } from './config.js';
import { eventsOf } from './http.js';
import { inputOf } from './request.js';
import { Run } from './run.js';

const NAME = 'pydantic-ai';
/** The shortest limit among the vendors of models that may be behind it. */
const MAX_TOOL_NAME = 64;

/**
 * A Pydantic AI agent, or any other that speaks AG-UI over HTTP. It runs its own tools; those of the agent here are offered to
 * it as tools of the frontend, and run here.
 * @example new Agent('helper', { provider: new PydanticAIProvider({ url: 'http://localhost:8000/agent' }) })
 */
export class PydanticAIProvider implements AIProvider {
  readonly name = NAME;
  readonly modelName: string;
  readonly supportsVision: boolean;
  readonly supportsStreaming = true;
  /** An object brings its own. */
  readonly supportsTools: boolean;
  readonly retryPolicy: RetryPolicy;
  readonly #config: PydanticAIConfig;
  readonly #key: Secret | undefined;

  constructor(config: PydanticAIConfig) {
    checkPydanticAIConfig(config);
    const { apiKey, ...rest } = config;
    this.#config = rest;
    this.#key = apiKey === undefined ? undefined : new Secret(apiKey);
    this.modelName = config.modelName ?? NAME;
    this.supportsVision = config.vision ?? false;
    this.supportsTools = config.url !== undefined;
    this.retryPolicy = config.retryPolicy ?? MODEL_RETRY_POLICY;
  }

  async generate(context: AIContext, options?: GenerateOptions): Promise<AIResponse> {
    const { agent } = this.#config;
    if (agent !== undefined) {
      const deadline = this.#deadline(options);
      try {
        deadline.signal.throwIfAborted();
        return await runAgent(agent, context, deadline.signal);
      } catch (error) {
        throw failureOf(error, deadline) ?? agentFailure(error);
      } finally {
        deadline.end();
      }
    }
    let content = '';
    const toolCalls: AIToolCall[] = [];
    for await (const item of this.generateStream(context, options)) {
      const { type, ...rest } = item;
      if (item.type === 'text_delta') content += item.text;
      else if (type === 'tool_call') toolCalls.push(rest as AIToolCall);
      else if (type === 'done') return { content, toolCalls, ...rest };
    }
    throw new ProviderError('The answer broke off before its end.', { provider: NAME, code: 'stream_interrupted', retryable: true });
  }

  async *generateStream(context: AIContext, options?: GenerateOptions): AsyncGenerator<AIStreamItem, void> {
    const { agent, url } = this.#config;
    const deadline = this.#deadline(options);
    const names = new ToolNames(context, MAX_TOOL_NAME);
    const run = new Run(NAME, names, new Set(context.tools.map((tool) => names.toWire(tool.name))));
    let hasBegun = false;
    try {
      deadline.signal.throwIfAborted();
      if (agent !== undefined) {
        for await (const item of streamAgent(agent, context, deadline.signal)) {
          deadline.begin();
          yield item;
        }
        return;
      }
      const input = inputOf(context, names, this.#config.forwardedProps ?? {});
      for await (const event of eventsOf(NAME, url ?? '', this.#headers(context), input, deadline)) {
        hasBegun = true;
        for (const item of run.read(event)) {
          yield item;
          if (item.type === 'done') return;
        }
      }
      throw run.interrupted();
    } catch (error) {
      const failure = failureOf(error, deadline) ?? (agent === undefined ? wireFailure(error, hasBegun ? run : undefined) : agentFailure(error));
      throw hideKey(failure, this.#key, context);
    } finally {
      deadline.end();
    }
  }

  #deadline(options: GenerateOptions | undefined): Deadline {
    return new Deadline(this.#config.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS, options?.signal);
  }

  #headers(context: AIContext): Readonly<Record<string, string>> {
    const given = context.metadata?.['api_key'];
    const key = typeof given === 'string' ? given : this.#key?.reveal();
    return { ...this.#config.headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) };
  }
}

function failureOf(error: unknown, deadline: Deadline): ProviderError | AbortedError | undefined {
  if (error instanceof ProviderError) return error;
  if (deadline.hasPassed) return providerError({ provider: NAME, code: 'timeout', retryable: true, cause: error });
  if (deadline.wasAborted) return new AbortedError('The run of the agent was aborted.', { cause: error });
  return undefined;
}

function wireFailure(error: unknown, run: Run | undefined): unknown {
  if (error instanceof TooLongError) return providerError({ provider: NAME, code: 'invalid_response', retryable: false, cause: error });
  if (!(error instanceof TypeError)) return error;
  return run?.interrupted(error) ?? providerError({ provider: NAME, code: 'network_error', retryable: true, cause: error });
}

/** It may have run tools before it threw: it is not asked again. */
function agentFailure(error: unknown): ProviderError {
  return providerError({ provider: NAME, code: 'provider_error', retryable: false, cause: error });
}

/** The generations of one turn: each from its request to its response, retries and the fallback included (AI-09). */
import { errorCode, ProviderError } from '../core/errors.js';
import type { AIContext, AIResponse, AIStreamItem, AIToolCall, GivenPrompt, Usage } from '../core/models/ai.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import type { TurnStepTrace } from '../core/models/trace.js';
import { GenAIAttribute, tokenAttributes, vendorName } from '../core/telemetry/gen-ai.js';
import { countFirstToken, countGeneration } from './generation-metrics.js';
import type { AgentParts, TurnParts } from './loop-parts.js';
import { messageText } from './mock-provider.js';
import { readStream } from './model-stream.js';
import { canStream, type AIProvider } from './provider.js';
import { recoveryFrom } from './retry.js';
import { inSpan } from './traced-stream.js';
import { ThinkingPublisher } from './thinking.js';
import { stableHash } from './tools/stable-hash.js';

export interface GenerationHost {
  /** What the model is asked, made anew for each attempt. */
  context(): AIContext;
  /** Takes visible text as it comes. */
  say(text: string): void;
  /** Takes what a generation that failed has cost. */
  spend(usage: Usage): void;
  /** Leaves out the older half of the history; false when that cannot help any more. */
  trim(): boolean;
  /** What the model was asked, for its figures. */
  readonly prompt: () => GivenPrompt;
}

/** One attempt, and how far it has come. */
interface Attempt {
  readonly number: number;
  readonly provider: AIProvider;
  readonly started: number;
  span: string | undefined;
  hasYielded: boolean;
  firstTokenMs: number | undefined;
}

export class Generations {
  /** Who is asked now: the fallback, once it had to take over. */
  provider: AIProvider;
  /** The last one was cut short by a cancellation or by the turn's time limit. */
  isUnfinished = false;
  /** The telemetry span of the newest: the tools it asks for nest under it (TEL-04). */
  span: string | undefined;
  #thinking: ThinkingPublisher | undefined;

  constructor(
    private readonly agent: AgentParts,
    private readonly parts: TurnParts,
    private readonly host: GenerationHost,
  ) {
    this.provider = agent.provider;
  }

  /** At once when the model answers at once. */
  next(): Awaitable<AIResponse> {
    this.isUnfinished = true;
    return this.#attempt(1);
  }

  #attempt(number: number): Awaitable<AIResponse> {
    const { provider } = this;
    const attempt: Attempt = {
      number,
      provider,
      started: this.agent.services.clock.monotonic(),
      span: undefined,
      hasYielded: false,
      firstTokenMs: undefined,
    };
    try {
      const context = this.host.context();
      attempt.span = this.span = this.#startSpan(provider, context, number);
      if (!canStream(provider)) return this.#whole(attempt, context);
      return this.#streamed(
        attempt,
        inSpan(this.agent.services.tracing, attempt.span, () => provider.generateStream(context, this.parts.cancellation)),
      ).then(
        (response) => this.#took(attempt, response),
        (error: unknown) => this.#failed(attempt, error),
      );
    } catch (error) {
      return this.#failed(attempt, error);
    }
  }

  #took(attempt: Attempt, response: AIResponse): AIResponse {
    this.isUnfinished = false;
    this.#end(attempt, response, response.usage, undefined, this.host.prompt);
    return response;
  }

  /** What yielded anything, or was cut short, is not tried again. */
  async #failed(attempt: Attempt, error: unknown): Promise<AIResponse> {
    const prompt = this.host.prompt(); // before any of it is left out
    const recovery = this.parts.cancellation.reason === undefined && !attempt.hasYielded ? this.#recoveryFrom(error, attempt.number) : undefined;
    const usage = error instanceof ProviderError ? error.usage : undefined;
    if (usage !== undefined) this.host.spend(usage);
    // The pause before the next attempt is not part of this one.
    this.#end(attempt, undefined, usage, errorCode(error), () => prompt, recovery?.kind);
    if (recovery === undefined) throw error;
    if (recovery.kind === 'retry') await this.agent.services.clock.sleep(recovery.delayMs, this.parts.cancellation.signal);
    return this.#attempt(attempt.provider === this.provider ? attempt.number + 1 : 1); // the fallback has its own attempts
  }

  /** For the decision trace, what was used, and telemetry. */
  #end(
    attempt: Attempt,
    response: AIResponse | undefined,
    tokens: Usage | undefined,
    code: string | undefined,
    prompt: GenerationHost['prompt'],
    recovery?: TurnStepTrace['recovery'],
  ): void {
    const { provider, started, firstTokenMs, span } = attempt;
    const ms = this.agent.services.clock.monotonic() - started;
    this.parts.turn.trace({
      kind: 'generation',
      name: provider.modelName,
      provider: provider.name,
      ms,
      firstTokenMs,
      tokens,
      code,
      recovery,
      prompt,
    });
    const { tracing } = this.agent.services;
    if (tracing !== undefined) countGeneration(tracing, provider, ms, tokens, code);
    this.#endSpan(span, response, tokens, code);
  }

  /** Thoughts that still wait are told. */
  flush(): void {
    this.#thinking?.flush();
  }

  /** A plain model: everything at once. */
  #whole(attempt: Attempt, context: AIContext): Awaitable<AIResponse> {
    const { cancellation } = this.parts;
    const take = (response: AIResponse | undefined): Awaitable<AIResponse> => {
      let answer: AIResponse;
      try {
        answer = checkResponse(response, attempt.provider);
        this.#firstByte(attempt);
        this.host.say(answer.content);
      } catch (error) {
        return this.#failed(attempt, error);
      }
      return this.#took(attempt, answer);
    };
    const { tracing } = this.agent.services;
    const ask = (): Awaitable<AIResponse> => attempt.provider.generate(context, cancellation); // of plain JavaScript it may be here at once
    const answering = tracing === undefined ? ask() : tracing.run(attempt.span, ask);
    return isPromise(answering) ? cancellation.guard(answering, take, (error) => this.#failed(attempt, error)) : take(answering);
  }

  #streamed(attempt: Attempt, items: AsyncIterable<AIStreamItem>): Promise<AIResponse> {
    let calls: AIToolCall[] | undefined;
    let content = '';
    let last: Extract<AIStreamItem, { type: 'done' }> | undefined;
    const take = (item: AIStreamItem): boolean => {
      if (!attempt.hasYielded) this.#firstByte(attempt);
      attempt.hasYielded = true;
      switch (item.type) {
        case 'text_delta':
          content += item.text;
          this.host.say(item.text);
          return false;
        case 'thinking_delta':
          this.#think(item.text);
          return false;
        case 'tool_call': {
          const { type: _type, ...call } = item;
          (calls ??= []).push(call);
          return false;
        }
        case 'done':
          last = item;
          return true;
        default:
          return false; // a kind of a later time
      }
    };
    return readStream(items, this.parts.cancellation, take).then(
      () => {
        this.flush();
        if (last === undefined) throw interrupted(attempt.provider);
        const { finishReason, usage, metadata } = last;
        return { content, toolCalls: calls ?? EMPTY_LIST, finishReason, usage, metadata };
      },
      (error: unknown) => {
        this.flush();
        throw error;
      },
    );
  }

  /** How to ask once more, and whom; undefined: not at all. */
  #recoveryFrom(error: unknown, attempt: number): { kind: 'retry'; delayMs: number } | { kind: 'shorter' | 'fallback' } | undefined {
    const { services, channelId, retryPolicy, fallbackProvider } = this.agent;
    const { turn } = this.parts;
    if (error instanceof ProviderError && error.code === 'context_overflow' && this.host.trim()) return { kind: 'shorter' };
    const fallback = this.provider === this.agent.provider ? fallbackProvider : undefined;
    // Spread by the turn, so that turns that failed together do not come back together.
    const spread = (): number => Number.parseInt(stableHash(`${turn.id}:${attempt}`).slice(0, 8), 16) / 2 ** 32;
    const policy = retryPolicy ?? this.provider.retryPolicy;
    const recovery = recoveryFrom(error, attempt, { retryPolicy: policy, hasFallback: fallback !== undefined }, spread);
    if (recovery.kind === 'fail') return undefined;
    services.logger.warn('A model failed; it is tried again.', {
      channelId,
      provider: this.provider.name,
      code: errorCode(error),
      next: recovery.kind,
    });
    if (recovery.kind === 'fallback' && fallback !== undefined) this.provider = fallback;
    return recovery;
  }

  #think(text: string): void {
    const { services, deadlines, channelId } = this.agent;
    const { room, turn } = this.parts;
    this.#thinking ??= new ThinkingPublisher(services, deadlines, room.id, channelId, turn.id);
    this.#thinking.add(text);
  }

  #firstByte(attempt: Attempt): void {
    const { clock, tracing } = this.agent.services;
    const ms = (attempt.firstTokenMs = clock.monotonic() - attempt.started);
    if (tracing !== undefined) countFirstToken(tracing, attempt.provider, ms, canStream(attempt.provider));
  }

  #startSpan(provider: AIProvider, context: AIContext, attempt: number): string | undefined {
    const { tracing } = this.agent.services;
    if (tracing === undefined) return undefined;
    const input = tracing.words(messageText(context.messages.at(-1)));
    const attributes = {
      provider: provider.name,
      model: provider.modelName,
      attempt,
      turn_id: this.parts.turn.id,
      [GenAIAttribute.OPERATION_NAME]: 'chat',
      [GenAIAttribute.PROVIDER_NAME]: vendorName(provider.name),
      [GenAIAttribute.REQUEST_MODEL]: provider.modelName,
      [GenAIAttribute.AGENT_NAME]: this.agent.channelId,
      [GenAIAttribute.CONVERSATION_ID]: this.parts.room.id,
      ...(context.maxTokens !== undefined && { [GenAIAttribute.REQUEST_MAX_TOKENS]: context.maxTokens }),
      ...(context.temperature !== undefined && { [GenAIAttribute.REQUEST_TEMPERATURE]: context.temperature }),
    };
    return tracing.start('llm.generate', provider.modelName, {
      roomId: this.parts.room.id,
      attributes: input === undefined ? attributes : { ...attributes, input },
    });
  }

  /** Left early, by a consumer or a cancellation, it has neither a response nor a code. */
  #endSpan(span: string | undefined, response: AIResponse | undefined, tokens: Usage | undefined, code: string | undefined): void {
    const { tracing } = this.agent.services;
    if (tracing === undefined || span === undefined) return;
    const output = response === undefined ? undefined : tracing.words(response.content);
    tracing.end(span, {
      status: code === undefined ? 'ok' : 'error',
      ...(code !== undefined && { errorMessage: code }),
      attributes: {
        ...tokens,
        ...(tokens !== undefined && tokenAttributes(tokens)),
        ...(response?.finishReason !== undefined && {
          finish_reason: response.finishReason,
          [GenAIAttribute.RESPONSE_FINISH_REASONS]: [response.finishReason],
        }),
        ...(code !== undefined && { [GenAIAttribute.ERROR_TYPE]: code }),
        ...(output !== undefined && { output }),
      },
    });
  }
}

/** An adapter that answers nothing is told so here, not by a failure somewhere inside the loop. */
function checkResponse(response: AIResponse | undefined, provider: AIProvider): AIResponse {
  if (typeof response?.content === 'string') return response;
  throw new ProviderError(`Provider '${provider.name}' gave no answer: generate() has to resolve to { content: string, … }.`, {
    provider: provider.name,
    code: 'invalid_response',
  });
}

function interrupted(provider: AIProvider): ProviderError {
  return new ProviderError('The answer broke off before its end.', { provider: provider.name, code: 'stream_interrupted', retryable: true });
}

/**
 * One turn's conversation with its model (§18.1, §18.2): generate, run the tools it asks for, generate again, until it
 * answers. An async generator of visible text serves streaming and plain models alike.
 */
import type { Deadlines } from '../core/async/deadlines.js';
import type { ChannelServices, Turn } from '../core/channel.js';
import { AbortedError, errorCode, ProviderError, RoomKitError, TimeoutError } from '../core/errors.js';
import type { AIContext, AIContextPart, AIMessage, AIResponse, AIStreamItem, AITool, AIToolCall, Usage } from '../core/models/ai.js';
import type { OperationError, RetryPolicy } from '../core/models/delivery.js';
import { EMPTY_LIST } from '../core/models/json.js';
import type { Room } from '../core/models/room.js';
import type { ObservationDraft, TaskDraft } from '../core/models/task.js';
import type { ParticipantRole, TurnEndReason } from '../core/models/vocabulary.js';
import type { Cancellation } from './cancellation.js';
import type { Conversation } from './history.js';
import { messageText } from './mock-provider.js';
import type { TurnSettings } from './layers.js';
import { canStream, isLengthLimit, type AIProvider } from './provider.js';
import { repairConversation } from './repair.js';
import { recoveryFrom } from './retry.js';
import { TextSegments } from './segments.js';
import type { RunningTurns, SteeredTurn } from './steering.js';
import type { ReplyTargets } from './targets.js';
import { ThinkingPublisher } from './thinking.js';
import type { ToolPolicy } from './tools/policy.js';
import { stableHash } from './tools/stable-hash.js';
import { ToolRunner, type ToolLimits, type ToolRound } from './tools/tool-runner.js';

export interface LoopLimits extends ToolLimits {
  readonly maxToolRounds: number;
  readonly loopTimeoutSeconds: number;
}

export interface LoopParts {
  readonly services: ChannelServices;
  readonly deadlines: Deadlines;
  readonly turn: Turn;
  readonly room: Room;
  readonly channelId: string;
  readonly participantId: string | undefined;
  readonly roles: readonly ParticipantRole[];
  readonly provider: AIProvider;
  readonly fallbackProvider: AIProvider | undefined;
  readonly retryPolicy: RetryPolicy | undefined;
  readonly settings: TurnSettings;
  readonly systemPrompt: string | undefined;
  readonly policy: ToolPolicy | undefined;
  readonly limits: LoopLimits;
  readonly conversation: Conversation;
  readonly targets: ReplyTargets;
  readonly running: RunningTurns;
  readonly steered: SteeredTurn;
  readonly cancellation: Cancellation;
}

export interface LoopOutcome {
  readonly endReason: TurnEndReason;
  readonly text: string;
  readonly usage: Usage;
  readonly tasks: readonly TaskDraft[];
  readonly observations: readonly ObservationDraft[];
  /** Who answered in the end. */
  readonly provider: AIProvider;
  /** The last generation was cut short by a cancellation or by the turn's time limit. */
  readonly isPartial: boolean;
  /** The model failed; set only when the turn ended by it. */
  readonly error: OperationError | undefined;
}

/** How far one generation has come. */
interface Progress {
  hasYielded: boolean;
  firstTokenMs?: number;
}

const NUDGE = 'Please answer the user now, in words, with what you have found out.';

export class ToolLoop {
  readonly #segments = new TextSegments();
  readonly #usage: Record<string, number> = {};
  #tasks: readonly TaskDraft[] = EMPTY_LIST;
  #observations: readonly ObservationDraft[] = EMPTY_LIST;
  #provider: AIProvider;
  #runner: ToolRunner | undefined;
  #thinking: ThinkingPublisher | undefined;
  #history: readonly AIMessage[];
  #spoken: readonly AIMessage[];
  #systemPrompt: string | undefined;
  #wasTrimmed = false;
  #isGenerating = false;
  /** The telemetry span of the newest generation: the tools it asks for nest under it (TEL-04). */
  #span: string | undefined;
  #endReason: TurnEndReason | undefined;
  #failure: unknown;

  constructor(private readonly parts: LoopParts) {
    this.#provider = parts.provider;
    this.#history = parts.conversation.history;
    this.#spoken = parts.conversation.asked;
    this.#systemPrompt = parts.systemPrompt;
  }

  /** How things stand; complete once {@link run} has ended. */
  outcome(): LoopOutcome {
    const reason = this.parts.cancellation.reason;
    const endReason = this.#endReason ?? (reason === undefined ? 'cancelled' : endReasonOf(reason));
    return {
      endReason,
      text: this.#segments.text,
      usage: this.#usage,
      tasks: this.#tasks,
      observations: this.#observations,
      provider: this.#provider,
      isPartial: this.#isGenerating,
      error: this.#failure === undefined ? undefined : this.#operationError(),
    };
  }

  /** Yields the visible text. Ends normally when it was cancelled or out of time; throws what the model failed with. */
  async *run(): AsyncGenerator<string, void> {
    const { parts } = this;
    const { running, steered } = parts;
    running.open(steered);
    try {
      yield* this.#rounds(steered);
    } catch (error) {
      if (parts.cancellation.reason === undefined) {
        this.#endReason = 'error';
        this.#failure = error;
        throw error;
      }
      this.#endReason = endReasonOf(parts.cancellation.reason);
    } finally {
      running.close(steered);
      this.#thinking?.flush();
      // A consumer that left early wants nothing more of the model (STR-07).
      if (this.#endReason === undefined) parts.cancellation.abort(new AbortedError('Nobody reads this answer any more.'));
      parts.cancellation.release();
    }
  }

  async *#rounds(steered: SteeredTurn): AsyncGenerator<string, void> {
    const { maxToolRounds } = this.parts.limits;
    let rounds = 0;
    let wasNudged = false;
    let isForced = false;
    for (let generations = 1; ; generations++) {
      this.#steer(steered);
      const isLast = isForced || wasNudged || rounds >= maxToolRounds;
      const offered = isLast || !this.#provider.supportsTools ? EMPTY_LIST : this.#offered();
      const response = yield* this.#generation(offered);
      const calls = response.toolCalls ?? EMPTY_LIST;
      const wantsTools = calls.length > 0;
      if (!wantsTools || isLast || !this.parts.settings.tools.canRun) {
        if (this.#canNudge(response, rounds, wasNudged || isForced, generations)) {
          wasNudged = true;
          this.#say({ role: 'user', content: NUDGE });
          this.#segments.next();
          continue;
        }
        const rest = this.#segments.end();
        if (rest !== '') yield rest;
        this.#endReason = isForced ? 'force_stopped' : this.#naturalEnd(response, rounds >= maxToolRounds && (rounds > 0 || wantsTools));
        return;
      }
      this.#say(assistantMessage(response, calls));
      // Whatever part of a round hangs (a schema, a hook, a store), the turn's end is not put off by it (TL-08, STE-03).
      const round: ToolRound = await this.parts.cancellation.guard(this.#tools().round(calls, offered, this.#provider, this.#span));
      if (round.isEnd) {
        const rest = this.#segments.end();
        if (rest !== '') yield rest;
        this.#endReason = this.#segments.text === '' ? 'empty' : 'completed';
        return;
      }
      for (const message of round.messages) this.#say(message);
      isForced ||= round.isForced;
      rounds++;
      this.#segments.next();
    }
  }

  /** One generation from its request to its response; retries and the fallback included (AI-09). */
  async *#generation(offered: readonly AITool[]): AsyncGenerator<string, AIResponse> {
    const { services, turn, cancellation } = this.parts;
    this.#isGenerating = true;
    for (let attempt = 1; ; attempt++) {
      const provider = this.#provider;
      const started = services.clock.monotonic();
      const progress: Progress = { hasYielded: false };
      let response: AIResponse | undefined;
      let code: string | undefined;
      let span: string | undefined;
      try {
        const context = this.#context(offered);
        span = this.#span = this.#startSpan(provider, context, attempt);
        if (canStream(provider)) {
          response = yield* this.#streamed(provider.generateStream(context, cancellation), provider, progress, started);
        } else {
          response = checkResponse(await cancellation.guard(Promise.resolve(provider.generate(context, cancellation))), provider);
          this.#firstByte(provider, started, progress);
          const shown = this.#segments.push(response.content);
          if (shown !== '') yield shown;
        }
        this.#take(response);
        this.#isGenerating = false;
        return response;
      } catch (error) {
        code = errorCode(error);
        if (cancellation.reason !== undefined || progress.hasYielded || !(await this.#recovers(error, attempt))) throw error;
        if (provider !== this.#provider) attempt = 0; // the fallback has its own attempts
      } finally {
        turn.trace({
          kind: 'generation',
          name: provider.modelName,
          ms: services.clock.monotonic() - started,
          ...(progress.firstTokenMs !== undefined && { firstTokenMs: progress.firstTokenMs }),
          ...(response?.usage !== undefined && { tokens: response.usage }),
          ...(code !== undefined && { code }),
        });
        this.#endSpan(span, response, code);
      }
    }
  }

  #startSpan(provider: AIProvider, context: AIContext, attempt: number): string | undefined {
    const { tracing } = this.parts.services;
    if (tracing === undefined) return undefined;
    const input = tracing.words(messageText(context.messages.at(-1)));
    const attributes = { provider: provider.name, model: provider.modelName, attempt, turn_id: this.parts.turn.id };
    return tracing.start('llm.generate', provider.modelName, {
      roomId: this.parts.room.id,
      attributes: input === undefined ? attributes : { ...attributes, input },
    });
  }

  /** Left early, by a consumer or a cancellation, it has neither a response nor a code. */
  #endSpan(span: string | undefined, response: AIResponse | undefined, code: string | undefined): void {
    const { tracing } = this.parts.services;
    if (tracing === undefined || span === undefined) return;
    const output = response === undefined ? undefined : tracing.words(response.content);
    tracing.end(span, {
      status: code === undefined ? 'ok' : 'error',
      ...(code !== undefined && { errorMessage: code }),
      attributes: {
        ...response?.usage,
        ...(response?.finishReason !== undefined && { finish_reason: response.finishReason }),
        ...(output !== undefined && { output }),
      },
    });
  }

  #firstByte(provider: AIProvider, started: number, progress: Progress): void {
    const { clock, tracing } = this.parts.services;
    progress.firstTokenMs = clock.monotonic() - started;
    tracing?.metric('roomkit.llm.ttfb_ms', progress.firstTokenMs, { provider: provider.name, model: provider.modelName });
  }

  async *#streamed(
    items: AsyncIterable<AIStreamItem>,
    provider: AIProvider,
    progress: Progress,
    started: number,
  ): AsyncGenerator<string, AIResponse> {
    const { cancellation } = this.parts;
    const iterator = items[Symbol.asyncIterator]();
    const calls: AIToolCall[] = [];
    let content = '';
    let isOver = false;
    try {
      for (;;) {
        const step = await cancellation.guard(iterator.next());
        if (step.done === true) {
          isOver = true;
          throw new ProviderError('The answer broke off before its end.', { provider: provider.name, code: 'stream_interrupted', retryable: true });
        }
        const item = step.value;
        if (!progress.hasYielded) this.#firstByte(provider, started, progress);
        progress.hasYielded = true;
        switch (item.type) {
          case 'text_delta': {
            content += item.text;
            const shown = this.#segments.push(item.text);
            if (shown !== '') yield shown;
            break;
          }
          case 'thinking_delta':
            this.#think(item.text);
            break;
          case 'tool_call': {
            const { type: _type, ...call } = item;
            calls.push(call);
            break;
          }
          case 'done':
            return { content, toolCalls: calls, finishReason: item.finishReason, usage: item.usage, metadata: item.metadata };
        }
      }
    } catch (error) {
      if (cancellation.reason === undefined) isOver = true; // it failed by itself
      throw error;
    } finally {
      this.#thinking?.flush();
      if (!isOver) leave(iterator);
    }
  }

  async #recovers(error: unknown, attempt: number): Promise<boolean> {
    const { services, cancellation, channelId, turn, retryPolicy } = this.parts;
    if (error instanceof ProviderError && error.code === 'context_overflow' && !this.#wasTrimmed && this.#history.length > 0) {
      this.#wasTrimmed = true;
      this.#history = this.#history.slice(Math.ceil(this.#history.length / 2));
      return true;
    }
    const fallback = this.#provider === this.parts.provider ? this.parts.fallbackProvider : undefined;
    // Spread by the turn, so that turns that failed together do not come back together.
    const spread = (): number => Number.parseInt(stableHash(`${turn.id}:${attempt}`).slice(0, 8), 16) / 2 ** 32;
    const recovery = recoveryFrom(error, attempt, { retryPolicy, hasFallback: fallback !== undefined }, spread);
    if (recovery.kind === 'fail') return false;
    services.logger.warn('A model failed; it is tried again.', {
      channelId,
      provider: this.#provider.name,
      code: errorCode(error),
      next: recovery.kind,
    });
    if (recovery.kind === 'retry') await services.clock.sleep(recovery.delayMs, cancellation.signal);
    else if (fallback !== undefined) this.#provider = fallback;
    return true;
  }

  #context(tools: readonly AITool[]): AIContext {
    const { settings, room, targets, conversation } = this.parts;
    const messages = this.#history.length === 0 && this.#spoken === conversation.asked ? this.#spoken : [...this.#history, ...this.#spoken];
    return {
      messages: repairConversation(messages),
      ...(this.#systemPrompt !== undefined && { systemPrompt: this.#systemPrompt }),
      ...(settings.temperature !== undefined && { temperature: settings.temperature }),
      ...(settings.maxTokens !== undefined && { maxTokens: settings.maxTokens }),
      tools,
      room,
      ...(targets.capabilities !== undefined && { targetCapabilities: targets.capabilities }),
      targetMediaTypes: targets.mediaTypes,
      ...(settings.thinkingBudget !== undefined && { metadata: { thinking_budget: settings.thinkingBudget } }),
    };
  }

  /** STE-02: what came meanwhile is heard before the model is asked. */
  #steer(steered: SteeredTurn): void {
    const heard = steered.drain();
    if (heard === undefined) return;
    for (const message of heard.messages) this.#say(message);
    for (const prompt of heard.prompts) this.#systemPrompt = this.#systemPrompt === undefined ? prompt : `${this.#systemPrompt}\n${prompt}`;
  }

  /** TL-07: once, when tools ran and the model then said nothing for no good reason. */
  #canNudge(response: AIResponse, rounds: number, isOver: boolean, generations: number): boolean {
    return (
      rounds > 0 &&
      !isOver &&
      this.#segments.isCurrentEmpty &&
      !isLengthLimit(response.finishReason) &&
      generations < 1 + this.parts.limits.maxToolRounds
    );
  }

  #naturalEnd(response: AIResponse, isOutOfRounds: boolean): TurnEndReason {
    if (isLengthLimit(response.finishReason)) return 'truncated';
    if (isOutOfRounds) return 'max_rounds';
    return this.#segments.text === '' ? 'empty' : 'completed';
  }

  #take(response: AIResponse): void {
    const usage = response.usage;
    if (usage !== undefined) {
      for (const kind in usage) this.#usage[kind] = (this.#usage[kind] ?? 0) + (usage[kind] ?? 0);
    }
    if (response.tasks !== undefined) this.#tasks = [...this.#tasks, ...response.tasks];
    if (response.observations !== undefined) this.#observations = [...this.#observations, ...response.observations];
  }

  #say(message: AIMessage): void {
    this.#spoken = [...this.#spoken, message];
  }

  #offered(): readonly AITool[] {
    return this.#runner === undefined ? this.parts.settings.tools.offered(this.parts.policy, this.parts.roles) : this.#runner.offered();
  }

  #tools(): ToolRunner {
    const { services, deadlines, turn, room, channelId, participantId, roles, settings, policy, limits, cancellation } = this.parts;
    return (this.#runner ??= new ToolRunner({
      services,
      deadlines,
      turn,
      roomId: room.id,
      channelId,
      participantId,
      roles,
      tools: settings.tools,
      policy,
      limits,
      cancellation,
    }));
  }

  #think(text: string): void {
    const { services, deadlines, room, channelId, turn } = this.parts;
    this.#thinking ??= new ThinkingPublisher(services, deadlines, room.id, channelId, turn.id);
    this.#thinking.add(text);
  }

  /** The kit's own errors say how to mend them; of a vendor's words nothing goes on (TURN-07). */
  #operationError(): OperationError {
    const { channelId } = this.parts;
    const failure = this.#failure;
    const isOurs = failure instanceof RoomKitError && !(failure instanceof ProviderError);
    return { code: errorCode(failure), message: isOurs ? failure.message : `The model of '${channelId}' failed.`, channelId };
  }
}

/** An iterator that hangs, or fails to be left, is told to stop and not waited for. */
function leave(iterator: AsyncIterator<AIStreamItem>): void {
  void (async () => {
    try {
      await iterator.return?.();
    } catch {
      // It was given up already.
    }
  })();
}

/** An adapter that answers nothing is told so here, not by a failure somewhere inside the loop. */
function checkResponse(response: AIResponse | undefined, provider: AIProvider): AIResponse {
  if (typeof response?.content === 'string') return response;
  throw new ProviderError(`Provider '${provider.name}' gave no answer: generate() has to resolve to { content: string, … }.`, {
    provider: provider.name,
    code: 'invalid_response',
  });
}

/** How a turn that was cut short ended. */
export function endReasonOf(reason: Error): TurnEndReason {
  return reason instanceof TimeoutError ? 'timeout' : 'cancelled';
}

/** What the model said and asked for; its own metadata goes along, for adapters that need it back. */
function assistantMessage(response: AIResponse, calls: readonly AIToolCall[]): AIMessage {
  const content: AIContextPart[] = response.content === '' ? [] : [{ type: 'text', text: response.content }];
  for (const { id, name, arguments: args } of calls) content.push({ type: 'tool_call', id, name, arguments: args });
  return response.metadata === undefined ? { role: 'assistant', content } : { role: 'assistant', content, metadata: response.metadata };
}

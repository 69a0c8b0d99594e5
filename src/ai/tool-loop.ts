/**
 * One turn's conversation with its model (§18.1, §18.2): generate, run the tools it asks for, generate again, until it
 * answers. Visible text is pushed to whoever shows it, from streaming and plain models alike.
 */
import type { TakenMessages } from '../core/channel.js';
import { errorCode, ProviderError, RoomKitError, TimeoutError } from '../core/errors.js';
import type { AIContext, AIContextPart, AIMessage, AIResponse, AITool, AIToolCall, GivenPrompt, Usage } from '../core/models/ai.js';
import type { OperationError } from '../core/models/delivery.js';
import type { SuspendRequest } from '../core/models/approval.js';
import { EMPTY, EMPTY_LIST, isPromise, type Awaitable, type Metadata } from '../core/models/json.js';
import type { ObservationDraft, TaskDraft } from '../core/models/task.js';
import type { TurnEndReason } from '../core/models/vocabulary.js';
import { Generations } from './generations.js';
import { joinConversation } from './history.js';
import type { AgentParts, TurnParts } from './loop-parts.js';
import { writeRecord, type LoopRecord } from './loop-record.js';
import { isLengthLimit, type AIProvider } from './provider.js';
import { repairConversation } from './repair.js';
import { TextSegments } from './segments.js';
import { withSpeakersNote } from './speakers.js';
import type { RoundRecord } from './tools/rounds.js';
import { ToolRunner, type ToolRound } from './tools/tool-runner.js';

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
  /** Answers of tools that come later (LTR-01). */
  readonly later: readonly TaskDraft[];
  /** The turn is not over: it waits for people. */
  readonly suspend: SuspendRequest | undefined;
}

const NUDGE = 'Please answer the user now, in words, with what you have found out.';

export class ToolLoop {
  readonly #segments = new TextSegments();
  /** Frozen: the reply, its turn and the result share it. */
  #usage: Usage = EMPTY;
  readonly #generations: Generations;
  #tasks: readonly TaskDraft[] = EMPTY_LIST;
  #observations: readonly ObservationDraft[] = EMPTY_LIST;
  #runner: ToolRunner | undefined;
  /** The conversation so far: the history, and from `#askedFrom` on what is answered and what has come of it. */
  #messages: readonly AIMessage[];
  #askedFrom: number;
  #systemPrompt: string | undefined;
  #hasSeveralSpeakers: boolean;
  /** How much of the history was left out, once it did not fit; 0 before. */
  #trimmed = 0;
  /** How often the model was asked, and how often its tools have run. */
  #asked = 0;
  #rounds = 0;
  #wasNudged = false;
  /** It went round in circles and has to answer now (TL-06). */
  #isForced = false;
  /** What it is offered now. */
  #offer: readonly AITool[] = EMPTY_LIST;
  #show: ((text: string) => void) | undefined;
  #endReason: TurnEndReason | undefined;
  #failure: unknown;
  #suspend: SuspendRequest | undefined;
  /** What directives have added to the system prompt; kept apart only for turns that wait. */
  #prompts: readonly string[] = EMPTY_LIST;

  constructor(
    private readonly agent: AgentParts,
    private readonly parts: TurnParts,
  ) {
    this.#messages = parts.conversation.messages;
    this.#askedFrom = parts.conversation.askedFrom;
    this.#systemPrompt = parts.systemPrompt;
    this.#hasSeveralSpeakers = parts.conversation.hasSeveralSpeakers;
    const { record } = parts;
    if (record !== undefined) {
      this.#asked = record.asked;
      this.#rounds = record.rounds;
      this.#wasNudged = record.wasNudged;
      this.#isForced = record.isForced;
      this.#usage = record.usage;
      this.#trimmed = record.trimmed;
      for (const prompt of record.prompts) this.#append(prompt);
    }
    this.#generations = new Generations(agent, parts, {
      context: () => this.#context(),
      say: (text) => this.#tell(this.#segments.push(text)),
      spend: (usage) => (this.#usage = added(this.#usage, usage)),
      trim: () => this.#trim(),
      prompt: () => this.#prompt(),
    });
  }

  /** How things stand; complete once {@link run} has ended. */
  outcome(): LoopOutcome {
    const reason = this.parts.cancellation.reason;
    const endReason = this.#endReason ?? (this.#suspend !== undefined ? 'completed' : reason === undefined ? 'cancelled' : endReasonOf(reason));
    return {
      endReason,
      text: this.#segments.text,
      usage: this.#usage,
      tasks: this.#tasks,
      observations: this.#observations,
      provider: this.#generations.provider,
      isPartial: this.#generations.isUnfinished,
      error: this.#failure === undefined ? undefined : this.#operationError(),
      later: this.#runner?.later ?? EMPTY_LIST,
      suspend: this.#suspend,
    };
  }

  /** Shows the visible text as it comes. `end` is told what the model failed with; not that it was cancelled or out of time. */
  async run<Result>(end: (failure: unknown) => Result, show?: (text: string) => void): Promise<Result> {
    const { cancellation, steered } = this.parts;
    const { running } = this.agent;
    this.#show = show;
    let failure: unknown;
    running.open(steered);
    try {
      if (this.parts.record !== undefined) await this.#goOn(this.parts.record);
      while (this.#endReason === undefined && this.#suspend === undefined) {
        const preparing = this.#prepare();
        if (preparing !== undefined) await preparing;
        const refusing = this.#hasBudget ? this.#refusal() : undefined;
        const refusal = isPromise(refusing) ? await this.parts.cancellation.guard(refusing) : refusing;
        if (refusal !== undefined) {
          this.#refuse(refusal);
          break;
        }
        const generating = this.#generations.next();
        const response = isPromise(generating) ? await generating : generating;
        this.#take(response);
        const calls = response.toolCalls ?? EMPTY_LIST;
        const isAnswer = calls.length === 0 || this.#isLast || !this.parts.settings.tools.canRun;
        if (!isAnswer) await this.#runTools(response, calls);
        else if (!this.#nudges(response)) this.#finish(response, calls.length > 0);
      }
    } catch (error) {
      const { reason } = cancellation;
      this.#endReason = reason === undefined ? 'error' : endReasonOf(reason);
      if (reason === undefined) this.#failure = failure = error;
    } finally {
      running.close(steered);
      this.#generations.flush();
      cancellation.release();
    }
    return end(failure);
  }

  get #hasBudget(): boolean {
    return this.agent.budget !== undefined || this.parts.room.aiConfig?.budget !== undefined;
  }

  #refusal(): Awaitable<string | undefined> {
    const budgets = { agent: this.agent.budget, room: this.parts.room.aiConfig?.budget };
    return this.parts.turn.budgetRefusal?.(budgets, this.#generations.provider.modelName);
  }

  /** USG-03: nothing more is generated; what was said so far is the answer. */
  #refuse(reason: string): void {
    const { services, channelId } = this.agent;
    const { turn, room } = this.parts;
    this.#tell(this.#segments.end());
    this.#endReason = 'budget_exceeded';
    this.#failure = new RoomKitError('budget_exceeded', reason);
    turn.trace({ kind: 'generation', name: this.#generations.provider.modelName, ms: 0, code: 'budget_exceeded' });
    services.logger.info('A budget is used up: a generation was refused.', { roomId: room.id, channelId, turnId: turn.id, reason });
  }

  /** Whether the next answer is taken as it comes, whatever tools it asks for. */
  get #isLast(): boolean {
    return this.#isForced || this.#wasNudged || this.#rounds >= this.agent.limits.maxToolRounds;
  }

  /** STE-02: what came meanwhile is heard before the model is asked. */
  #prepare(): Promise<void> | undefined {
    this.#asked++;
    const taken = this.parts.turn.takeMessages?.();
    if (isPromise(taken)) {
      return this.parts.cancellation.guard(taken, (messages) => {
        if (messages !== undefined) this.#takeIn(messages);
        this.#ready();
      });
    }
    if (taken !== undefined) this.#takeIn(taken);
    this.#ready();
    return undefined;
  }

  /** COL-03: messages that came while it ran are answered with the rest. */
  #takeIn(taken: TakenMessages): void {
    const { conversation, askers } = this.parts;
    askers.add(taken.events, taken.participants);
    const reader = { channelId: this.agent.channelId, supportsVision: this.#generations.provider.supportsVision };
    // A turn that has waited keeps what it was shown: only what is new has names.
    const isNamed = this.#hasSeveralSpeakers || this.parts.record !== undefined;
    const { messages, renamed } = joinConversation(conversation, taken, isNamed, reader);
    if (isNamed && !this.#hasSeveralSpeakers && messages.length > 0) {
      this.#hasSeveralSpeakers = true;
      this.#systemPrompt = withSpeakersNote(this.#systemPrompt);
    }
    if (renamed !== undefined) {
      this.#hasSeveralSpeakers = true;
      this.#systemPrompt = withSpeakersNote(this.#systemPrompt);
      const since = this.#messages.slice(conversation.messages.length - this.#trimmed);
      this.#messages = [...renamed.slice(this.#trimmed), ...since];
    }
    for (const message of messages) this.#say(message);
  }

  #ready(): void {
    const heard = this.parts.steered.drain();
    if (heard !== undefined) {
      for (const message of heard.messages) this.#say(message);
      for (const prompt of heard.prompts) this.#append(prompt);
    }
    this.#offer = this.#isLast || !this.#generations.provider.supportsTools ? EMPTY_LIST : this.#offered();
  }

  async #runTools(response: AIResponse, calls: readonly AIToolCall[]): Promise<void> {
    this.#say(assistantMessage(response, calls));
    const { provider, span } = this.#generations;
    // Whatever part of a round hangs (a schema, a hook, a store), the turn's end is not put off by it (TL-08, STE-03).
    this.#takeRound(await this.parts.cancellation.guard(this.#tools().round(calls, this.#offer, provider, span)));
  }

  /** APR-04: the round it waited in is finished first. */
  async #goOn(record: LoopRecord): Promise<void> {
    const { provider, span } = this.#generations;
    const approvals = this.parts.turn.resumed?.approvals ?? EMPTY_LIST;
    this.#takeRound(await this.parts.cancellation.guard(this.#tools().goOn(record.round, approvals, provider, span)));
  }

  #takeRound(round: ToolRound): void {
    this.#isForced ||= round.isForced;
    if (round.suspended !== undefined) {
      this.#tell(this.#segments.end());
      this.#suspend = { loop: this.#record(round.suspended.round), approvals: round.suspended.approvals };
      return;
    }
    if (round.isEnd) {
      this.#tell(this.#segments.end());
      this.#endReason = this.#segments.text === '' ? 'empty' : 'completed';
      return;
    }
    for (const message of round.messages) this.#say(message);
    this.#rounds++;
    this.#segments.next();
  }

  #record(round: RoundRecord): Metadata {
    return writeRecord({
      messages: this.#messages,
      askedFrom: this.#askedFrom,
      trimmed: this.#trimmed,
      hasSeveralSpeakers: this.#hasSeveralSpeakers,
      prompts: this.#prompts,
      asked: this.#asked,
      rounds: this.#rounds,
      wasNudged: this.#wasNudged,
      isForced: this.#isForced,
      usage: this.#usage,
      round,
      runner: this.#tools().record(),
    });
  }

  #append(prompt: string): void {
    this.#prompts = [...this.#prompts, prompt];
    this.#systemPrompt = this.#systemPrompt === undefined ? prompt : `${this.#systemPrompt}\n${prompt}`;
  }

  /** TL-07: once, when tools ran and the model then said nothing for no good reason. */
  #nudges(response: AIResponse): boolean {
    const isDue =
      this.#rounds > 0 &&
      !this.#wasNudged &&
      !this.#isForced &&
      this.#segments.isCurrentEmpty &&
      !isLengthLimit(response.finishReason) &&
      this.#asked < 1 + this.agent.limits.maxToolRounds;
    if (!isDue) return false;
    this.#wasNudged = true;
    this.#say({ role: 'user', content: NUDGE });
    this.#segments.next();
    return true;
  }

  #finish(response: AIResponse, wantsTools: boolean): void {
    this.#tell(this.#segments.end());
    const isOutOfRounds = this.#rounds >= this.agent.limits.maxToolRounds && (this.#rounds > 0 || wantsTools);
    this.#endReason = this.#isForced ? 'force_stopped' : this.#naturalEnd(response, isOutOfRounds);
  }

  #naturalEnd(response: AIResponse, isOutOfRounds: boolean): TurnEndReason {
    if (isLengthLimit(response.finishReason)) return 'truncated';
    if (isOutOfRounds) return 'max_rounds';
    return this.#segments.text === '' ? 'empty' : 'completed';
  }

  #context(): AIContext {
    const { settings, room, targets } = this.parts;
    const context: { -readonly [Field in keyof AIContext]: AIContext[Field] } = {
      messages: repairConversation(this.#messages),
      tools: this.#offer,
      room,
      targetMediaTypes: targets.mediaTypes,
    };
    if (this.#systemPrompt !== undefined) context.systemPrompt = this.#systemPrompt;
    if (settings.temperature !== undefined) context.temperature = settings.temperature;
    if (settings.maxTokens !== undefined) context.maxTokens = settings.maxTokens;
    if (targets.capabilities !== undefined) context.targetCapabilities = targets.capabilities;
    if (settings.thinkingBudget !== undefined) context.metadata = { thinking_budget: settings.thinkingBudget };
    return context;
  }

  /** TEL-07. What it is given does not change while it is asked. */
  #prompt(): GivenPrompt {
    const { settings, describedPrompt, conversation } = this.parts;
    return {
      ownPrompt: settings.systemPrompt,
      describedPrompt,
      systemPrompt: this.#systemPrompt,
      messages: this.#messages,
      remembered: conversation.remembered.messages.length - this.#trimmed,
      askedFrom: this.#askedFrom,
      tools: this.#offer,
    };
  }

  #take(response: AIResponse): void {
    if (response.usage !== undefined) this.#usage = added(this.#usage, response.usage);
    if (response.tasks !== undefined) this.#tasks = [...this.#tasks, ...response.tasks];
    if (response.observations !== undefined) this.#observations = [...this.#observations, ...response.observations];
  }

  #tell(shown: string): void {
    if (shown !== '') this.#show?.(shown);
  }

  #say(message: AIMessage): void {
    this.#messages = [...this.#messages, message];
  }

  /** It did not fit into the model: once the older half is left out. */
  #trim(): boolean {
    if (this.#trimmed > 0 || this.#askedFrom === 0) return false;
    const left = Math.ceil(this.#askedFrom / 2);
    this.#trimmed = left;
    this.#messages = this.#messages.slice(left);
    this.#askedFrom -= left;
    return true;
  }

  #offered(): readonly AITool[] {
    return this.#runner === undefined ? this.parts.settings.tools.offered(this.agent.policy, this.parts.askers.roles) : this.#runner.offered();
  }

  #tools(): ToolRunner {
    const { services, deadlines, channelId, policy, limits } = this.agent;
    const { turn, room, askers, settings, cancellation } = this.parts;
    const { record } = this.parts;
    return (this.#runner ??= new ToolRunner(
      { services, deadlines, turn, roomId: room.id, channelId, askers, tools: settings.tools, policy, limits, cancellation },
      record?.runner,
    ));
  }

  /** The kit's own errors say how to mend them; of a vendor's words nothing goes on (TURN-07). */
  #operationError(): OperationError {
    const { channelId } = this.agent;
    const failure = this.#failure;
    const isOurs = failure instanceof RoomKitError && !(failure instanceof ProviderError);
    return { code: errorCode(failure), message: isOurs ? failure.message : `The model of '${channelId}' failed.`, channelId };
  }
}

/** Of most turns there is one generation, and nothing to add up. */
function added(sum: Usage, usage: Usage): Usage {
  if (sum === EMPTY && Object.isFrozen(usage)) return usage;
  const both: Record<string, number> = { ...sum };
  for (const kind in usage) both[kind] = (both[kind] ?? 0) + (usage[kind] ?? 0);
  return Object.freeze(both);
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

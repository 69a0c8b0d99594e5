/** An agent as a channel (§18): it hears the room like any other, and answers with what its model says. */
import { Deadlines } from '../core/async/deadlines.js';
import type { ApprovalJudgement, ApprovalQuestion, Channel, ChannelServices, OnEventOptions, Turn } from '../core/channel.js';
import { errorMessage, NotSupportedError, RoomKitError, TimeoutError } from '../core/errors.js';
import { checkChannelId } from '../core/ids.js';
import type { AITool } from '../core/models/ai.js';
import type { Approval } from '../core/models/approval.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { channelCapabilities, type ChannelCapabilities } from '../core/models/capabilities.js';
import type { ChannelOutput, CollisionConfig } from '../core/models/delivery.js';
import type { EventDraft, EventSource, RoomEvent } from '../core/models/event.js';
import { EMPTY_LIST, isPromise, type Awaitable } from '../core/models/json.js';
import type { TurnEndReason } from '../core/models/vocabulary.js';
import type { RoomContext } from '../core/rooms/context.js';
import { withoutSummaries } from '../core/rooms/summaries.js';
import { abortSourceOf, Cancellation, type TimeLimit } from '../core/async/cancellation.js';
import { checkOwnTools, checkParts, limitsOf, windowOf, type AIChannelOptions } from './ai-channel-options.js';
import { answerAtOnce, answerInPieces, placeholderOf, providerSource } from './answers.js';
import { Askers } from './askers.js';
import { buildConversation, conversationOf, type Conversation } from './history.js';
import { SettingsLayers, type TurnSettings } from './layers.js';
import type { AgentParts, LoopLimits, TurnParts } from './loop-parts.js';
import { readRecord } from './loop-record.js';
import type { MemoryProvider } from './memory/memory.js';
import { SlidingWindowMemory } from './memory/sliding-window.js';
import { canStream, type AIProvider } from './provider.js';
import { TurnSkills } from './skills/turn-skills.js';
import { withSpeakersNote } from './speakers.js';
import { RunningTurns, SteeredTurn, type SteeringDirective, type SteeringTarget } from './steering.js';
import { replyTargets } from './targets.js';
import { endReasonOf } from './tool-loop.js';
import { checkAgainst } from './tools/check-arguments.js';
import { checkPolicy } from './tools/policy.js';
import { waitingNote } from './waiting-calls.js';

/**
 * Answers with a language model. Register it, and attach it with `{ category: 'intelligence' }`.
 * @example kit.registerChannel(new AIChannel('ai', { provider, systemPrompt: 'You help.' }))
 */
export class AIChannel implements Channel {
  readonly channelType = 'ai';
  readonly category = 'intelligence';
  readonly direction = 'bidirectional';
  readonly capabilities: ChannelCapabilities;
  readonly providerName: string;
  readonly provider: AIProvider;
  readonly maxContextEvents: number;
  readonly collision: CollisionConfig | undefined;
  readonly isConfigOnly: boolean = false;
  /** Present when the memory keeps its own record (MEM-01). */
  readonly ingest?: (event: RoomEvent) => Awaitable<void>;
  readonly #options: AIChannelOptions;
  readonly #limits: LoopLimits;
  readonly #memory: MemoryProvider;
  readonly #layers: SettingsLayers;
  readonly #running = new RunningTurns();
  readonly #source: EventSource;
  readonly #placeholder: EventDraft;
  /** What every turn is made with; there once the channel is registered. */
  #agent: AgentParts | undefined;
  #timeLimit: TimeLimit | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    readonly channelId: string,
    options: AIChannelOptions,
  ) {
    checkChannelId(channelId);
    checkParts(channelId, options);
    const { provider } = options;
    this.#options = options;
    this.#limits = limitsOf(options);
    this.provider = provider;
    this.providerName = provider.name;
    this.collision = options.collision;
    this.maxContextEvents = windowOf(options);
    this.#memory = options.memory ?? new SlidingWindowMemory({ maxEvents: this.maxContextEvents });
    const memory = this.#memory;
    if (memory.ingest !== undefined) this.ingest = (event) => memory.ingest?.(event);
    checkOwnTools(options.tools ?? EMPTY_LIST);
    checkPolicy(options.toolPolicy);
    this.#layers = new SettingsLayers({
      systemPrompt: options.systemPrompt,
      temperature: options.temperature,
      maxTokens: options.maxTokens,
      tools: options.tools ?? EMPTY_LIST,
      toolHandler: options.toolHandler,
    });
    this.capabilities = channelCapabilities({
      mediaTypes: provider.supportsVision ? ['text', 'rich', 'media'] : ['text', 'rich'],
      supportsRichText: true,
      supportsMedia: provider.supportsVision,
    });
    this.#source = providerSource(channelId, provider);
    this.#placeholder = placeholderOf(this.#source, provider);
  }

  /** The channel's own prompt; rooms and bindings may override it (AI-02). */
  get systemPrompt(): string | undefined {
    return this.#options.systemPrompt;
  }

  /** What it remembers with. */
  get memory(): MemoryProvider {
    return this.#memory;
  }

  /** The channel's own tools and those that were added. */
  get tools(): readonly AITool[] {
    const { added } = this.#layers;
    return [...(this.#options.tools ?? EMPTY_LIST).filter((tool) => !added.has(tool.name)), ...added.values()];
  }

  /** Turns that run now; for tests and health checks. */
  get runningTurns(): number {
    return this.#running.size;
  }

  /** Adds a tool that no room or binding can redefine; it replaces an added one of the same name. */
  addTool(tool: AITool): void {
    checkOwnTools([tool]);
    this.#layers.add(tool);
  }

  /** Takes an added tool away; false when there was none. */
  removeTool(name: string): boolean {
    return this.#layers.remove(name);
  }

  /**
   * Directs a running turn: the named one, else the newest of the room. False when none runs or it can take nothing
   * more (STE-01).
   */
  steer(directive: SteeringDirective, target: SteeringTarget = {}): boolean {
    return this.#running.steer(directive, target);
  }

  connect(services: ChannelServices): void {
    const deadlines = new Deadlines(services.clock);
    const { fallbackProvider, retryPolicy, budget, toolPolicy: policy } = this.#options;
    const { channelId, provider } = this;
    const limits = this.#limits;
    this.#agent = { services, deadlines, channelId, provider, fallbackProvider, retryPolicy, budget, policy, limits, running: this.#running };
    const seconds = limits.loopTimeoutSeconds;
    this.#timeLimit = {
      deadlines,
      ms: seconds * 1000,
      reason: () => new TimeoutError(`The turn of '${channelId}' took longer than ${seconds} seconds.`),
    };
  }

  handleInbound(): never {
    throw new NotSupportedError(`'${this.channelId}' is an agent: it receives no messages of its own. Send them through a transport channel's id.`);
  }

  /** An agent is not delivered to: it is asked (AI-01). */
  deliver(): void {
    // Nothing to send.
  }

  onEvent(event: RoomEvent, binding: ChannelBinding, context: RoomContext, options: OnEventOptions): Awaitable<ChannelOutput | void> {
    const { turn } = options;
    if (turn === undefined || event.source.channelId === this.channelId) return;
    const agent = this.#agent;
    if (agent === undefined) {
      const problem = `Agent '${this.channelId}' belongs to no kit. Call kit.registerChannel(agent) first.`;
      return Promise.reject(new RoomKitError('channel_not_registered', problem));
    }
    const prepared = this.#prepare(agent, event, binding, context, options, turn);
    return isPromise(prepared) ? prepared.then((parts) => this.#answer(agent, parts)) : this.#answer(agent, prepared);
  }

  /** Its tools say who may allow their calls, and what fits them (APR-03). */
  async judgeApproval(approval: Approval, { by, arguments: args, room, binding }: ApprovalQuestion): Promise<ApprovalJudgement> {
    const agent = this.#agent;
    const tool = agent === undefined ? undefined : this.#layers.resolve(room, binding, agent.services).tools.get(approval.tool);
    const approvers = tool?.approval?.approvers;
    const isAllowed = typeof approvers === 'function' && (await approvers(by, approval)) === true;
    if (args === undefined) return { isAllowed };
    if (tool === undefined) return { isAllowed, problem: `there is no tool '${approval.tool}' any more` };
    const checked = await checkAgainst(tool, args);
    return checked.ok ? { isAllowed } : { isAllowed, problem: checked.problem };
  }

  /** A deleted room is forgotten by the memory too (MEM-01). */
  async forgetRoom(roomId: string): Promise<void> {
    await this.#memory.clear?.(roomId);
  }

  /** Cancels what runs and closes provider and memory, unless they belong to somebody else. */
  close(): Promise<void> {
    this.#running.cancelAll('The channel is closing.');
    return (this.#closing ??= this.#close());
  }

  /** The prompt of this turn before the kit's own notes; agents add who they are. */
  protected systemPromptFor(prompt: string | undefined, _context: RoomContext): string | undefined {
    return prompt;
  }

  /** Everything the model is asked with. At once when the memory answers at once. */
  #prepare(
    agent: AgentParts,
    event: RoomEvent,
    binding: ChannelBinding,
    context: RoomContext,
    options: OnEventOptions,
    turn: Turn,
  ): Awaitable<TurnParts | { readonly ended: TurnEndReason }> {
    const { provider, services, policy } = agent;
    const settings = this.#layers.resolve(context.room, binding, services);
    const cancellation = new Cancellation(abortSourceOf(options), this.#timeLimit);
    const triggers = turn.triggerEvents.length === 0 ? [event] : turn.triggerEvents;
    const askers = new Askers(triggers, context.participants);
    const skills = this.#skillsFor(settings, context, services);
    const own = this.systemPromptFor(settings.systemPrompt, context);
    const prompt = skills === undefined ? own : skills.promptWithSkills(own, policy, askers.roles);
    const tools = skills ?? settings.tools;
    const steered = new SteeredTurn(context.room.id, turn.id, cancellation);
    const record = turn.resumed === undefined ? undefined : readRecord(turn.resumed.loop);
    const noting = settings.tools.hasApprovals
      ? waitingNote(services, { roomId: context.room.id, agentId: this.channelId }, settings.tools)
      : undefined;
    const withNote = (given: string | undefined, note: string | undefined): string | undefined =>
      note === undefined ? given : given === undefined ? note : `${given}\n\n${note}`;
    const asked = (conversation: Conversation): Awaitable<TurnParts | { readonly ended: TurnEndReason }> =>
      isPromise(noting) ? noting.then((note) => partsOf(conversation, note)) : partsOf(conversation, noting);
    const partsOf = (conversation: Conversation, note: string | undefined): TurnParts | { readonly ended: TurnEndReason } => {
      if (conversation.askedFrom === conversation.messages.length && record === undefined) return { ended: 'empty' };
      return {
        turn,
        room: withoutSummaries(context.room),
        askers,
        settings: skills === undefined ? settings : { ...settings, tools },
        systemPrompt: withNote(conversation.hasSeveralSpeakers ? withSpeakersNote(prompt) : prompt, note),
        describedPrompt: prompt,
        conversation,
        targets: replyTargets(context.bindings, binding, event.responseVisibility),
        steered,
        cancellation,
        record,
      };
    };
    if (record !== undefined) return asked(conversationOf(record));
    const building = buildConversation({
      channelId: this.channelId,
      context,
      triggers,
      memory: this.#memory,
      maxContextEvents: this.maxContextEvents,
      supportsVision: provider.supportsVision,
      services,
      turnId: turn.id,
      kept: turn.kept,
      systemPrompt: prompt,
      tools: provider.supportsTools ? tools.offered(policy, askers.roles) : EMPTY_LIST,
      cancellation,
    });
    if (!isPromise(building)) {
      cancellation.rest();
      return asked(building);
    }
    return this.#remembering(building, steered, cancellation).then((conversation) => ('ended' in conversation ? conversation : asked(conversation)));
  }

  /** The skills of this turn; undefined for agents without any. */
  #skillsFor(settings: TurnSettings, context: RoomContext, { logger }: ChannelServices): TurnSkills | undefined {
    const { skills: registry, scriptExecutor: executor } = this.#options;
    if (registry === undefined || registry.size === 0) return undefined;
    const { channelId, provider } = this;
    return new TurnSkills({
      registry,
      executor,
      channelId,
      room: context.room,
      tools: settings.tools,
      supportsTools: provider.supportsTools,
      logger,
    });
  }

  /** It can be directed, and cancelled, while its memory takes its time. */
  async #remembering(
    building: Promise<Conversation>,
    steered: SteeredTurn,
    cancellation: Cancellation,
  ): Promise<Conversation | { readonly ended: TurnEndReason }> {
    this.#running.open(steered);
    try {
      return await building;
    } catch (error) {
      if (cancellation.reason === undefined) throw error;
      return { ended: endReasonOf(cancellation.reason) };
    } finally {
      // A stream that nobody begins to read leaves nothing behind.
      this.#running.close(steered);
      cancellation.rest();
    }
  }

  #answer(agent: AgentParts, parts: TurnParts | { readonly ended: TurnEndReason }): Awaitable<ChannelOutput> {
    if ('ended' in parts) return { responded: false, endReason: parts.ended };
    return canStream(this.provider) ? answerInPieces(agent, parts, this.#placeholder) : answerAtOnce(agent, parts, this.#source);
  }

  async #close(): Promise<void> {
    this.#agent?.deadlines.close();
    if (this.#options.ownsProvider === false) return;
    const owned = [this.provider, this.#options.fallbackProvider, this.#memory];
    for (const part of owned) {
      try {
        await part?.close?.();
      } catch (error) {
        this.#agent?.services.logger.warn('A part of an agent could not be closed.', {
          channelId: this.channelId,
          part: part?.name,
          error: errorMessage(error),
        });
      }
    }
  }
}

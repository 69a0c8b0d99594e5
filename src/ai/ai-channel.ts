/** An agent as a channel (§18): it hears the room like any other, and answers with what its model says. */
import { Deadlines } from '../core/async/deadlines.js';
import type { Channel, ChannelServices, OnEventOptions, Turn } from '../core/channel.js';
import { AbortedError, errorMessage, NotSupportedError, RoomKitError, TimeoutError } from '../core/errors.js';
import { checkChannelId } from '../core/ids.js';
import type { AITool } from '../core/models/ai.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { channelCapabilities, type ChannelCapabilities } from '../core/models/capabilities.js';
import type { ChannelOutput, CollisionConfig, ResponseStream, StreamOutcome } from '../core/models/delivery.js';
import type { EventDraft, EventSource, RoomEvent } from '../core/models/event.js';
import { EMPTY, EMPTY_LIST, type Awaitable, type Metadata } from '../core/models/json.js';
import type { ParticipantRole, TurnEndReason } from '../core/models/vocabulary.js';
import type { RoomContext } from '../core/rooms/context.js';
import { abortSourceOf, Cancellation } from './cancellation.js';
import { checkOwnTools, checkParts, limitsOf, windowOf, type AIChannelOptions } from './ai-channel-options.js';
import { buildConversation, type Conversation } from './history.js';
import { SettingsLayers } from './layers.js';
import type { MemoryProvider } from './memory/memory.js';
import { SlidingWindowMemory } from './memory/sliding-window.js';
import { canStream, type AIProvider } from './provider.js';
import { SPEAKERS_NOTE } from './speakers.js';
import { RunningTurns, SteeredTurn, type SteeringDirective, type SteeringTarget } from './steering.js';
import { replyTargets } from './targets.js';
import { endReasonOf, ToolLoop, type LoopLimits, type LoopOutcome } from './tool-loop.js';
import { checkPolicy } from './tools/policy.js';

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
  #services: ChannelServices | undefined;
  #deadlines: Deadlines | undefined;
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
    this.#source = this.#sourceOf(provider);
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
    this.#services = services;
    this.#deadlines = new Deadlines(services.clock);
  }

  handleInbound(): never {
    throw new NotSupportedError(`'${this.channelId}' is an agent: it receives no messages of its own. Send them through a transport channel's id.`);
  }

  /** An agent is not delivered to: it is asked (AI-01). */
  deliver(): void {
    // Nothing to send.
  }

  async onEvent(event: RoomEvent, binding: ChannelBinding, context: RoomContext, options: OnEventOptions): Promise<ChannelOutput | void> {
    const { turn } = options;
    if (turn === undefined || event.source.channelId === this.channelId) return;
    const prepared = await this.#prepare(event, binding, context, options, turn);
    if ('ended' in prepared) return { responded: false, endReason: prepared.ended };
    return canStream(this.provider) ? { responded: true, responseStream: this.#stream(prepared) } : this.#answer(prepared);
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

  async #prepare(
    event: RoomEvent,
    binding: ChannelBinding,
    context: RoomContext,
    options: OnEventOptions,
    turn: Turn,
  ): Promise<PreparedLoop | { readonly ended: TurnEndReason }> {
    const { provider } = this;
    const services = this.#services;
    const deadlines = this.#deadlines;
    if (services === undefined || deadlines === undefined) {
      throw new RoomKitError('channel_not_registered', `Agent '${this.channelId}' belongs to no kit. Call kit.registerChannel(agent) first.`);
    }
    const settings = this.#layers.resolve(context.room, binding, services);
    const limits = this.#limits;
    const cancellation = new Cancellation(abortSourceOf(options), {
      deadlines,
      ms: limits.loopTimeoutSeconds * 1000,
      reason: () => new TimeoutError(`The turn of '${this.channelId}' took longer than ${limits.loopTimeoutSeconds} seconds.`),
    });
    const triggers = turn.triggerEvents.length === 0 ? [event] : turn.triggerEvents;
    const { participantIds, roles } = askersOf(triggers, context);
    const prompt = this.systemPromptFor(settings.systemPrompt, context);
    const policy = this.#options.toolPolicy;
    const building = buildConversation({
      channelId: this.channelId,
      context,
      triggers,
      memory: this.#memory,
      maxContextEvents: this.maxContextEvents,
      supportsVision: provider.supportsVision,
      logger: services.logger,
      memoryOptions: {
        get signal() {
          return cancellation.signal;
        },
        ...(prompt !== undefined && { systemPrompt: prompt }),
        tools: provider.supportsTools ? settings.tools.offered(policy, roles) : EMPTY_LIST,
      },
      cancellation,
    });
    const steered = new SteeredTurn(context.room.id, turn.id, cancellation);
    this.#running.open(steered);
    let conversation: Conversation;
    try {
      conversation = await building;
    } catch (error) {
      if (cancellation.reason === undefined) throw error;
      return { ended: endReasonOf(cancellation.reason) };
    } finally {
      // A stream that nobody begins to read leaves nothing behind.
      this.#running.close(steered);
      cancellation.rest();
    }
    if (conversation.asked.length === 0) return { ended: 'empty' };
    const systemPrompt = conversation.hasSeveralSpeakers ? (prompt === undefined ? SPEAKERS_NOTE : `${prompt}\n\n${SPEAKERS_NOTE}`) : prompt;
    const loop = new ToolLoop({
      services,
      deadlines,
      turn,
      room: context.room,
      channelId: this.channelId,
      participantId: participantIds.length === 1 ? participantIds[0] : undefined,
      roles,
      provider,
      fallbackProvider: this.#options.fallbackProvider,
      retryPolicy: this.#options.retryPolicy,
      settings,
      systemPrompt,
      policy,
      limits,
      conversation,
      targets: replyTargets(context.bindings, binding, event.responseVisibility),
      running: this.#running,
      steered,
      cancellation,
    });
    return { loop, cancellation, turn, roomId: context.room.id };
  }

  /** A plain model: the whole answer at once. */
  async #answer({ loop, turn, roomId }: PreparedLoop): Promise<ChannelOutput> {
    const run = loop.run();
    let failure: unknown;
    try {
      for (;;) {
        const step = await run.next();
        if (step.done === true) break;
      }
    } catch (error) {
      failure = error;
    }
    const outcome = loop.outcome();
    const { endReason, usage, tasks, observations, error } = outcome;
    const rest = {
      endReason,
      usage,
      ...(tasks.length > 0 && { tasks }),
      ...(observations.length > 0 && { observations }),
    };
    if (error !== undefined) {
      // What the rounds before it cost and left behind is kept; what the model failed with, only the log is told.
      this.#services?.logger.error('A turn failed.', { roomId, channelId: this.channelId, turnId: turn.id, code: error.code, error: failure });
      return { responded: false, ...rest, error };
    }
    // Nobody has seen anything of a cancelled answer that was not streamed.
    if (outcome.text === '' || endReason === 'cancelled') return { responded: false, ...rest };
    return { responded: true, responseEvents: [this.#draft(outcome.text, outcome)], ...rest };
  }

  /** A streaming model: the kit reads the deltas and commits what they add up to. */
  #stream({ loop, cancellation }: PreparedLoop): ResponseStream {
    const run = loop.run();
    return {
      deltas: {
        [Symbol.asyncIterator]: () => ({
          next: () => run.next(),
          return: async () => {
            cancellation.abort(new AbortedError('Nobody reads this answer any more.'));
            await run.return();
            return { done: true, value: undefined };
          },
        }),
      },
      placeholder: { type: 'message', source: this.#source, content: { type: 'text', body: '' }, metadata: { model: this.provider.modelName } },
      finish: () => {
        const outcome = loop.outcome();
        return outcome.provider === this.provider ? streamOutcome(outcome) : { ...streamOutcome(outcome), source: this.#sourceOf(outcome.provider) };
      },
    };
  }

  #draft(text: string, outcome: LoopOutcome): EventDraft {
    const source = outcome.provider === this.provider ? this.#source : this.#sourceOf(outcome.provider);
    return { type: 'message', source, content: { type: 'text', body: text }, metadata: replyMetadata(outcome) };
  }

  #sourceOf(provider: AIProvider): EventSource {
    return Object.freeze({ channelId: this.channelId, channelType: 'ai', direction: 'outbound', provider: provider.name, rawPayload: EMPTY });
  }

  async #close(): Promise<void> {
    this.#deadlines?.close();
    if (this.#options.ownsProvider === false) return;
    const owned = [this.provider, this.#options.fallbackProvider, this.#memory];
    for (const part of owned) {
      try {
        await part?.close?.();
      } catch (error) {
        this.#services?.logger.warn('A part of an agent could not be closed.', {
          channelId: this.channelId,
          part: part?.name,
          error: errorMessage(error),
        });
      }
    }
  }
}

interface PreparedLoop {
  readonly loop: ToolLoop;
  readonly cancellation: Cancellation;
  readonly turn: Turn;
  readonly roomId: string;
}

function replyMetadata(outcome: LoopOutcome): Metadata {
  return { ai_usage: outcome.usage, model: outcome.provider.modelName, end_reason: outcome.endReason };
}

function streamOutcome(outcome: LoopOutcome): StreamOutcome {
  const { endReason, usage, tasks, observations, error } = outcome;
  const isCut = outcome.isPartial && endReason === 'timeout';
  return {
    endReason,
    usage,
    metadata: { ...replyMetadata(outcome), ...(isCut && { partial: true }) },
    ...(tasks.length > 0 && { tasks }),
    ...(observations.length > 0 && { observations }),
    ...(error !== undefined && { error }),
    ...(endReason === 'cancelled' && { cancelled: true }),
  };
}

/** The people whose messages are answered, and what they are in the room. */
function askersOf(triggers: readonly RoomEvent[], context: RoomContext): { participantIds: readonly string[]; roles: readonly ParticipantRole[] } {
  const participantIds: string[] = [];
  const roles: ParticipantRole[] = [];
  for (const { source } of triggers) {
    const id = source.participantId;
    if (id === undefined || participantIds.includes(id)) continue;
    participantIds.push(id);
    const role = context.participants.find((participant) => participant.id === id)?.role;
    if (role !== undefined) roles.push(role);
  }
  return { participantIds, roles };
}

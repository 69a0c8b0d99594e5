/**
 * Gives a conversation from one agent to another, or to a person (behaviour §19.3). The decision is made and committed
 * under the room's lock; hooks, greeting and continuation follow outside it.
 */
import { endTurn } from '../ai/tools/end-turn.js';
import { isoTime } from '../core/clock.js';
import { errorMessage, RoomClosedError, ValidationError } from '../core/errors.js';
import type { AITool, ToolContext } from '../core/models/ai.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { getConversationState, HANDLED_BY_HUMAN, isHandledByHuman, transition, type ConversationState } from '../core/models/conversation-state.js';
import type { RoomEvent } from '../core/models/event.js';
import { EMPTY_LIST, type Metadata } from '../core/models/json.js';
import { looseSystemEvent } from '../core/pipeline/event-draft.js';
import { isSpeakingChannel, type SpeakingChannel } from '../core/speaking-channel.js';
import { isTakenOver } from '../core/turns/takeover.js';
import { HUMAN_TARGET, HANDOFF_TOOL_NAME, handoffTool, parseHandoffArguments, type HandoffArguments } from './handoff-tool.js';
import type { OrchestrationKit } from './orchestration-kit.js';

/** Who hands over to whom, and why. A program needs to give only the target. */
export interface HandoffRequest {
  /** The room that is handed over. */
  readonly roomId: string;
  /** Who hands over; need not be bound (HND-07). */
  readonly callingAgentId: string;
  /** To whom, and why. */
  readonly arguments: HandoffArguments;
  /** Goes where the phases do not lead (HND-03): for a person who knows better. Default false; a model never has it. */
  readonly overridesPhases?: boolean;
}

/** What came of a handoff. A refusal is a result, not an error (CON-07). */
export interface HandoffResult {
  readonly accepted: boolean;
  /** Who has the conversation now: an agent's id or `human`. */
  readonly newAgentId?: string;
  readonly newPhase?: string;
  /** For whoever asked: what happened and what to do. */
  readonly message: string;
  /** Why it was refused; '' when accepted. */
  readonly reason: string;
}

/** What a handoff needs to know of an agent; `Agent` fits. */
export interface HandoffAgent {
  readonly channelId: string;
  readonly greeting?: string | undefined;
}

/** Which handoffs are allowed and what follows them. */
export interface HandoffHandlerOptions {
  /** Agents by their channels; needed for greetings. */
  readonly agents?: readonly HandoffAgent[];
  /** Who speaks while nobody has been made active. */
  readonly defaultAgentId?: string;
  /** What callers may say → the agent's id (HND-01). */
  readonly agentAliases?: Readonly<Record<string, string>>;
  /** The phase an agent stands for (HND-02). */
  readonly phaseOf?: (agentId: string) => string | undefined;
  /** Phases that may follow this one; undefined: any (HND-03). */
  readonly allowedFrom?: (phase: string) => ReadonlySet<string> | undefined;
  /** The new agent greets; default false. */
  readonly greetOnHandoff?: boolean;
  /** What a speaking agent is told to greet with. */
  readonly greetingPrompt?: string;
  /** Speaks for the agents; without it greetings are text. */
  readonly voiceChannelId?: string;
  /** The new agent answers at once instead of waiting for the user's next message; default false (HND-12). */
  readonly continueOnHandoff?: boolean;
  /** Default 3. */
  readonly maxHandoffsPerMessage?: number;
  /** Per room within 60 s; default 20. */
  readonly maxHandoffs?: number;
  /** Told after the hooks of every accepted handoff. */
  readonly onComplete?: (result: HandoffResult, roomId: string) => void | Promise<void>;
}

const DEFAULT_GREETING_PROMPT = 'You have just taken over this conversation. Greet the user briefly in your role and go on with what they asked for.';
const CONTINUE_PROMPT = 'You have just taken over this conversation. Go on with what the user asked for last.';
const WINDOW_MS = 60_000;

/** Hands conversations over. `pipeline.install` makes one; agents reach it through the tool `handoff_conversation`. */
export class HandoffHandler {
  readonly #agents: ReadonlyMap<string, HandoffAgent>;

  constructor(
    private readonly kit: OrchestrationKit,
    private readonly options: HandoffHandlerOptions = {},
  ) {
    this.#agents = new Map((options.agents ?? []).map((agent) => [agent.channelId, agent]));
    for (const name of ['maxHandoffsPerMessage', 'maxHandoffs'] as const) {
      const value = options[name];
      if (value !== undefined && (!Number.isInteger(value) || value < 0)) {
        throw new ValidationError(`Option ${name} is ${String(value)}. Give a whole number of 0 or more.`);
      }
    }
  }

  /**
   * Hands the conversation over, or says why not; throws only for misuse and an unknown room.
   * @example await handoff.handle({ roomId: 'room-1', callingAgentId: 'agent-triage', arguments: { target: 'agent-handler' } })
   */
  async handle(request: HandoffRequest): Promise<HandoffResult> {
    const given = parseHandoffArguments({ ...request.arguments });
    const caller: unknown = request.callingAgentId; // of plain JavaScript it may be missing
    if (typeof caller !== 'string' || caller === '') {
      throw new ValidationError(`callingAgentId is ${JSON.stringify(caller)}. Name who hands over: an agent's id, or a name for your program.`);
    }
    const asked: Asked = {
      roomId: request.roomId,
      caller: request.callingAgentId,
      target: this.#resolved(given.target),
      reason: given.reason,
      summary: given.summary,
      nextPhase: given.next_phase,
      escalation: given.channel_escalation ?? 'same',
      overridesPhases: request.overridesPhases === true,
      rootEventId: this.#rootOf(request.roomId),
    };
    let bound: readonly ChannelBinding[] = EMPTY_LIST;
    const turn = this.kit.currentTurn();
    const decision = await this.kit.changeConversation(request.roomId, ({ room, state, bindings }) => {
      // An agent whom a person has relieved gives nothing away any more (TURN-06).
      if (turn?.roomId === room.id && isTakenOver(room, turn)) return { rejected: 'taken_over' };
      bound = bindings;
      const isBound = bindings.some(({ channelId, category }) => channelId === asked.target && category === 'intelligence');
      return this.#decide(asked, state, isBound);
    });
    if (!decision.accepted) return this.#refused(asked, decision.reason);
    return this.#completed(asked, decision.event, decision.after, bound);
  }

  /** Stores the language the room is held in; running speech-to-speech sessions follow (HND-11). */
  async setLanguage(roomId: string, language: string, options: { channelId?: string } = {}): Promise<void> {
    if (typeof language !== 'string' || language.trim() === '') {
      throw new ValidationError(`Language ${JSON.stringify(language)} cannot be used. Name one, such as 'French' or 'fr'.`);
    }
    const outcome = await this.kit.changeConversation(roomId, ({ state }) =>
      state.context['language'] === language
        ? { rejected: 'unchanged' }
        : {
            state: { ...state, context: { ...state.context, language } },
            notice: { body: `Language set to ${language}`, metadata: { language, _orchestration_internal: true } },
          },
    );
    if (!outcome.accepted && outcome.reason === 'room_closed') throw new RoomClosedError(roomId);
    const state = outcome.accepted ? outcome.after : outcome.state;
    const speaking = this.#speaking(options.channelId);
    const agentId = this.#currentAgent(state);
    if (speaking?.isRealtime === true && agentId !== undefined) await speaking.reconfigure(roomId, { agentId, language });
  }

  /**
   * Lets the active agent greet: aloud on a speaking channel, else as its message. Without an agent, a greeting or a
   * channel to say it on nothing happens (HND-11). True when it was said.
   */
  async sendGreeting(roomId: string, options: { channelId?: string } = {}): Promise<boolean> {
    const state = getConversationState(await this.kit.getRoom(roomId));
    const agentId = this.#currentAgent(state);
    return agentId === undefined ? false : this.#greet(roomId, agentId, state, options);
  }

  /** Judges one request against the state the room is in now, under its lock (HND-01…06). */
  #decide(asked: Asked, state: ConversationState, isBound: boolean): { rejected: string } | { state: ConversationState; notice: HandoffNotice } {
    const toHuman = asked.target === HUMAN_TARGET;
    const isKnown = isBound || (this.#speaking()?.isRealtime === true && this.#agents.has(asked.target));
    if (!toHuman && !isKnown) return { rejected: `Agent ${asked.target} not found in room` };
    const toItself = asked.target === state.activeAgentId;
    const phase = asked.nextPhase ?? (toHuman ? 'escalation' : (this.options.phaseOf?.(asked.target) ?? 'handling'));
    const isBoundToPhases = !toHuman && !asked.overridesPhases && !(toItself && phase === state.phase);
    if (isBoundToPhases && this.options.allowedFrom?.(state.phase)?.has(phase) === false) {
      return { rejected: `Transition from phase ${state.phase} to phase ${phase} is not allowed` };
    }
    if (!toItself && this.#isOverLimit(asked, state)) return { rejected: 'handoff_limit' };
    const at = isoTime(this.kit.clock.now());
    const next = transition(state, phase, {
      toAgent: toHuman ? null : asked.target,
      reason: asked.reason,
      at,
      metadata: {
        summary: asked.summary,
        channel_escalation: asked.escalation,
        ...(asked.rootEventId !== undefined && { root_event_id: asked.rootEventId }),
      },
    });
    const { handled_by: _formerHandler, ...context } = state.context;
    return {
      state: {
        ...next,
        context: {
          ...context,
          handoff_summary: asked.summary,
          handoff_from: asked.caller,
          handoff_reason: asked.reason,
          ...(toHuman && { handled_by: HANDLED_BY_HUMAN }),
        },
      },
      notice: {
        body: `${asked.caller} handed the conversation over to ${asked.target}`,
        metadata: {
          handoff: true,
          from_agent: asked.caller,
          to_agent: asked.target,
          summary: asked.summary,
          reason: asked.reason,
          _orchestration_internal: true,
        },
      },
    };
  }

  /** Counted in the state itself, so that the limits hold across processes and restarts (HND-06). */
  #isOverLimit(asked: Asked, state: ConversationState): boolean {
    const { maxHandoffs = 20, maxHandoffsPerMessage = 3 } = this.options;
    const { rootEventId } = asked;
    const history = state.phaseHistory;
    // Outside a turn only the room's own limit counts, and so few entries cannot reach it.
    if (rootEventId === undefined && history.length < maxHandoffs) return false;
    const since = isoTime(this.kit.clock.now() - WINDOW_MS);
    let recent = 0;
    let ofThisMessage = 0;
    for (let at = history.length - 1; at >= 0 && recent < maxHandoffs && ofThisMessage < maxHandoffsPerMessage; at--) {
      const entry = history[at];
      if (entry === undefined || entry.fromAgent === entry.toAgent || entry.metadata['summary'] === undefined) continue;
      if (entry.timestamp > since) recent++;
      if (rootEventId !== undefined && entry.metadata['root_event_id'] === rootEventId) ofThisMessage++;
    }
    return recent >= maxHandoffs || ofThisMessage >= maxHandoffsPerMessage;
  }

  async #completed(asked: Asked, notice: RoomEvent, state: ConversationState, bound: readonly ChannelBinding[]): Promise<HandoffResult> {
    const result: HandoffResult = {
      accepted: true,
      newAgentId: asked.target,
      newPhase: state.phase,
      message:
        asked.target === HUMAN_TARGET
          ? 'The conversation is with a person now. Do not answer any more.'
          : `The conversation is with ${asked.target} now. Do not answer any more; ${asked.target} goes on.`,
      reason: '',
    };
    const payload = Object.freeze({ ...notice, metadata: Object.freeze({ ...notice.metadata, accepted: true, new_phase: state.phase }) });
    await this.kit.fireHook('on_handoff', payload, asked.roomId);
    await this.kit.fireHook('on_phase_transition', payload, asked.roomId);
    await this.#attempt('The completion callback of a handoff failed.', () => this.options.onComplete?.(result, asked.roomId));
    if (state.activeAgentId) await this.#afterCallersTurn(asked, () => this.#welcome(asked, asked.target, state, bound));
    return result;
  }

  async #refused(asked: Asked, reason: string): Promise<HandoffResult> {
    const payload = looseSystemEvent(this.kit, asked.roomId, {
      code: 'handoff_rejected',
      body: `Handoff from ${asked.caller} to ${asked.target} refused: ${reason}`,
      metadata: { handoff: true, from_agent: asked.caller, to_agent: asked.target, accepted: false, reason },
    });
    await this.kit.fireHook('on_handoff_rejected', payload, asked.roomId);
    return { accepted: false, message: `The handoff to ${asked.target} was refused: ${reason}. Go on with the conversation yourself.`, reason };
  }

  /** Lets the new agent be heard: its sessions, its greeting, its answer (PIP-03, PIP-06, HND-12). */
  async #welcome(asked: Asked, agentId: string, state: ConversationState, bound: readonly ChannelBinding[]): Promise<void> {
    const speaks = this.#speaking()?.isRealtime === true;
    if (!speaks && this.options.greetOnHandoff !== true && this.options.continueOnHandoff !== true) return;
    // Meanwhile a person may have taken over, or somebody else: then there is nobody to welcome any more.
    const now = getConversationState(await this.kit.getRoom(asked.roomId));
    if (now.activeAgentId !== agentId) return;
    const speaking = this.#speaking();
    if (speaking?.isRealtime === true) await speaking.reconfigure(asked.roomId, { agentId, ...languageOf(state) });
    if (this.options.greetOnHandoff === true) await this.#greet(asked.roomId, agentId, state, { leavingAgentId: asked.caller });
    if (this.options.continueOnHandoff === true && speaking === undefined) await this.#continue(asked, agentId, bound);
  }

  async #greet(
    roomId: string,
    agentId: string,
    state: ConversationState,
    options: { channelId?: string | undefined; leavingAgentId?: string },
  ): Promise<boolean> {
    const text = this.#agents.get(agentId)?.greeting;
    if (options.channelId !== undefined && this.kit.getChannel(options.channelId) === undefined) return false;
    const speaking = this.#speaking(options.channelId);
    if (speaking === undefined) {
      if (text === undefined || text === '' || this.kit.getChannel(agentId) === undefined) return false;
      // It is said to people: no other agent answers it, with or without a router.
      await this.kit.sendEvent(roomId, agentId, text, { addressedTo: [], wait: 'commit' });
      return true;
    }
    const prompt = options.leavingAgentId === undefined ? text : (this.options.greetingPrompt ?? DEFAULT_GREETING_PROMPT);
    if (prompt === undefined || prompt === '') return false;
    const { language } = languageOf(state);
    await speaking.greet(roomId, {
      agentId,
      instruction: language === undefined ? prompt : `[Respond in ${language}] ${prompt}`,
      ...(text !== undefined && { text }),
      ...(language !== undefined && { language }),
      ...(options.leavingAgentId !== undefined && { leavingAgentId: options.leavingAgentId }),
    });
    return true;
  }

  /**
   * Asks the new agent, and nobody else, to go on: a message of the leaving one that only the new one sees. When nobody
   * left (a person or a program handed over) another agent stands in: a channel of people could show it to them.
   */
  async #continue(asked: Asked, agentId: string, bound: readonly ChannelBinding[]): Promise<void> {
    const others = bound.filter(({ channelId, category }) => category === 'intelligence' && channelId !== agentId);
    const from = others.find(({ channelId }) => channelId === asked.caller) ?? others[0];
    if (from === undefined) return;
    await this.kit.sendEvent(asked.roomId, from.channelId, CONTINUE_PROMPT, { addressedTo: [agentId], visibility: agentId, wait: 'commit' });
  }

  /** What the new agent says comes after what the leaving one still has to say (HND-12). */
  async #afterCallersTurn(asked: Asked, work: () => Promise<unknown>): Promise<void> {
    const follow = (): Promise<void> => this.#attempt('The new agent of a handoff could not be started.', work);
    const turn = this.kit.currentTurn();
    // A turn that was cut off meanwhile waits for nothing more.
    if (turn?.roomId === asked.roomId && !Object.isFrozen(turn.afterwards)) turn.afterwards.push(follow);
    else await follow();
  }

  #speaking(channelId = this.options.voiceChannelId): SpeakingChannel | undefined {
    const channel = channelId === undefined ? undefined : this.kit.getChannel(channelId);
    return isSpeakingChannel(channel) ? channel : undefined;
  }

  #currentAgent(state: ConversationState): string | undefined {
    return isHandledByHuman(state) ? undefined : (state.activeAgentId ?? this.options.defaultAgentId);
  }

  #resolved(target: string): string {
    const aliases = this.options.agentAliases ?? {};
    return Object.hasOwn(aliases, target) ? (aliases[target] ?? target) : target;
  }

  #rootOf(roomId: string): string | undefined {
    const turn = this.kit.currentTurn();
    return turn?.roomId === roomId ? turn.rootEventId : undefined;
  }

  /** What follows an accepted handoff may fail without undoing it. */
  async #attempt(failure: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.kit.logger.error(failure, { error: errorMessage(error) });
    }
  }
}

/** The handler behind each agent's tool; a second one is refused (HND-10). */
const equipped = new WeakMap<object, HandoffHandler>();

/** An agent's channel as far as the tool is concerned; `AIChannel` and `Agent` fit. */
export interface HandoffChannel {
  readonly channelId: string;
  /** Offers one more tool to the agent's model. */
  addTool(tool: AITool): void;
}

/** Gives an agent the handoff tool; twice is an error (HND-10). */
export function setupHandoff(channel: HandoffChannel, handler: HandoffHandler, tool: AITool = handoffTool()): void {
  if (hasHandoff(channel)) {
    throw new ValidationError(`Agent '${channel.channelId}' has a handoff tool already. Set it up once: by pipeline.install or by setupHandoff.`);
  }
  if (typeof channel.addTool !== 'function') {
    throw new ValidationError(`Channel '${channel.channelId}' takes no tools: only an Agent or an AIChannel can hand over.`);
  }
  channel.addTool({ ...tool, handler: (args, context) => runHandoffTool(handler, args, context) });
  equipped.set(channel, handler);
}

export function hasHandoff(channel: HandoffChannel): boolean {
  return equipped.has(channel);
}

/** The handler behind an agent's handoff tool; undefined when it has none. */
export function handoffHandlerOf(channel: object): HandoffHandler | undefined {
  return equipped.get(channel);
}

/** What the model is told; an accepted handoff ends its turn (HND-08). */
async function runHandoffTool(handler: HandoffHandler, args: Metadata, context: Partial<ToolContext> | undefined): Promise<unknown> {
  if (context?.roomId === undefined || context.channelId === undefined) {
    return { error: `${HANDOFF_TOOL_NAME} was called without a room. It works inside an agent's turn only.` };
  }
  const { target, ...rest } = parseHandoffArguments(args);
  const result = await handler.handle({ roomId: context.roomId, callingAgentId: context.channelId, arguments: { target, ...rest } });
  return result.accepted ? endTurn(result) : result;
}

interface Asked {
  readonly roomId: string;
  readonly caller: string;
  readonly target: string;
  readonly reason: string;
  readonly summary: string;
  readonly nextPhase: string | undefined;
  readonly escalation: string;
  readonly overridesPhases: boolean;
  /** The user message whose cascade this belongs to, when it is asked for inside a turn. */
  readonly rootEventId: string | undefined;
}

interface HandoffNotice {
  readonly body: string;
  readonly metadata: Metadata;
}

function languageOf(state: ConversationState): { language?: string } {
  const language = state.context['language'];
  return typeof language === 'string' && language !== '' ? { language } : {};
}

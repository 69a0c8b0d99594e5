/**
 * Decides which agent a message is for (behaviour §19.1). The decision is a pure function of the event, the room and its
 * conversation state; installed in a kit it is a hook that leaves its answer on the event, where solicitation reads it.
 */
import { errorMessage, ValidationError } from '../core/errors.js';
import { HookResult } from '../core/hooks/verdict.js';
import { getConversationState, isHandledByHuman, type ConversationState } from '../core/models/conversation-state.js';
import { copyOfEvent, type RoomEvent } from '../core/models/event.js';
import { EMPTY_LIST, type Metadata } from '../core/models/json.js';
import type { ChannelType } from '../core/models/vocabulary.js';
import type { RoomContext } from '../core/rooms/context.js';
import type { OrchestrationKit } from './orchestration-kit.js';

/** All that are given must hold. */
export interface RoutingConditions {
  readonly phases?: readonly string[];
  readonly channelTypes?: readonly ChannelType[];
  /** Compared with `event.metadata.intent`. */
  readonly intents?: readonly string[];
  readonly sourceChannelIds?: readonly string[];
  /** A condition that throws does not match (ORC-05). */
  readonly custom?: (event: RoomEvent, context: RoomContext, state: ConversationState) => boolean;
}

/** For which events this agent is the one to answer. */
export interface RoutingRule {
  readonly agentId: string;
  readonly conditions: RoutingConditions;
  /** Ascending; default 0. Equal ones keep their order. */
  readonly priority?: number;
}

/** The rules, and who answers without one. */
export interface ConversationRouterOptions {
  /** Asked in the order of their priorities; the first that matches decides. */
  readonly rules?: readonly RoutingRule[];
  /** Who answers when no rule matches. */
  readonly defaultAgentId?: string;
  /** Hears everything that is routed, agents' words included (ORC-05). */
  readonly supervisorId?: string;
}

/** Metadata keys that solicitation reads (BC-03); they never leave the kit (ORC-02). */
export const ROUTED_TO = '_routed_to';
export const ALWAYS_PROCESS = '_always_process';
/** The value of {@link ROUTED_TO} that means: no agent reacts. */
export const ROUTED_TO_NOBODY = '_none_';

/** Routes each message to one agent. A {@link ConversationPipeline} makes and installs one; by hand: `router.install(kit)`. */
export class ConversationRouter {
  readonly defaultAgentId: string | undefined;
  readonly supervisorId: string | undefined;
  readonly #rules: readonly RoutingRule[];
  readonly #agentIds: ReadonlySet<string>;
  readonly #always: readonly string[];
  readonly #supervised: Metadata;
  readonly #ways = new Map<string, Metadata>();
  readonly #supervisedWays = new Map<string, Metadata>();

  constructor(options: ConversationRouterOptions = {}) {
    this.defaultAgentId = options.defaultAgentId;
    this.supervisorId = options.supervisorId;
    for (const rule of options.rules ?? EMPTY_LIST) checkRule(rule);
    this.#rules = [...(options.rules ?? [])].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
    const ids = new Set(this.#rules.map((rule) => rule.agentId));
    if (options.defaultAgentId !== undefined) ids.add(options.defaultAgentId);
    if (options.supervisorId !== undefined) ids.add(options.supervisorId);
    this.#agentIds = ids;
    this.#always = options.supervisorId === undefined ? EMPTY_LIST : Object.freeze([options.supervisorId]);
    this.#supervised = Object.freeze({ [ALWAYS_PROCESS]: this.#always });
  }

  /**
   * The agent this event is for, or null (ORC-01): who is addressed; nobody further when an agent speaks or a person has
   * the conversation; the active agent; the first matching rule; the default agent. Only bound agents are chosen.
   */
  route(event: RoomEvent, context: RoomContext, state: ConversationState): string | null {
    return this.#select(event, context, state, undefined);
  }

  /** Routes every event of rooms in which one of its agents is bound (ORC-04). Returns what removes it again. */
  install(kit: Pick<OrchestrationKit, 'hook' | 'logger'>, options: { priority?: number } = {}): () => void {
    const onConditionError = (error: unknown): void =>
      kit.logger.warn('A routing condition failed and counts as not matching.', { error: errorMessage(error) });
    return kit.hook('before_broadcast', { name: 'conversation_router', priority: options.priority ?? -100, preview: true }, (event, context) => {
      if (!this.#concerns(context)) return HookResult.allow();
      const stamps = this.#stamps(event, context, onConditionError);
      if (stamps === null) return HookResult.allow();
      // Most messages have no metadata of their own: then all that go one way share one frozen object.
      const metadata = isEmpty(event.metadata) ? stamps : Object.freeze({ ...event.metadata, ...stamps });
      const routed = copyOfEvent(event);
      routed.metadata = metadata;
      return HookResult.modify<RoomEvent>(routed);
    });
  }

  #concerns(context: RoomContext): boolean {
    for (const binding of context.bindings) if (this.#agentIds.has(binding.channelId)) return true;
    return false;
  }

  #stamps(event: RoomEvent, context: RoomContext, onConditionError: (error: unknown) => void): Metadata | null {
    // Who is addressed is solicited by the address itself (BC-03); only the supervisor has to be added.
    if (event.addressedTo !== undefined) return this.#supervises(event, context) ? this.#supervised : null;
    const state = getConversationState(context.room);
    const selected = this.#select(event, context, state, onConditionError);
    if (selected !== null || isFromAgent(event, context)) {
      return this.#way(selected ?? ROUTED_TO_NOBODY, this.#supervises(event, context));
    }
    // With a person on it no agent reacts at all (HND-04); else, with nothing selected, every agent may (ORC-03).
    return isHandledByHuman(state) ? this.#way(ROUTED_TO_NOBODY, false) : null;
  }

  /** The stamps of one way; there are as many as agents, or twice as many with a supervisor. */
  #way(agentId: string, isSupervised: boolean): Metadata {
    const ways = isSupervised ? this.#supervisedWays : this.#ways;
    let stamps = ways.get(agentId);
    if (stamps === undefined) {
      stamps = Object.freeze({ [ROUTED_TO]: agentId, [ALWAYS_PROCESS]: isSupervised ? this.#always : EMPTY_LIST });
      if (this.#agentIds.has(agentId) || agentId === ROUTED_TO_NOBODY) ways.set(agentId, stamps);
    }
    return stamps;
  }

  #supervises(event: RoomEvent, context: RoomContext): boolean {
    const id = this.supervisorId;
    return id !== undefined && event.source.channelId !== id && context.getBinding(id) !== undefined;
  }

  #select(event: RoomEvent, context: RoomContext, state: ConversationState, onConditionError: ((error: unknown) => void) | undefined): string | null {
    const isBound = (id: string | null | undefined): id is string => typeof id === 'string' && context.getBinding(id) !== undefined;
    if (event.addressedTo !== undefined) return event.addressedTo.find(isBound) ?? null;
    if (isFromAgent(event, context) || isHandledByHuman(state)) return null;
    if (isBound(state.activeAgentId)) return state.activeAgentId;
    for (const rule of this.#rules) {
      if (isBound(rule.agentId) && matches(rule.conditions, event, context, state, onConditionError)) return rule.agentId;
    }
    return isBound(this.defaultAgentId) ? this.defaultAgentId : null;
  }
}

function isEmpty(metadata: Metadata): boolean {
  for (const _key in metadata) return false;
  return true;
}

/** A rule that could never match, or would match something else than it says. */
function checkRule(rule: RoutingRule): void {
  const { agentId, conditions }: { readonly agentId?: unknown; readonly conditions?: unknown } = rule;
  if (typeof agentId !== 'string' || agentId === '' || typeof conditions !== 'object' || conditions === null) {
    throw new ValidationError(`A routing rule is ${JSON.stringify(rule)}. Give { agentId: 'agent-billing', conditions: { phases: ['billing'] } }.`);
  }
  for (const name of ['phases', 'channelTypes', 'intents', 'sourceChannelIds'] as const) {
    const list: unknown = rule.conditions[name];
    if (list !== undefined && !Array.isArray(list)) {
      throw new ValidationError(`conditions.${name} of the rule for '${agentId}' is ${JSON.stringify(list)}. Give a list.`);
    }
  }
}

function isFromAgent(event: RoomEvent, context: RoomContext): boolean {
  const binding = context.getBinding(event.source.channelId);
  return binding === undefined ? event.source.channelType === 'ai' : binding.category === 'intelligence';
}

function matches(
  conditions: RoutingConditions,
  event: RoomEvent,
  context: RoomContext,
  state: ConversationState,
  onConditionError: ((error: unknown) => void) | undefined,
): boolean {
  if (conditions.phases && !conditions.phases.includes(state.phase)) return false;
  if (conditions.channelTypes && !conditions.channelTypes.includes(event.source.channelType)) return false;
  if (conditions.sourceChannelIds && !conditions.sourceChannelIds.includes(event.source.channelId)) return false;
  if (conditions.intents) {
    const intent = event.metadata['intent'];
    if (typeof intent !== 'string' || !conditions.intents.includes(intent)) return false;
  }
  if (conditions.custom === undefined) return true;
  try {
    return conditions.custom(event, context, state);
  } catch (error) {
    onConditionError?.(error);
    return false;
  }
}

/** Phase, active agent and handoff history of a room (behaviour §3.5), kept in `room.metadata._conversation_state`. */
import { EMPTY, isSealed, ownJson, sealJson, sealList, type Metadata } from './json.js';
import type { Room } from './room.js';
import type { ConversationPhase } from './vocabulary.js';

/** One step of a conversation from phase to phase. `null` stands for nobody: a human, or no agent yet. */
export interface PhaseTransition {
  readonly fromPhase: ConversationPhase;
  readonly toPhase: ConversationPhase;
  readonly fromAgent?: string | null;
  readonly toAgent?: string | null;
  readonly reason: string;
  readonly timestamp: string;
  readonly metadata: Metadata;
}

/** Where a conversation stands: its phase, who leads it, how it came there. Read with {@link getConversationState}. */
export interface ConversationState {
  /** Default `intake`. */
  readonly phase: ConversationPhase;
  readonly activeAgentId?: string | null;
  readonly previousAgentId?: string | null;
  /** How often the active agent changed (CST-02). */
  readonly handoffCount: number;
  readonly phaseStartedAt: string;
  /** The newest 200 transitions. */
  readonly phaseHistory: readonly PhaseTransition[];
  /** Open map; keys are snake_case (`handoff_summary`, `handoff_from`, `handoff_reason`, `language`, `handled_by`). */
  readonly context: Metadata;
}

/** The key of room metadata that holds the state (CST-03). */
export const CONVERSATION_STATE_KEY = '_conversation_state';
/** `state.context.handled_by` while a person has the conversation (HND-04). */
export const HANDLED_BY_HUMAN = 'human';
const MAX_HISTORY = 200;

/** The room's state; a fresh default (phase `intake`, nobody active) when it has none. */
export function getConversationState(room: Room): ConversationState {
  const stored = room.metadata[CONVERSATION_STATE_KEY] as Partial<ConversationState> | undefined; // written by setConversationState
  return completeState(stored ?? {}, room.createdAt);
}

/** Whether there is anything but the default to be read. */
export function hasConversationState(room: Room): boolean {
  return room.metadata[CONVERSATION_STATE_KEY] !== undefined;
}

/** A copy of the room with this state. Persists nothing: pass the copy to `kit.store.updateRoom` (CST-03). */
export function setConversationState(room: Room, state: Partial<ConversationState>): Room {
  const complete = completeState(state, room.updatedAt);
  return { ...room, metadata: { ...room.metadata, [CONVERSATION_STATE_KEY]: complete } };
}

/** Who leads after a transition, and why. Without `toAgent` nobody does. */
export interface TransitionOptions {
  /** Who leads now; absent or null: nobody. */
  readonly toAgent?: string | null;
  /** Default ''. */
  readonly reason?: string;
  /** Kept with the transition. */
  readonly metadata?: Metadata;
  /** ISO time of the transition; default: the present. */
  readonly at?: string;
}

/** The state after moving to `toPhase` (CST-01). The old state is left as it was. */
export function transition(state: ConversationState, toPhase: ConversationPhase, options: TransitionOptions = {}): ConversationState {
  const at = options.at ?? new Date().toISOString();
  const fromAgent = state.activeAgentId ?? null;
  const toAgent = options.toAgent ?? null;
  const entry: PhaseTransition = {
    fromPhase: state.phase,
    toPhase,
    fromAgent,
    toAgent,
    reason: options.reason ?? '',
    timestamp: at,
    metadata: options.metadata ?? EMPTY,
  };
  return {
    ...state,
    phase: toPhase,
    previousAgentId: fromAgent,
    activeAgentId: toAgent,
    handoffCount: state.handoffCount + (fromAgent === toAgent ? 0 : 1),
    phaseStartedAt: at,
    phaseHistory: lengthened(state.phaseHistory, entry),
  };
}

/** Whether a person has taken over: no agent is solicited until one is made active again (HND-04). */
export function isHandledByHuman(state: ConversationState): boolean {
  return (state.activeAgentId ?? null) === null && state.context['handled_by'] === HANDLED_BY_HUMAN;
}

function completeState(state: Partial<ConversationState>, startedAt: string): ConversationState {
  return {
    ...state,
    phase: state.phase ?? 'intake',
    activeAgentId: state.activeAgentId ?? null,
    previousAgentId: state.previousAgentId ?? null,
    handoffCount: state.handoffCount ?? 0,
    phaseStartedAt: state.phaseStartedAt ?? startedAt,
    phaseHistory: newest(state.phaseHistory ?? []),
    context: state.context ?? EMPTY,
  };
}

/** Known to be frozen, so that its two hundred entries are not copied whenever the state is stored. */
function lengthened(history: readonly PhaseTransition[], entry: PhaseTransition): readonly PhaseTransition[] {
  return sealList(newest([...(isSealed(history) ? history : ownJson(history)), sealJson(ownJson(entry))]));
}

/** History grows without end; what a room keeps of it does not (CST-05). */
function newest(history: readonly PhaseTransition[]): readonly PhaseTransition[] {
  return history.length > MAX_HISTORY ? history.slice(-MAX_HISTORY) : history;
}

/** Changing who leads a conversation, under the room's lock: used by handoffs and by hosts (CST-04, HND). */
import { cancelWaiting } from '../approvals/cancel.js';
import { isoTime } from '../clock.js';
import { ValidationError } from '../errors.js';
import type { ChannelBinding } from '../models/binding.js';
import { CONVERSATION_STATE_KEY, getConversationState, HANDLED_BY_HUMAN, transition, type ConversationState } from '../models/conversation-state.js';
import type { RoomEvent } from '../models/event.js';
import { copyJson, ownJson, sealJson, type Metadata } from '../models/json.js';
import type { Room } from '../models/room.js';
import type { KitParts } from '../parts.js';
import { commitSystem } from '../pipeline/commit.js';
import { assertGrows, inRoom, tellLater } from './lifecycle.js';

/** The room as it is while its lock is held. */
export interface ConversationNow {
  readonly room: Room;
  readonly state: ConversationState;
  readonly bindings: readonly ChannelBinding[];
}

/** The state to store, with the entry that tells of it in the timeline. */
export interface ConversationChange {
  readonly state: ConversationState;
  /** The timeline entry; visibility `internal`. */
  readonly notice: {
    readonly body: string;
    readonly code?: string;
    readonly metadata: Metadata;
    readonly data?: Metadata;
    /** Who speaks; default the system. */
    readonly channelId?: string;
  };
}

/** Change the conversation, or say why not. */
export type ConversationDecision = ConversationChange | { readonly rejected: string };

/** What came of a decision, told apart by `accepted`. */
export type ConversationResult =
  | { readonly accepted: true; readonly event: RoomEvent; readonly before: ConversationState; readonly after: ConversationState }
  | { readonly accepted: false; readonly reason: string; readonly state: ConversationState };

/** Lets `decide` judge the state as it is now; on acceptance the new state and its notice are one commit. */
export async function changeConversation(
  parts: KitParts,
  roomId: string,
  decide: (now: ConversationNow) => ConversationDecision,
): Promise<ConversationResult> {
  return inRoom(parts, roomId, async (section, state) => {
    const before = getConversationState(state.room);
    const decision = decide({ room: state.room, state: before, bindings: state.bindings });
    if ('rejected' in decision) return { accepted: false, reason: decision.rejected, state: before };
    if (state.room.status === 'closed' || state.room.status === 'archived') return { accepted: false, reason: 'room_closed', state: before };
    const { notice } = decision;
    const after = sealJson(ownJson({ ...decision.state })); // the caller's objects stay the caller's
    const committed = await commitSystem(
      parts,
      section,
      {
        code: notice.code ?? 'conversation_changed',
        body: notice.body,
        metadata: notice.metadata,
        ...(notice.data !== undefined && { data: copyJson(notice.data) }),
      },
      { roomPatch: { metadata: { [CONVERSATION_STATE_KEY]: after } } },
    );
    return { accepted: true, event: committed.event, before, after };
  });
}

const MAX_REASON = 4000;

/** A host puts an agent (or nobody: a human) in charge; replies that began before are refused (TURN-06, LOCK-07). */
export async function setActiveAgent(
  parts: KitParts,
  roomId: string,
  agentId: string | null,
  options: { phase?: string; reason?: string } = {},
): Promise<ConversationState> {
  const { reason = 'set_by_host' } = options;
  if (typeof reason !== 'string' || reason.length > MAX_REASON)
    throw new ValidationError(
      `The reason of a takeover is ${typeof reason === 'string' ? `${reason.length} characters long` : `a ${typeof reason}`}. Give a text of at most ${MAX_REASON}.`,
    );
  return inRoom(parts, roomId, async (section, state) => {
    assertGrows(state.room);
    if (agentId !== null) checkAgent(roomId, agentId, state.bindings);
    const before = getConversationState(state.room);
    const phase = options.phase ?? before.phase;
    const { handled_by: _handledBy, ...context } = before.context;
    const moved = transition(before, phase, { toAgent: agentId, reason, at: isoTime(parts.clock.now()) });
    const after: ConversationState = {
      ...moved,
      context: { ...context, taken_over_at_index: state.room.latestIndex + 1, ...(agentId === null && { handled_by: HANDLED_BY_HUMAN }) },
    };
    const committed = await commitSystem(
      parts,
      section,
      {
        code: 'active_agent_changed',
        body: agentId === null ? 'A human took over.' : `${agentId} was put in charge.`,
        metadata: { from_agent: before.activeAgentId ?? null, to_agent: agentId, new_phase: phase, reason, _orchestration_internal: true },
      },
      {
        roomPatch: { metadata: { [CONVERSATION_STATE_KEY]: sealJson(after) } },
        // What others have begun is theirs no more (TURN-06).
        ...(await cancelWaiting(parts, section, { roomId, exceptAgentId: agentId, reason: 'taken_over' })),
      },
    );
    if (phase !== before.phase) tellLater(parts, section, committed.state, 'on_phase_transition', committed.event);
    return after;
  });
}

function checkAgent(roomId: string, agentId: string, bindings: readonly ChannelBinding[]): void {
  const binding = bindings.find((candidate) => candidate.channelId === agentId);
  if (binding?.category === 'intelligence') return;
  const agents = bindings.filter((candidate) => candidate.category === 'intelligence').map((candidate) => candidate.channelId);
  throw new ValidationError(
    binding === undefined
      ? `Agent '${agentId}' is not attached to room '${roomId}'. Call kit.attachChannel('${roomId}', '${agentId}') first; agents here: ${agents.join(', ') || 'none'}.`
      : `Channel '${agentId}' of room '${roomId}' is a transport and cannot answer. Name an agent, or null for a person; agents here: ${agents.join(', ') || 'none'}.`,
  );
}

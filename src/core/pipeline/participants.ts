/** People join a room under its lock, as step 6 decided (IDN-04, IDN-07). */
import { isoTime } from '../clock.js';
import type { Identity, Participant } from '../models/people.js';
import { EMPTY, EMPTY_LIST } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { contextOf } from '../rooms/history.js';
import type { RoomState } from '../store/store.js';
import { commitSystem } from './commit.js';
import type { Section } from './section.js';

/** What identity resolution decided about the sender. */
export interface ParticipantDecision {
  readonly kind: 'identified' | 'pending';
  readonly participantId: string;
  readonly channelId: string;
  readonly identity?: Identity;
  readonly displayName?: string;
  readonly candidates?: readonly Identity[];
  readonly resolvedBy?: string;
  /** The address it came from: under it the participant is known from now on, and the resolver is not asked again. */
  readonly senderId?: string;
}

/** Creates or upgrades the participant; repeats change nothing. */
export async function joinParticipant(parts: KitParts, section: Section, state: RoomState, decision: ParticipantDecision): Promise<RoomState> {
  if (state.room.status === 'closed' || state.room.status === 'archived') return state; // nobody joins any more (ROOM-04)
  const existing = state.participants.find((participant) => participant.id === decision.participantId);
  const at = isoTime(parts.clock.now());
  if (existing !== undefined && (existing.identification === 'identified' || decision.kind === 'pending')) {
    if (existing.channelId === decision.channelId || existing.connectedVia.includes(decision.channelId)) return state;
    await parts.store.putParticipant({ ...existing, connectedVia: [...existing.connectedVia, decision.channelId] }, section.writeOptions);
    return (await parts.store.loadRoom(state.room.id)) ?? state;
  }
  const identity = decision.identity;
  const displayName = identity?.displayName ?? decision.displayName ?? existing?.displayName;
  const participant: Participant = {
    id: decision.participantId,
    roomId: state.room.id,
    channelId: existing?.channelId ?? decision.channelId,
    ...(displayName !== undefined && { displayName }),
    role: existing?.role ?? 'member',
    status: existing?.status ?? 'active',
    identification: decision.kind === 'identified' ? 'identified' : 'pending',
    ...(identity !== undefined && { identityId: identity.id, resolvedAt: at, resolvedBy: decision.resolvedBy ?? 'resolver' }),
    ...(decision.kind === 'pending' && decision.candidates !== undefined && { candidates: decision.candidates }),
    connectedVia: existing?.connectedVia ?? EMPTY_LIST,
    ...externalId(existing, decision),
    joinedAt: existing?.joinedAt ?? at,
    metadata: existing?.metadata ?? EMPTY,
  };
  const code =
    existing !== undefined
      ? 'participant_identified'
      : decision.kind === 'identified'
        ? 'participant_joined_identified'
        : 'participant_joined_pending';
  const committed = await commitSystem(
    parts,
    section,
    {
      type: existing !== undefined ? 'participant_identified' : 'participant_joined',
      code,
      body: `${displayName ?? participant.id} ${existing !== undefined ? 'was identified' : 'joined'}.`,
      data: { participant_id: participant.id, ...(identity !== undefined && { identity_id: identity.id }) },
    },
    { participant },
  );
  if (decision.kind === 'identified' && parts.hooks.has('on_participant_identified', state.room.id)) {
    const { event, state: after } = committed;
    section.defer(() => {
      void parts.tasks.run(() =>
        parts.hooks.notice('on_participant_identified', event, {
          roomId: state.room.id,
          source: { channelId: decision.channelId },
          context: () => contextOf(after),
        }),
      );
    });
  }
  return committed.state;
}

function externalId(existing: Participant | undefined, decision: ParticipantDecision): { externalId?: string } {
  const known = existing?.externalId ?? decision.senderId;
  return known === undefined ? {} : { externalId: known };
}

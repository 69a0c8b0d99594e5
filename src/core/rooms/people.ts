/** Participants of a room and the identities behind them (ROOM-09, ROOM-10, IDN-13). */
import { isoTime } from '../clock.js';
import { checkId } from '../ids.js';
import { IdentityNotFoundError, ParticipantNotFoundError, ValidationError } from '../errors.js';
import { EMPTY, EMPTY_LIST, frozenMap } from '../models/json.js';
import type { IdentityMerge, Participant } from '../models/people.js';
import { ParticipantRole, ParticipantStatus } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { commitSystem } from '../pipeline/commit.js';
import { mergeMetadata } from '../store/metadata.js';
import { assertGrows, inRoom, tellLater } from './lifecycle.js';

/** Get or create, silently. An existing participant keeps its channel; another one is added to `connectedVia`. */
export async function ensureParticipant(
  parts: KitParts,
  roomId: string,
  channelId: string,
  participantId: string,
  options: { displayName?: string; role?: Participant['role'] } = {},
): Promise<Participant> {
  checkId('Participant id', participantId);
  const role: unknown = options.role;
  const roles: readonly unknown[] = Object.values(ParticipantRole);
  if (role !== undefined && !roles.includes(role)) throw new ValidationError(`role is ${JSON.stringify(role)}. Use one of ${roles.join(', ')}.`);
  return inRoom(parts, roomId, async (section, state) => {
    const existing = state.participants.find((participant) => participant.id === participantId);
    if (existing !== undefined) {
      if (existing.channelId === channelId || existing.connectedVia.includes(channelId)) return existing;
      const joined = { ...existing, connectedVia: [...existing.connectedVia, channelId] };
      await parts.store.putParticipant(joined, section.writeOptions);
      return joined;
    }
    const participant: Participant = {
      id: participantId,
      roomId,
      channelId,
      ...(options.displayName !== undefined && { displayName: options.displayName }),
      role: options.role ?? 'member',
      status: 'active',
      identification: 'pending',
      connectedVia: EMPTY_LIST,
      joinedAt: isoTime(parts.clock.now()),
      metadata: EMPTY,
    };
    await parts.store.putParticipant(participant, section.writeOptions);
    return participant;
  });
}

/** What a host may change of a participant. Metadata is merged; `undefined` removes a key. */
export type ParticipantPatch = Partial<Pick<Participant, 'displayName' | 'role' | 'status' | 'metadata'>>;

/** A host says what somebody is here: name, role, whether they take part (ROOM-14). What changes nothing leaves no entry. */
export async function updateParticipant(parts: KitParts, roomId: string, participantId: string, patch: ParticipantPatch): Promise<Participant> {
  const { displayName, role, status } = patch;
  checkWord('role', role, Object.values(ParticipantRole));
  checkWord('status', status, Object.values(ParticipantStatus));
  if (displayName !== undefined) checkId('Display name', displayName);
  return inRoom(parts, roomId, async (section, state) => {
    const before = state.participants.find((participant) => participant.id === participantId);
    if (before === undefined) throw new ParticipantNotFoundError(roomId, participantId);
    const after: Participant = {
      ...before,
      ...(displayName !== undefined && { displayName }),
      ...(role !== undefined && { role }),
      ...(status !== undefined && { status }),
      ...(patch.metadata !== undefined && { metadata: frozenMap(mergeMetadata(before.metadata, patch.metadata)) }),
    };
    const keys = (['displayName', 'role', 'status', 'metadata'] as const).filter((key) => JSON.stringify(after[key]) !== JSON.stringify(before[key]));
    if (keys.length === 0) return before;
    assertGrows(state.room);
    const hasLeft = after.status !== before.status && after.status === 'left';
    await commitSystem(
      parts,
      section,
      {
        type: hasLeft ? 'participant_left' : 'participant_updated',
        code: hasLeft ? 'participant_left' : 'participant_updated',
        body: `${after.displayName ?? participantId} ${hasLeft ? 'left' : 'was updated'}.`,
        data: { participant_id: participantId, keys: keys.map(snakeCase), role: after.role, status: after.status },
      },
      { participant: after },
    );
    return after;
  });
}

function checkWord(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new ValidationError(`Participant ${name} is ${JSON.stringify(value)}. Use one of ${allowed.join(', ')}.`);
}

function snakeCase(key: string): string {
  return key === 'displayName' ? 'display_name' : key;
}

export async function resolveParticipant(
  parts: KitParts,
  roomId: string,
  participantId: string,
  identityId: string,
  resolvedBy: string,
): Promise<Participant> {
  return inRoom(parts, roomId, async (section, state) => {
    const existing = state.participants.find((participant) => participant.id === participantId);
    if (existing === undefined) throw new ParticipantNotFoundError(roomId, participantId);
    assertGrows(state.room);
    const identity = await parts.store.getIdentity(identityId);
    const organizationId = parts.options.organizationId;
    if (identity === null || (organizationId !== undefined && identity.organizationId !== organizationId))
      throw new IdentityNotFoundError(identityId);
    const displayName = identity.displayName ?? existing.displayName;
    const { candidates: _candidates, ...rest } = existing;
    const participant: Participant = {
      ...rest,
      ...(displayName !== undefined && { displayName }),
      identification: 'identified',
      identityId: identity.id,
      resolvedAt: isoTime(parts.clock.now()),
      resolvedBy,
    };
    const binding = state.bindings.find((candidate) => candidate.channelId === participant.channelId);
    const committed = await commitSystem(
      parts,
      section,
      {
        type: 'participant_identified',
        code: 'participant_identified',
        body: `${displayName ?? participantId} was identified.`,
        data: { participant_id: participantId, identity_id: identity.id, resolved_by: resolvedBy },
      },
      { participant, ...(binding !== undefined && { binding: Object.freeze({ ...binding, participantId }) }) },
    );
    tellLater(parts, section, committed.state, 'on_participant_identified', committed.event, { channelId: participant.channelId });
    return participant;
  });
}

export async function mergeIdentities(
  parts: KitParts,
  intoId: string,
  fromId: string,
  options: { by: string; reason?: string },
): Promise<IdentityMerge | null> {
  parts.assertOpen();
  for (const id of [intoId, fromId]) {
    const identity = await parts.store.getIdentity(id);
    const organizationId = parts.options.organizationId;
    if (identity === null || (organizationId !== undefined && identity.organizationId !== organizationId)) throw new IdentityNotFoundError(id);
  }
  const merge = await parts.store.mergeIdentities({
    intoId,
    fromId,
    by: options.by,
    at: isoTime(parts.clock.now()),
    ...(options.reason !== undefined && { reason: options.reason }),
  });
  if (merge !== null && parts.framework.has('identity_merged')) {
    parts.framework.emit('identity_merged', { data: { into_id: intoId, from_id: fromId, by: options.by } });
  }
  return merge;
}

export async function unmergeIdentity(parts: KitParts, fromId: string): Promise<IdentityMerge | null> {
  parts.assertOpen();
  const organizationId = parts.options.organizationId;
  // A merged identity is read as the one it went into, and both are of one organization.
  if (organizationId !== undefined && (await parts.store.getIdentity(fromId))?.organizationId !== organizationId) return null;
  const merge = await parts.store.unmergeIdentity(fromId);
  if (merge !== null && parts.framework.has('identity_unmerged')) {
    parts.framework.emit('identity_unmerged', { data: { into_id: merge.intoId, from_id: fromId } });
  }
  return merge;
}

/** Nothing of another organization's. */
export async function listMerges(parts: KitParts, identityId: string): Promise<readonly IdentityMerge[]> {
  const organizationId = parts.options.organizationId;
  if (organizationId !== undefined && (await parts.store.getIdentity(identityId))?.organizationId !== organizationId) return [];
  return parts.store.listMerges(identityId);
}

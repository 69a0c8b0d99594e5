/** Step 6: who is the sender? (behaviour §12) It may hold or refuse the message; it never loses it. */
import { withDeadline } from '../async/bounded.js';
import { isoTime } from '../clock.js';
import { errorMessage, TimeoutError } from '../errors.js';
import type { ContentInput } from '../models/content.js';
import type { InboundMessage } from '../models/delivery.js';
import type { EventDraft, RoomEvent } from '../models/event.js';
import { isPromise, type Awaitable } from '../models/json.js';
import type { Identity, IdentityHookResult, IdentityResult, Participant } from '../models/people.js';
import type { KitParts } from '../parts.js';
import type { RegisteredChannel } from '../registry.js';
import { contextOf } from '../rooms/history.js';
import type { RoomState } from '../store/store.js';
import { Cascade } from './cascade.js';
import { loadHeld } from './commit.js';
import { draftEvent } from './event-draft.js';
import { commitOne } from './injected.js';
import type { ParticipantDecision } from './participants.js';
import { withSection } from './section.js';

const HOLD_SECONDS = 24 * 3600;
const MAX_HELD = 20;

export type IdentityOutcome =
  | { readonly kind: 'go'; readonly participant?: ParticipantDecision }
  | { readonly kind: 'stop'; readonly reason: string; /** Who it is, of a message that only said so. */ readonly participant?: ParticipantDecision };

const GO: IdentityOutcome = { kind: 'go' };

/** Whether this channel's senders are to be resolved at all (IDN-01). */
export function resolvesSenders(parts: KitParts, entry: RegisteredChannel): boolean {
  const options = parts.options;
  if (options.identityResolver === undefined || entry.channel.namesOwnSenders === true) return false;
  const types = options.identityChannelTypes;
  return types === undefined || types.includes(entry.channel.channelType);
}

/** The participant this sender was identified as before, in this room and over this channel. */
export function knownSender(entry: RegisteredChannel, state: RoomState, senderId: string): Participant | undefined {
  const { channelId } = entry.channel;
  return state.participants.find(
    (participant) =>
      participant.identification === 'identified' &&
      (participant.externalId === senderId || participant.id === senderId) &&
      (participant.channelId === channelId || participant.connectedVia.includes(channelId)),
  );
}

/**
 * Whether an address is still that of the participant it came from before: what the store knows of addresses goes before what
 * the room remembers, or a merge that was undone would last there (IDN-13). Asked for each message, so at once where it can be.
 */
export function isStillSender(parts: KitParts, entry: RegisteredChannel, state: RoomState, known: Participant, senderId: string): Awaitable<boolean> {
  const { organizationId } = state.room;
  const { channelType } = entry.channel;
  const owner = parts.store.resolveIdentity({ channelType, address: senderId, ...(organizationId !== undefined && { organizationId }) });
  return isPromise(owner) ? owner.then((found) => isSamePerson(parts, known, found)) : isSamePerson(parts, known, owner);
}

function isSamePerson(parts: KitParts, { identityId }: Participant, owner: Identity | null): Awaitable<boolean> {
  if (owner === null || identityId === undefined || owner.id === identityId) return true;
  const own = parts.store.getIdentity(identityId);
  return isPromise(own) ? own.then((found) => found?.id === owner.id) : own?.id === owner.id;
}

export async function resolveSender(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  draft: EventDraft,
  state: RoomState,
): Promise<IdentityOutcome> {
  const channel = entry.channel;
  const context = contextOf(state);
  const result = await ask(parts, message, context);
  const address = result.address ?? message.senderId;
  const channelType = result.channelType ?? channel.channelType;
  const complete: IdentityResult = { ...result, address, channelType };
  const holdKey = challengeKey(channel.channelId, message.senderId);
  switch (result.status) {
    case 'identified':
      if (result.identity === undefined) break;
      return identified(parts, channel.channelId, result.identity, 'resolver', message.senderId, result);
    case 'challenge_sent':
      await challenge(parts, channel.channelId, message, state, result.inject, result.isAnswer);
      return { kind: 'stop', reason: result.message ?? 'identity_challenge_sent' };
    case 'ambiguous':
    case 'pending':
    case 'unknown':
    case 'rejected':
      break;
  }
  const ambiguous = result.status === 'ambiguous' || result.status === 'pending';
  const decided = await askHooks(parts, ambiguous, draft, complete, state);
  if (decided !== null) return applyHook(parts, entry, message, state, decided, result);
  if (result.status === 'rejected') return { kind: 'stop', reason: result.message ?? 'identity_rejected' };
  // A challenged sender whose answer did not identify him stays on hold (IDN-11).
  if ((await parts.store.listHeld('challenge', holdKey, isoTime(parts.clock.now()))).length > 0) {
    await challenge(parts, channel.channelId, message, state, undefined, result.isAnswer);
    return { kind: 'stop', reason: 'identity_challenge_sent' };
  }
  return ambiguous ? pending(parts, channel.channelId, draft.source.participantId, undefined, result.candidates) : GO;
}

/** A throw or a timeout counts as unknown (IDN-02). */
async function ask(parts: KitParts, message: InboundMessage, context: ReturnType<typeof contextOf>): Promise<IdentityResult> {
  const resolver = parts.options.identityResolver;
  if (resolver === undefined) return { status: 'unknown' };
  const controller = new AbortController();
  const seconds = parts.limits.identityTimeoutSeconds;
  try {
    const answer = resolver.resolve(message, context, { signal: controller.signal });
    if (!isPromise(answer)) return answer;
    return await withDeadline(parts.deadlines, answer, seconds * 1000, () => new TimeoutError(`Identity resolution took longer than ${seconds} s.`));
  } catch (error) {
    controller.abort(error);
    if (error instanceof TimeoutError && parts.framework.has('identity_timeout')) {
      parts.framework.emit('identity_timeout', { roomId: context.room.id, channelId: message.channelId, data: { timeout_seconds: seconds } });
    }
    parts.logger.warn('A sender could not be resolved and counts as unknown.', { channelId: message.channelId, error: errorMessage(error) });
    return { status: 'unknown' };
  }
}

async function askHooks(
  parts: KitParts,
  ambiguous: boolean,
  draft: EventDraft,
  result: IdentityResult,
  state: RoomState,
): Promise<IdentityHookResult | null> {
  const trigger = ambiguous ? 'on_identity_ambiguous' : 'on_identity_unknown';
  const roomId = state.room.id;
  if (!parts.hooks.has(trigger, roomId)) return null;
  const payload: RoomEvent = Object.freeze(
    draftEvent(parts, {
      roomId,
      type: draft.type ?? 'message',
      source: draft.source,
      content: draft.content,
      visibility: draft.visibility ?? 'all',
      chainDepth: 0,
      metadata: draft.metadata ?? {},
      channelData: draft.channelData ?? {},
    }),
  );
  return parts.hooks.identity(trigger, payload, result, { roomId, source: draft.source, context: () => contextOf(state) });
}

async function applyHook(
  parts: KitParts,
  entry: RegisteredChannel,
  message: InboundMessage,
  state: RoomState,
  decided: IdentityHookResult,
  result: IdentityResult,
): Promise<IdentityOutcome> {
  const channelId = entry.channel.channelId;
  switch (decided.outcome) {
    case 'resolved':
      return decided.identity === undefined ? GO : identified(parts, channelId, decided.identity, 'hook', message.senderId, result);
    case 'pending':
      return pending(parts, channelId, message.senderId, decided.displayName, decided.candidates ?? result.candidates);
    case 'reject':
      return { kind: 'stop', reason: decided.reason ?? (result.status === 'unknown' ? 'unknown_sender' : 'identity_rejected') };
    case 'challenge':
      await challenge(parts, channelId, message, state, decided.inject, result.isAnswer);
      return { kind: 'stop', reason: 'identity_challenge_sent' };
  }
}

/** The message waits, unless it is nothing but an answer that was wrong; what is asked goes to the sender's channel. */
async function challenge(
  parts: KitParts,
  channelId: string,
  message: InboundMessage,
  state: RoomState,
  content: ContentInput | undefined,
  isAnswer = false,
): Promise<void> {
  const roomId = state.room.id;
  if (!isAnswer) await holdMessage(parts, challengeKey(channelId, message.senderId), message, roomId);
  if (content === undefined) return;
  await withSection(parts, roomId, async (section) => {
    const now = await loadHeld(parts, section);
    await commitOne(parts, section, now, undefined, { event: { content }, targetChannelIds: [channelId] }, new Cascade());
  });
}

function identified(
  parts: KitParts,
  channelId: string,
  identity: Identity,
  resolvedBy: string,
  senderId: string,
  { isShared = false, isAnswer = false }: IdentityResult,
): IdentityOutcome {
  if (parts.framework.has('identity_resolved')) {
    parts.framework.emit('identity_resolved', { channelId, data: { identity_id: identity.id } });
  }
  const participant: ParticipantDecision = {
    kind: 'identified',
    participantId: identity.id,
    channelId,
    identity,
    resolvedBy,
    // Under a shared address nobody is known by it alone.
    ...(!isShared && { senderId }),
  };
  return isAnswer ? { kind: 'stop', reason: 'identity_challenge_answered', participant } : { kind: 'go', participant };
}

function pending(
  parts: KitParts,
  channelId: string,
  participantId: string | undefined,
  displayName: string | undefined,
  candidates: readonly Identity[] | undefined,
): IdentityOutcome {
  return {
    kind: 'go',
    participant: {
      kind: 'pending',
      participantId: participantId ?? `pending-${parts.ids.next().replaceAll('-', '').slice(0, 8)}`,
      channelId,
      ...(displayName !== undefined && { displayName }),
      ...(candidates !== undefined && { candidates }),
    },
  };
}

async function holdMessage(parts: KitParts, key: string, message: InboundMessage, roomId: string): Promise<void> {
  const now = parts.clock.now();
  const { session: _session, ...stored } = message;
  await parts.store.holdMessage(
    { id: parts.ids.next(), kind: 'challenge', key, roomId, message: stored, heldAt: isoTime(now), expiresAt: isoTime(now + HOLD_SECONDS * 1000) },
    MAX_HELD,
  );
}

export function challengeKey(channelId: string, senderId: string): string {
  return `${channelId}\u0000${senderId}`;
}

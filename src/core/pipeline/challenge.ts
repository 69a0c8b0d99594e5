/** Messages held for a challenged sender go on once the sender is known, or are discarded (IDN-11). */
import type { InboundResult } from '../models/delivery.js';
import type { Identity } from '../models/people.js';
import type { KitParts } from '../parts.js';
import { discardHeld, releaseHeld } from './held.js';
import { challengeKey } from './identity.js';
import { processReleased } from './inbound.js';
import type { ParticipantDecision } from './participants.js';

export async function completeChallenge(
  parts: KitParts,
  sender: { channelId: string; senderId: string },
  identity: Identity | null,
): Promise<readonly InboundResult[]> {
  parts.assertOpen();
  const key = challengeKey(sender.channelId, sender.senderId);
  if (identity === null) {
    await discardHeld(parts, 'challenge', key);
    return [];
  }
  const known: ParticipantDecision = {
    kind: 'identified',
    participantId: identity.id,
    channelId: sender.channelId,
    identity,
    resolvedBy: 'challenge',
    senderId: sender.senderId,
  };
  return releaseHeld(parts, 'challenge', key, (message, { roomId = '' }) => processReleased(parts, message, roomId, known));
}

/** Messages held for a challenged sender go on once the sender is known, or are discarded (IDN-11). */
import type { InboundResult } from '../models/delivery.js';
import type { Identity } from '../models/people.js';
import type { KitParts } from '../parts.js';
import { discardHeld, releaseHeld } from './held.js';
import { challengeKey } from './identity.js';
import { processReleased } from './inbound.js';
import type { ParticipantDecision } from './participants.js';

/** Who was asked who they are. */
export interface ChallengedSender {
  readonly channelId: string;
  readonly senderId: string;
  /** Others write from this address, too: the room does not know them by it from now on. Default false. */
  readonly isShared?: boolean;
}

export async function completeChallenge(parts: KitParts, sender: ChallengedSender, identity: Identity | null): Promise<readonly InboundResult[]> {
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
    ...(sender.isShared !== true && { senderId: sender.senderId }),
  };
  return releaseHeld(parts, 'challenge', key, (message, { roomId = '' }) => processReleased(parts, message, roomId, known));
}

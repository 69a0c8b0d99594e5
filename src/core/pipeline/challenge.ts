/** Messages held for a challenged sender go on once the sender is known, or are discarded (IDN-11). */
import { isoTime } from '../clock.js';
import type { InboundResult } from '../models/delivery.js';
import type { Identity } from '../models/people.js';
import type { KitParts } from '../parts.js';
import { challengeKey } from './identity.js';
import { processInbound } from './inbound.js';
import { joinParticipant } from './participants.js';
import { inRoom } from '../rooms/lifecycle.js';

export async function completeChallenge(
  parts: KitParts,
  sender: { channelId: string; senderId: string },
  identity: Identity | null,
): Promise<InboundResult[]> {
  const held = await parts.store.takeHeld('challenge', challengeKey(sender.channelId, sender.senderId), isoTime(parts.clock.now()));
  if (identity === null) return [];
  const results: InboundResult[] = [];
  for (const one of held) {
    const roomId = one.roomId;
    if (roomId === undefined) continue;
    await inRoom(parts, roomId, (section, state) =>
      joinParticipant(parts, section, state, {
        kind: 'identified',
        participantId: identity.id,
        channelId: sender.channelId,
        identity,
        resolvedBy: 'challenge',
        senderId: sender.senderId,
      }),
    );
    results.push(await processInbound(parts, one.message, { roomId, wait: 'commit' }));
  }
  return results;
}

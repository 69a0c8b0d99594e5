/** A button of an approval was tapped, or its link followed (APR-07): the participant who did it answers. */
import { errorCode } from '../errors.js';
import type { RoomEvent } from '../models/event.js';
import type { Metadata } from '../models/json.js';
import type { KitParts } from '../parts.js';
import { findApproval, resolveApproval } from './resolve.js';
import { approvalIdOf, verbOf } from './tokens.js';

interface Tap {
  readonly token: string;
  readonly approvalId: string;
  readonly value: unknown;
}

/** What a message says of an approval by its `metadata.action`, whatever kind the vendor calls it; undefined for every other message. */
export function tapOf(metadata: Metadata | undefined): Tap | undefined {
  const action = metadata?.['action'];
  if (typeof action !== 'object' || action === null || !('id' in action) || typeof action.id !== 'string') return undefined;
  const approvalId = approvalIdOf(action.id);
  return approvalId === undefined ? undefined : { token: action.id, approvalId, value: 'value' in action ? action.value : undefined };
}

/** Answers for who tapped. What is forged, over, or not his to say comes to nothing, and only the log is told. */
export async function answerTap(parts: KitParts, event: RoomEvent, { token, approvalId, value }: Tap): Promise<void> {
  const { roomId, source } = event;
  const ignored = (reason: string): void =>
    parts.logger.info('A tap on an approval came to nothing.', { roomId, channelId: source.channelId, approvalId, reason });
  try {
    const row = await findApproval(parts, approvalId);
    if (row?.roomId !== roomId) return ignored('not_found');
    const verb = await verbOf(row, token);
    if (verb === undefined || (value !== undefined && value !== verb)) return ignored('forged');
    if (source.participantId === undefined) return ignored('forbidden');
    const { status } = await resolveApproval(parts, approvalId, { approve: verb === 'approve', by: source.participantId, isParticipant: true });
    if (status !== 'resolved') ignored(status);
  } catch (error) {
    if (!parts.stopping.aborted) parts.logger.error('A tap on an approval failed.', { roomId, approvalId, code: errorCode(error), error });
  }
}

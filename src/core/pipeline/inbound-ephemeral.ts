/** What comes in and is no message: typing, receipts, presence, reactions go to the ephemeral bus (INB-25). */
import type { Channel } from '../channel.js';
import { isoTime } from '../clock.js';
import type { InboundMessage } from '../models/delivery.js';
import { EMPTY, type Metadata } from '../models/json.js';
import type { EphemeralEventType, EventType } from '../models/vocabulary.js';
import type { KitParts } from '../parts.js';
import { eventIdOf } from '../rooms/own-messages.js';
import { publishEphemeral } from '../realtime/publish.js';

const TYPES: Partial<Record<EventType, EphemeralEventType>> = {
  typing: 'typing_start',
  read_receipt: 'read_receipt',
  delivery_receipt: 'custom',
  presence: 'custom',
  reaction: 'reaction',
};

/** Whether the kit does not treat this as a message; `metadata.store: true` of the channel asks for storage all the same. */
export function isEphemeral(message: InboundMessage): boolean {
  const type = message.eventType;
  return type !== undefined && TYPES[type] !== undefined && message.metadata?.['store'] !== true;
}

export async function publishInbound(parts: KitParts, channel: Channel, message: InboundMessage, roomId: string): Promise<void> {
  const data = await withEvent(parts, channel, roomId, message.metadata ?? EMPTY);
  let type = TYPES[message.eventType ?? 'message'] ?? 'custom';
  if (message.eventType === 'typing' && data['is_typing'] === false) type = 'typing_stop';
  if (message.eventType === 'presence') {
    const status = data['status'];
    if (status === 'online' || status === 'away' || status === 'offline') type = `presence_${status}`;
  }
  await publishEphemeral(parts, {
    id: parts.ids.next(),
    roomId,
    type,
    userId: message.senderId,
    channelId: channel.channelId,
    data,
    timestamp: isoTime(parts.clock.now()),
  });
}

/** A vendor names the message that a reaction or a receipt is about by its own id: listeners know the event (INB-25). */
async function withEvent(parts: KitParts, channel: Channel, roomId: string, metadata: Metadata): Promise<Metadata> {
  const target = metadata['target_external_id'];
  if (typeof target !== 'string' || metadata['event_id'] !== undefined) return { ...metadata };
  const eventId = await eventIdOf(parts, channel, roomId, target);
  return { ...metadata, ...(eventId !== undefined && { event_id: eventId }) };
}

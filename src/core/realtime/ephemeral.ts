/** Ephemeral events as plain data (EPH-02). */
import { isoTime, type Clock } from '../clock.js';
import type { IdGenerator } from '../ids.js';
import type { EphemeralEvent } from '../models/ephemeral.js';
import { EMPTY, type Metadata } from '../models/json.js';
import type { EphemeralEventType } from '../models/vocabulary.js';

interface Maker {
  readonly clock: Clock;
  readonly ids: IdGenerator;
}

function ephemeralEvent(
  maker: Maker,
  roomId: string,
  type: EphemeralEventType,
  userId: string,
  data: Metadata,
  channelId: string | undefined,
): EphemeralEvent {
  return { id: maker.ids.next(), roomId, type, userId, ...(channelId !== undefined && { channelId }), data, timestamp: isoTime(maker.clock.now()) };
}

export function typingEvent(maker: Maker, roomId: string, userId: string, isTyping: boolean, channelId?: string): EphemeralEvent {
  return ephemeralEvent(maker, roomId, isTyping ? 'typing_start' : 'typing_stop', userId, EMPTY, channelId);
}

/** Any status but online, away and offline travels as a custom event. */
export function presenceEvent(maker: Maker, roomId: string, userId: string, status: string, channelId?: string): EphemeralEvent {
  if (status === 'online' || status === 'away' || status === 'offline')
    return ephemeralEvent(maker, roomId, `presence_${status}`, userId, EMPTY, channelId);
  return ephemeralEvent(maker, roomId, 'custom', userId, { status }, channelId);
}

export function readReceiptEvent(maker: Maker, roomId: string, userId: string, eventId: string, channelId?: string): EphemeralEvent {
  return ephemeralEvent(maker, roomId, 'read_receipt', userId, { event_id: eventId }, channelId);
}

export function reactionEvent(
  maker: Maker,
  roomId: string,
  userId: string,
  eventId: string,
  emoji: string,
  action: 'add' | 'remove',
  channelId?: string,
): EphemeralEvent {
  return ephemeralEvent(maker, roomId, 'reaction', userId, { event_id: eventId, emoji, action }, channelId);
}

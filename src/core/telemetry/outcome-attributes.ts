/** What the span of a message says of what became of it; its words only where they may be recorded (TEL-06). */
import type { InboundResult } from '../models/delivery.js';
import type { Metadata } from '../models/json.js';
import { extractText } from '../rooms/visible-text.js';
import type { Tracer } from './tracer.js';

export function outcomeAttributes(tracer: Tracer, { event, blocked, duplicate }: InboundResult): Metadata {
  const content = event === undefined ? undefined : tracer.words(extractText(event));
  return {
    blocked,
    duplicate,
    ...(event !== undefined && { room_id: event.roomId, event_id: event.id }),
    ...(content !== undefined && { content }),
  };
}

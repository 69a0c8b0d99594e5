/** Typing, presence, receipts and reactions: heard now, never stored in the timeline (behaviour §20). */
import type { Metadata } from './json.js';
import type { EphemeralEventType } from './vocabulary.js';

/** Something heard now and never stored. `data` holds what its type needs, for example `event_id` or `emoji`. */
export interface EphemeralEvent {
  readonly id: string;
  readonly roomId: string;
  readonly type: EphemeralEventType;
  readonly userId: string;
  readonly channelId?: string;
  readonly data: Metadata;
  readonly timestamp: string;
}

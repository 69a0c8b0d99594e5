/** What the source and the provider of one connection share beside it. */
import type { Clock } from '../../core/clock.js';
import type { HeldMedia } from './held-media.js';
import type { Memory } from './memory.js';

export interface Shared {
  /** What has come and gone. */
  readonly memory: Memory;
  /** Files on their way into the media store. */
  readonly held: HeldMedia;
  readonly clock: Clock;
  /** Says that somebody is known by another address from now on (TRN-07). */
  moved?: (from: string, to: string) => Promise<void>;
}

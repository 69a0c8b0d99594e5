/**
 * One pass over everything that is due (OPS-06), for hosts that are called by a timer of their own: deliveries and turns whose
 * owner is gone, rooms whose timers have run out, approvals and later answers whose time is up.
 */
import { ValidationError } from '../errors.js';
import type { KitParts } from '../parts.js';
import { checkOptionNames, type OptionNames } from '../option-names.js';
import { untilQuiet } from './quiet.js';

/** How far a pass goes. */
export interface RecoverOptions {
  /**
   * How long to wait for what the pass has begun; default 0: it resolves as soon as everything is in its lanes. What has to wait
   * beyond this time, such as for its next attempt, is not waited for.
   */
  readonly maxSeconds?: number;
  /** Ends the waiting: the call rejects with its reason, and what has begun goes on. */
  readonly signal?: AbortSignal;
  /** Also removes media that no event shows any more, which looks through the media store: for once an hour or a day. Default false. */
  readonly media?: boolean;
}

/** What a pass has found. */
export interface RecoveryReport {
  /** Deliveries that were put into lanes of this process. */
  readonly deliveries: number;
  /** Turns that were. */
  readonly turns: number;
  /** Rooms that were paused or closed by their timers. */
  readonly rooms: number;
  /** Approvals and later answers that were ended because their time was up. */
  readonly expired: number;
  /** Media that were removed. */
  readonly media: number;
  /** Whether nothing is under way any more in this process, but for what waits for later. */
  readonly isDone: boolean;
  /** ISO time at which the earliest lease of another process or next attempt known to the pass ends; undefined when there is none. */
  readonly nextDueAt?: string;
}

/** The parts of a pass, as the kit has them. */
export interface RecoverySteps {
  claim(): Promise<{ readonly deliveries: number; readonly turns: number; readonly nextDueAt?: string | undefined }>;
  expire(): Promise<number>;
  sweepRooms(): Promise<readonly unknown[]>;
  sweepMedia(): Promise<number>;
}

const NAMES: OptionNames<RecoverOptions> = { maxSeconds: true, signal: true, media: true };

export async function recover(parts: KitParts, steps: RecoverySteps, options: RecoverOptions): Promise<RecoveryReport> {
  checkOptionNames('kit.recover', options, NAMES);
  const { maxSeconds = 0, signal, media = false } = options;
  if (typeof maxSeconds !== 'number' || !(maxSeconds >= 0) || !Number.isFinite(maxSeconds))
    throw new ValidationError(`maxSeconds is ${JSON.stringify(maxSeconds)}. Give a number of seconds of 0 or more; default 0.`);
  const untilMs = parts.clock.monotonic() + maxSeconds * 1000;
  signal?.throwIfAborted();
  const expired = await steps.expire();
  signal?.throwIfAborted();
  const rooms = (await steps.sweepRooms()).length;
  signal?.throwIfAborted();
  // Last, so that what the others have left to do is found.
  const { deliveries, turns, nextDueAt } = await steps.claim();
  signal?.throwIfAborted();
  const removed = media ? await steps.sweepMedia() : 0;
  const isDone = await untilQuiet(parts, untilMs, signal);
  return { deliveries, turns, rooms, expired, media: removed, isDone, ...(nextDueAt !== undefined && { nextDueAt }) };
}

/** What a turn lane works on: a turn with everything that is to be done with it, or turns the store still holds. */
import type { Target } from '../delivery/plan.js';
import type { Approval } from '../models/approval.js';
import type { TurnRow } from '../models/delivery.js';
import type { Task } from '../models/task.js';
import type { RoomEvent } from '../models/event.js';
import type { Cascade } from '../pipeline/cascade.js';
import type { SpanLink } from '../telemetry/provider.js';
import type { CallScope } from '../turn-scope.js';
import type { Collision } from './collision.js';
import type { RunningTurn } from './running-turn.js';

/** A turn that is to be run by this process. */
export interface TurnWork {
  row: TurnRow;
  /** The event it answers; of several the newest. */
  readonly trigger: RoomEvent;
  /** All it answers, oldest first; only where that is more than `trigger`. */
  triggers?: readonly RoomEvent[];
  readonly target: Target;
  readonly cascade: Cascade;
  /** What was the policy when its message came. */
  readonly collision: Collision;
  /** A crashed attempt is run again (TURN-03). */
  readonly recovered: boolean;
  /** When its message came, by the monotonic clock; set while it waits for what may follow. */
  arrivedAt?: number;
  /** It is not waited for more: what could be answered with it has joined it. */
  isGathered?: boolean;
  /** Turns that are answered with it: those who wait for them are told what it came to. */
  merged?: TurnWork[];
  /** The event that put an end to it (COL-04). */
  interruptedBy?: string;
  /** It has waited for people: what they have said (APR-04). */
  approvals?: readonly Approval[];
  /** Answers of tools that come later, until they are stored (LTR-01). */
  later?: readonly Task[];
  /** Set once the agent is asked. */
  running?: RunningTurn;
  /** The telemetry span of what has caused it, in this process; one that comes from the store has its row's trace instead (TEL-08). */
  causeSpan?: string | undefined;
  /** Its own: generations, and what becomes of its replies, nest under it (TEL-04). */
  span?: string | undefined;
  /** Of one that comes from the store: where the other messages it answers have come from (TEL-10). */
  links?: readonly SpanLink[];
  scope?: CallScope;
}

/** Turns that the store holds and the lane does not. */
export interface Backlog {
  readonly roomId: string;
  readonly channelId: string;
  /** What comes after this index is new, and comes by itself. */
  readonly upToIndex: number;
}

/** Whether both may be answered in one breath: an answer to one must not reach those who may not see the other's. */
export function canShareAnswer(one: TurnWork, other: TurnWork): boolean {
  return one.trigger.responseVisibility === other.trigger.responseVisibility;
}

/** All events the turn answers, oldest first. */
export function triggersOf(work: TurnWork): readonly RoomEvent[] {
  return work.triggers ?? [work.trigger];
}

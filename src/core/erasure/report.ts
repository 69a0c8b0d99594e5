/** How a person is erased, and what came of it, in figures (ERA-10). */

/** What an erasure does where it can be chosen. */
export interface EraseOptions {
  /**
   * Rooms in which the person was the only outsider. `everything` (default): all that was said there goes, agents' answers
   * included; `own`: their own words alone; `room`: the room is deleted.
   */
  readonly whereAlone?: 'everything' | 'own' | 'room';
  /** That they opted out stays known, by the address alone, so that nobody writes to them again. Default true. */
  readonly keepOptOuts?: boolean;
}

/** How much was erased; all zeros when nothing was there. */
export interface ErasureReport {
  /** Rooms in which something was changed. */
  rooms: number;
  /** Rooms that were deleted (`whereAlone: 'room'`). */
  roomsDeleted: number;
  /** Events that became tombstones. */
  events: number;
  /** Events of others in which something of the person was replaced. */
  mentions: number;
  participants: number;
  /** Bindings that reached the person and are gone. */
  bindings: number;
  /** Deliveries that were cancelled, or lost what they held of the person. */
  deliveries: number;
  turns: number;
  approvals: number;
  tasks: number;
  observations: number;
  /** Messages on hold. */
  held: number;
  /** Facts: codes that were asked for, and opt-outs where they are not kept. */
  facts: number;
  /** Files in the media store. */
  media: number;
  /** The identity, and those that were merged into it. */
  identities: number;
}

export function emptyReport(): ErasureReport {
  return {
    rooms: 0,
    roomsDeleted: 0,
    events: 0,
    mentions: 0,
    participants: 0,
    bindings: 0,
    deliveries: 0,
    turns: 0,
    approvals: 0,
    tasks: 0,
    observations: 0,
    held: 0,
    facts: 0,
    media: 0,
    identities: 0,
  };
}

/** A room: what joins people, agents and programs over any number of channels (behaviour §3.1). */
import type { AIConfig } from './ai.js';
import type { CollisionConfig } from './delivery.js';
import type { Metadata } from './json.js';
import type { AgentResponsePolicy, RoomStatus } from './vocabulary.js';

/** After how much silence a room pauses and closes (ROOM-07). Without them it does neither. */
export interface RoomTimers {
  /** Idle seconds after which an active room pauses. Counted from `lastActivityAt`. */
  readonly inactiveAfterSeconds?: number;
  /** Idle seconds after which the room closes. Counted from `lastActivityAt` too. */
  readonly closedAfterSeconds?: number;
  /** ISO time of the last message. */
  readonly lastActivityAt?: string;
}

/** A room as it is stored. Counters are the store's; everything else is changed through the kit. */
export interface Room {
  readonly id: string;
  readonly organizationId?: string;
  readonly status: RoomStatus;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly closedAt?: string;
  readonly timers: RoomTimers;
  readonly metadata: Metadata;
  readonly aiConfig?: AIConfig;
  /** Who reacts to what an agent says; default `agent_chain` (BC-03). */
  readonly agentResponsePolicy: AgentResponsePolicy;
  readonly collision?: CollisionConfig;
  /** Number of stored events. */
  readonly eventCount: number;
  /** Highest index ever given; −1 in a room without events. */
  readonly latestIndex: number;
  /** Grows by one with every write; a stale one is refused by `updateRoom` (STO-14). */
  readonly version: number;
}

/** What generations cost (§36): records, sums of them, and budgets. */
import type { Usage } from './ai.js';

/** One generation of one agent (USG-01). Kept with the turn it was made for, in the same commit. */
export interface UsageRecord {
  readonly roomId: string;
  /** The turn; of a summary, the one that it was begun beside. */
  readonly turnId: string;
  readonly agentId: string;
  readonly provider: string;
  readonly model: string;
  /** Tokens by kind, as the model reported them; empty when it reported none. */
  readonly tokens: Usage;
  readonly ms: number;
  /** In the currency of the host's prices; absent without a price, never 0 for want of one (USG-02). */
  readonly cost?: number;
  /** When it ended. */
  readonly at: string;
}

/** What several generations come to. */
export interface UsageTotal {
  readonly generations: number;
  readonly tokens: Usage;
  readonly ms: number;
  /** Of those that have a price; absent when none has. */
  readonly cost?: number;
  /** How many have no price: they are not in `cost`. */
  readonly unpriced: number;
}

/** The generations of one agent with one model. */
export interface UsageSum extends UsageTotal {
  readonly agentId: string;
  readonly provider: string;
  readonly model: string;
}

/** Which generations; everything given must hold. */
export interface UsageQuery {
  readonly roomId?: string;
  readonly agentId?: string;
  /** Default: the kit's, when it has one. */
  readonly organizationId?: string;
  /** ISO time, inclusive. */
  readonly from?: string;
  /** ISO time, exclusive. */
  readonly to?: string;
}

/** The sum of all that was asked for, and by agent, by model, and by both. */
export interface UsageReport extends UsageTotal {
  readonly byAgent: Readonly<Record<string, UsageTotal>>;
  readonly byModel: Readonly<Record<string, UsageTotal>>;
  /** One per agent, provider and model, by their names. */
  readonly rows: readonly UsageSum[];
}

/** At most so much. A number alone counts tokens: of the input, of the output, read from and written to a cache. */
export type UsageLimit = number | { readonly tokens?: number; readonly cost?: number };

/**
 * What may be used (USG-03). On an agent: by this agent, in one turn, in one room, on one day in all rooms. In a room's
 * `aiConfig`: in this room, by any one turn, by all agents, on one day. Days are those of UTC.
 */
export interface Budget {
  readonly turn?: UsageLimit;
  readonly room?: UsageLimit;
  readonly day?: UsageLimit;
}

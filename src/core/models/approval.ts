/** A tool call that a person has to allow before it runs (behaviour §33). */
import type { Metadata } from './json.js';

/** How an approval stands. Whatever follows `pending` is for good. */
export const ApprovalState = {
  PENDING: 'pending',
  APPROVED: 'approved',
  REJECTED: 'rejected',
  EXPIRED: 'expired',
  CANCELLED: 'cancelled',
} as const;
export type ApprovalState = (typeof ApprovalState)[keyof typeof ApprovalState];

/** One call that waits, or has waited, for a person: bound to its arguments, its room and those who may answer. */
export interface Approval {
  readonly id: string;
  readonly roomId: string;
  /** The turn that is suspended until it is answered. */
  readonly turnId: string;
  readonly callId: string;
  readonly agentId: string;
  readonly tool: string;
  /** What the model asked for. */
  readonly arguments: Metadata;
  readonly requestedAt: string;
  readonly expiresAt: string;
  /** Who may hear that it is asked for, and what came of it: a visibility as of events. */
  readonly visibility: string;
  /** Participant ids and roles. `tool`: the tool itself judges; absent: participants of role owner or agent, and the host. */
  readonly approvers?: readonly string[] | 'tool';
  /** The participants whose messages the turn answers. */
  readonly askedBy: readonly string[];
  readonly state: ApprovalState;
  readonly resolvedAt?: string;
  readonly resolvedBy?: string;
  /** Why it was rejected, or came to nothing. */
  readonly reason?: string;
  /** What runs in place of `arguments`, and who changed it. */
  readonly approvedArguments?: Metadata;
  readonly changedBy?: string;
}

/** As it is stored: with the key that signs the tokens of its buttons (APR-07). It leaves the store for nobody. */
export interface ApprovalRow extends Approval {
  readonly secret: string;
}

/** A turn that waits: how far its agent had come, in its own words, and what it has said so far. */
export interface SuspendedTurn {
  /** The agent's own record, JSON-safe; only the agent reads it. */
  readonly loop: Metadata;
  /** What was said before, in order. */
  readonly replyEventIds: readonly string[];
  readonly suspendedAt: string;
}

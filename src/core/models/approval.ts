/** A tool call that a person has to allow before it runs (behaviour §33). */
import type { Metadata } from './json.js';
import type { Participant } from './people.js';

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
  /** What its generations had cost, where they have a price (USG-03). */
  readonly cost?: number;
}

/** Who answers an approval, as a tool's `approvers` may judge it. */
export interface Approver {
  /** A participant's id, or whom the host names. */
  readonly id: string;
  /** Absent when the room knows no such participant: the host speaks. */
  readonly participant?: Participant;
}

/** A call that an agent may not make by itself: part of what it gives the kit when its turn has to wait. */
export interface ApprovalRequest {
  /** Made by the agent, so that its record can name it. */
  readonly id: string;
  readonly callId: string;
  readonly tool: string;
  readonly arguments: Metadata;
  /** Default `internal`. */
  readonly visibility?: string;
  readonly approvers?: Approval['approvers'];
  /** Default a day. */
  readonly expiresInSeconds?: number;
}

/** An agent's turn has to wait for people: how it goes on, and what for. */
export interface SuspendRequest {
  /** The agent's own record, JSON-safe; it comes back as `turn.resumed`. */
  readonly loop: Metadata;
  readonly approvals: readonly ApprovalRequest[];
}

/** A turn that has waited, and now goes on. */
export interface ResumedTurn {
  readonly loop: Metadata;
  /** What became of the calls it waited for. */
  readonly approvals: readonly Approval[];
}

/** A person's answer to an approval. */
export interface ApprovalAnswer {
  readonly approve: boolean;
  /** Who answers: a participant's id, or whom the host names. */
  readonly by: string;
  /** `by` speaks for himself: he has to be a participant of the room. Default false: the host answers for whom it names. */
  readonly isParticipant?: boolean;
  /** For the agent and for the record. */
  readonly reason?: string;
  /** What is to run in place of what was asked for; checked against the tool's schema. */
  readonly arguments?: Metadata;
}

/** What came of an answer. */
export interface ApprovalResult {
  /** `resolved`: this answer counts. `forbidden`: not by this person. */
  readonly status: 'resolved' | 'already_resolved' | 'expired' | 'forbidden' | 'not_found';
  /** As it is now; absent with `not_found`. */
  readonly approval?: Approval;
}

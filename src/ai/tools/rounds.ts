/** What is kept of a round of tool calls while some of them wait for people: JSON, readable by any process (APR-01). */
import type { AIToolCall } from '../../core/models/ai.js';
import type { Approval, ApprovalRequest } from '../../core/models/approval.js';
import { copyJson, type Metadata } from '../../core/models/json.js';
import type { TaskDraft } from '../../core/models/task.js';
import type { ImagePart } from './results.js';
import type { ToolApproval } from './tool-set.js';

/** What came of one call. */
export interface CallOutcome {
  readonly text: string;
  readonly images: readonly ImagePart[];
  readonly isError: boolean;
  readonly isEnd: boolean;
  /** Its answer comes later (LTR-01). */
  readonly later?: TaskDraft;
  /** A person has to allow it first. */
  readonly waitsFor?: ApprovalRequest;
}

/** A round that is not over. */
export interface RoundRecord {
  readonly calls: readonly AIToolCall[];
  /** In the order of the calls. */
  readonly outcomes: readonly (Omit<CallOutcome, 'waitsFor' | 'later'> | { readonly approvalId: string })[];
}

/** What a turn knows of its calls so far. */
export interface RunnerRecord {
  readonly asked: readonly (readonly [string, number])[];
  readonly ran: readonly (readonly [string, number])[];
  readonly kept: readonly string[];
}

export function recordOf(calls: readonly AIToolCall[], outcomes: readonly CallOutcome[]): RoundRecord {
  return {
    calls,
    outcomes: outcomes.map(({ waitsFor, later: _isKept, ...outcome }) => (waitsFor === undefined ? outcome : { approvalId: waitsFor.id })),
  };
}

export function requestOf(id: string, call: AIToolCall, args: Metadata, approval: ToolApproval): ApprovalRequest {
  const { approvers, visibility, expiresInSeconds } = approval;
  return {
    id,
    callId: call.id,
    tool: call.name,
    arguments: copyJson(args),
    ...(approvers !== undefined && { approvers: typeof approvers === 'function' ? 'tool' : approvers }),
    ...(visibility !== undefined && { visibility }),
    ...(expiresInSeconds !== undefined && { expiresInSeconds }),
  };
}

/** What the model is told of a call that was not allowed. */
export function whyNot(approval: Approval | undefined): string {
  const reason = approval?.reason === undefined ? '' : ` Their reason: ${approval.reason}`;
  switch (approval?.state) {
    case 'rejected':
      return `A person has rejected this call. It was not run.${reason}`;
    case 'expired':
      return 'Nobody allowed this call in time. It was not run.';
    default:
      return 'This call was cancelled before anybody allowed it. It was not run.';
  }
}

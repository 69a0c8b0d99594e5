/** A refusal in the Graph API's words. @see https://developers.facebook.com/docs/graph-api/guides/error-handling */
import { randomBytes } from 'node:crypto';

/** What is beside the message in a refusal. */
export interface GraphProblem {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly type?: string;
  readonly subcode?: number;
  /** In `error_data`, where WhatsApp says what is wrong with which field. */
  readonly details?: string;
}

export class GraphRefusal extends Error {
  constructor(readonly problem: GraphProblem) {
    super(problem.message);
  }
}

/** `(#100) …`, the refusal of a parameter. */
export function invalid(message: string, details?: string): GraphRefusal {
  return new GraphRefusal({ status: 400, code: 100, message: `(#100) ${message}`, ...(details !== undefined && { details }) });
}

/** The body of an answer that is a refusal. */
export function problemBody({ code, message, type = 'OAuthException', subcode, details }: GraphProblem, product: string | undefined): unknown {
  return {
    error: {
      message,
      type,
      code,
      ...(subcode !== undefined && { error_subcode: subcode }),
      ...(details !== undefined && { error_data: { ...(product !== undefined && { messaging_product: product }), details } }),
      fbtrace_id: `A${randomBytes(11).toString('base64url')}`,
    },
  };
}

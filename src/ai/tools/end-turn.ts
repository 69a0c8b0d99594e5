/** A tool's result that ends its caller's turn: after this round the model is not asked again (HND-08). */

const RESULT: unique symbol = Symbol('roomkit.end-turn');

/** What {@link endTurn} gives back; a tool returns it. */
export interface EndOfTurn {
  readonly [RESULT]: unknown;
}

/**
 * Wraps what a tool returns: the result is recorded like any other, the round's other calls run, and what the agent
 * said so far is its answer.
 */
export function endTurn(result: unknown): EndOfTurn {
  return Object.freeze({ [RESULT]: result });
}

/** Whether a tool asked to end the turn; gives the result it wrapped. */
export function endOfTurn(value: unknown): { readonly result: unknown } | undefined {
  if (typeof value !== 'object' || value === null || !(RESULT in value)) return undefined;
  return { result: (value as EndOfTurn)[RESULT] }; // checked in the line above
}

/** Matchers for vitest and others that take the same form: `expect.extend(conversationMatchers)`. */
import { extractText } from '../../core/rooms/visible-text.js';
import type { Conversation } from './conversation.js';
import { fitsText, fitsValue, shown, type ExpectedArguments, type ExpectedText } from './expected.js';

/** What a matcher finds. */
export interface MatcherResult {
  readonly pass: boolean;
  /** What to say when it is not as expected. */
  readonly message: () => string;
}

/** What `expect(conversation)` can say once the matchers are there. */
export interface ConversationMatchers<Result = unknown> {
  /** Some reply that the customer can see says this. To be awaited. */
  toHaveReplied(expected?: ExpectedText): Promise<Result>;
  /** Some agent called this tool, with these arguments among others. */
  toHaveCalledTool(tool: string, args?: ExpectedArguments): Result;
  /** The conversation went to this agent. */
  toHaveHandedOverTo(agentId: string): Result;
}

/**
 * Looks at all that has happened so far; nothing is taken.
 * @example
 * expect.extend(conversationMatchers);
 * await expect(talk).toHaveReplied(/Monday/);
 */
export const conversationMatchers = {
  /** Some reply that the customer can see says this. */
  async toHaveReplied(talk: Conversation, expected?: ExpectedText): Promise<MatcherResult> {
    const texts = (await talk.replies()).map((event) => extractText(event));
    return result(
      talk,
      texts.some((text) => fitsText(text, expected)),
      `reply: ${shown(expected)}`,
    );
  },
  /** Some agent called this tool, with these arguments among others. */
  toHaveCalledTool(talk: Conversation, tool: string, args: ExpectedArguments = {}): MatcherResult {
    const pass = talk.toolCalls.some((call) => call.tool === tool && fitsValue(call.arguments, args));
    return result(talk, pass, `call of ${tool}(${shown(args)})`);
  },
  /** The conversation went to this agent. */
  toHaveHandedOverTo(talk: Conversation, agentId: string): MatcherResult {
    return result(
      talk,
      talk.handoffs.some(({ to }) => to === agentId),
      `handoff to ${agentId}`,
    );
  },
};

function result(talk: Conversation, pass: boolean, what: string): MatcherResult {
  return { pass, message: () => `Expected ${pass ? 'no' : 'a'} ${what}.\n\nThe conversation:\n${talk.transcript()}\n` };
}

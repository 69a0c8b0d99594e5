/** In what servers differ that all speak chat completions. */

/** How much a model that reasons puts into an answer; not every model knows every word. */
export type ReasoningEffort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max';
export const REASONING_EFFORTS: readonly string[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

export interface ChatDialect {
  readonly model: string;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  /** The vendor's reasoning models have a developer, `max_completion_tokens`, and no temperature. */
  readonly reasons: boolean;
  /** How much effort to ask for; undefined leaves it to the server. */
  readonly effortOf: (hasTools: boolean) => ReasoningEffort | undefined;
  /** Whether tools whose schema qualifies are marked as strict (AIP-04). */
  readonly strictTools: boolean;
  /** Whether the tokens of a streamed answer are asked for. */
  readonly asksForUsage: boolean;
  /** Whether thoughts stand in the text between tags; `'begins'` when the answer begins with them, without an opening tag. */
  readonly thinkTags: boolean | 'begins';
  /** Whether a conversation that the assistant opened needs a word of the user before it. */
  readonly userBegins: boolean;
  /** Further fields of the body. */
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

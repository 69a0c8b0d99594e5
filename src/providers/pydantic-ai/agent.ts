/** An agent that is an object of the program instead of a server. */
import type { AIContext, AIMessage, AIResponse, AIStreamItem, Usage } from '../../core/models/ai.js';

/** What goes with a run. */
export interface PydanticAIRunOptions {
  /** What was said before the prompt, oldest first. */
  readonly messageHistory: readonly AIMessage[];
  /** The agent's prompt in the room; absent: none. */
  readonly instructions?: string;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

/** What a run gave. */
export interface PydanticAIRunResult {
  /** A text as it is; anything else is told as JSON. */
  readonly output: unknown;
  readonly usage?: Usage;
}

/** An object that answers as a Pydantic AI agent does. It runs its own tools. */
export interface PydanticAIAgent {
  /** The whole answer to a prompt. */
  run(prompt: string, options: PydanticAIRunOptions): PromiseLike<PydanticAIRunResult>;
  /** The answer piece by piece. */
  runStream(prompt: string, options: PydanticAIRunOptions): AsyncIterable<string>;
}

export async function runAgent(agent: PydanticAIAgent, context: AIContext, signal: AbortSignal): Promise<AIResponse> {
  const { prompt, options } = askOf(context, signal);
  const { output, usage } = await agent.run(prompt, options);
  const content = typeof output === 'string' ? output : (JSON.stringify(output) ?? '');
  return { content, finishReason: 'stop', ...(usage !== undefined && { usage }) };
}

export async function* streamAgent(agent: PydanticAIAgent, context: AIContext, signal: AbortSignal): AsyncGenerator<AIStreamItem, void> {
  const { prompt, options } = askOf(context, signal);
  for await (const text of agent.runStream(prompt, options)) {
    if (text !== '') yield { type: 'text_delta', text };
    signal.throwIfAborted(); // before the agent is asked to go on
  }
  yield { type: 'done', finishReason: 'stop' };
}

/** The prompt is the newest of the user's messages; what lies before it is history. */
function askOf(context: AIContext, signal: AbortSignal): { readonly prompt: string; readonly options: PydanticAIRunOptions } {
  const { messages, systemPrompt } = context;
  const at = messages.findLastIndex(({ role }) => role === 'user');
  const asked = messages[at];
  const content = asked?.content ?? '';
  const prompt = typeof content === 'string' ? content : content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
  return {
    prompt,
    options: { messageHistory: messages.slice(0, Math.max(at, 0)), signal, ...(systemPrompt !== undefined && { instructions: systemPrompt }) },
  };
}

/**
 * A model made of rules: it stands in for a real one so that the demo needs no account. It is an ordinary `AIProvider`
 * — it gets the same context, answers with the same tool calls and streams as a model would; put a real provider in its
 * place and nothing else changes.
 */
import type { AIContext, AIMessage, AIProvider, AIResponse, AIStreamItem, AIToolCall } from 'roomkit';

/** Decides what to say from what has been said. */
export type Script = (conversation: Conversation) => Answer;

export interface Answer {
  readonly say: string;
  /** Tools to call after saying it. */
  readonly call?: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

export interface Conversation {
  /** The customer's newest words: all of them that nobody has answered yet. */
  readonly said: string;
  /** Everything the customer has said, oldest first. */
  readonly customer: readonly string[];
  /** What this agent itself has said since it has the conversation. */
  readonly own: readonly string[];
  /** The last of it, which may have been a question. */
  readonly asked: string;
  /** What the tools called in this turn have answered, by name. */
  readonly results: ReadonlyMap<string, unknown>;
  /** Who handed the conversation to this agent, when that was just now. */
  readonly takenOverFrom: string | undefined;
}

export interface ScriptedProviderOptions {
  readonly name: string;
  readonly script: Script;
  /** Pause before the first word; default 350. */
  readonly thinkingMs?: number;
  /** Pause between words; default 28. */
  readonly wordMs?: number;
}

export class ScriptedProvider implements AIProvider {
  readonly name = 'scripted';
  readonly modelName: string;
  readonly supportsVision = false;
  readonly supportsStreaming = true;
  readonly supportsTools = true;
  #calls = 0;

  constructor(private readonly options: ScriptedProviderOptions) {
    this.modelName = `scripted-${options.name}`;
  }

  generate(context: AIContext): Promise<AIResponse> {
    const answer = this.#answer(context);
    const call = this.#toolCall(answer, context);
    return Promise.resolve({
      content: answer.say,
      toolCalls: call === undefined ? [] : [call],
      finishReason: call === undefined ? 'stop' : 'tool_calls',
      usage: usageOf(context, answer),
    });
  }

  async *generateStream(context: AIContext, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<AIStreamItem> {
    const answer = this.#answer(context);
    await pause(this.options.thinkingMs ?? 350, signal);
    for (const word of answer.say.match(/\S+\s*/g) ?? []) {
      yield { type: 'text_delta', text: word };
      await pause(this.options.wordMs ?? 28, signal);
    }
    const call = this.#toolCall(answer, context);
    if (call !== undefined) yield { type: 'tool_call', ...call };
    yield { type: 'done', finishReason: call === undefined ? 'stop' : 'tool_calls', usage: usageOf(context, answer) };
  }

  async close(): Promise<void> {}

  #answer(context: AIContext): Answer {
    const conversation = readConversation(context.messages);
    // After a handoff nothing more is said; that it is asked at all means that the handoff was refused.
    return conversation.results.has('handoff_conversation') ? NOBODY_THERE : this.options.script(conversation);
  }

  /** A model can only call what it is offered. */
  #toolCall(answer: Answer, context: AIContext): AIToolCall | undefined {
    const { call } = answer;
    if (call === undefined || !context.tools.some((tool) => tool.name === call.name)) return undefined;
    return { id: `call-${++this.#calls}`, name: call.name, arguments: call.arguments };
  }
}

const NOBODY_THERE: Answer = { say: 'I am sorry, I cannot reach anybody else at the moment. Please ask me again in a minute.' };

/** Sorts a model's messages into who said what. */
function readConversation(messages: readonly AIMessage[]): Conversation {
  const customer: string[] = [];
  let own: string[] = [];
  let results = new Map<string, unknown>();
  let takenOverFrom: string | undefined;
  let unanswered: string[] = [];
  const from = messages.map((message) => FROM.exec(textOf(message))?.[1]).find((name) => name !== undefined);
  for (const message of messages) {
    if (message.role === 'assistant') own.push(textOf(message));
    if (message.role === 'tool') results = new Map([...results, ...resultsOf(message)]);
    if (message.role === 'user') {
      const text = textOf(message);
      results = new Map(); // a new turn began
      const takesOver = text.includes(TAKEN_OVER);
      takenOverFrom = takesOver ? from : undefined;
      if (takesOver) own = [];
      const words = wordsOfCustomer(text);
      customer.push(...words.all);
      unanswered = words.unanswered;
    }
  }
  own = own.filter((text) => text !== '');
  const said = unanswered.length > 0 ? unanswered.join('\n') : (customer.at(-1) ?? '');
  return { said, customer, own, asked: own.at(-1) ?? '', results, takenOverFrom };
}

/** How the kit asks an agent to go on after a handoff. */
const TAKEN_OVER = 'You have just taken over this conversation';
/** What the memory tells the next agent (HandoffMemoryProvider). */
const FROM = /\[Context from previous agent \(([^)]+)\)\]/;
const NAMED_LINE = /^(Ada Park|Sam Okafor|mia|ben|tara): /;

/** Takes the customer's lines out of a text in which several people may speak, each line begun with a name (AI-04). */
function wordsOfCustomer(text: string): { readonly all: string[]; readonly unanswered: string[] } {
  const words: string[] = [];
  let answered = 0;
  let speaker = '';
  for (const line of text.split('\n')) {
    const name = NAMED_LINE.exec(line)?.[1];
    if (name !== undefined) speaker = name;
    const content = name === undefined ? line : line.slice(name.length + 2);
    if (content === '' || content.startsWith('[Context from previous agent') || content.startsWith(TAKEN_OVER)) continue;
    if (speaker !== '' && speaker !== 'Ada Park') {
      answered = words.length;
      continue;
    }
    // A message may have several lines.
    if (name === undefined && words.length > 0) words.push(`${words.pop() ?? ''}\n${content}`);
    else words.push(content);
  }
  return { all: words, unanswered: words.slice(answered) };
}

function textOf(message: AIMessage): string {
  if (typeof message.content === 'string') return message.content;
  return message.content
    .map((part) => (part.type === 'text' ? part.text : ''))
    .filter(Boolean)
    .join('\n');
}

function resultsOf(message: AIMessage): [string, unknown][] {
  if (typeof message.content === 'string') return [];
  return message.content.flatMap((part): [string, unknown][] => {
    if (part.type !== 'tool_result' || typeof part.result !== 'string') return [];
    try {
      return [[part.name, JSON.parse(part.result)]];
    } catch {
      return [[part.name, part.result]];
    }
  });
}

/** Rough figures, so that the timeline has something to show: a token is about four characters. */
function usageOf(context: AIContext, answer: Answer): Record<string, number> {
  const input = context.messages.reduce((sum, message) => sum + textOf(message).length, context.systemPrompt?.length ?? 0);
  return { input_tokens: Math.ceil(input / 4), output_tokens: Math.ceil(answer.say.length / 4) };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason as Error);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

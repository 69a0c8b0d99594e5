/** What a model is given for one generation, in figures: for the decision trace, which keeps no words (TEL-07). */
import type { AIContextPart, AIMessage, AITool } from '../core/models/ai.js';
import type { PromptPartTrace, PromptTrace } from '../core/models/trace.js';

export interface PromptParts {
  /** The agent's own prompt, or that of its room or binding. */
  readonly ownPrompt: string | undefined;
  /** The same with who the agent is. */
  readonly describedPrompt: string | undefined;
  /** All of it, as it is given. */
  readonly systemPrompt: string | undefined;
  readonly messages: readonly AIMessage[];
  /** How many of the first ones come from the memory's own words. */
  readonly remembered: number;
  /** Where what is answered begins. */
  readonly askedFrom: number;
  readonly tools: readonly AITool[];
}

/** Counted at once, so that no message is kept alive; put into words when somebody reads it. */
export class PromptFigures {
  readonly #own: number;
  readonly #identity: number;
  readonly #notes: number;
  readonly #tools: readonly AITool[];
  readonly #memory = new Sum();
  readonly #history = new Sum();
  readonly #asked = new Sum();
  readonly #work = new Sum();
  #images = 0;

  constructor({ ownPrompt, describedPrompt, systemPrompt, messages, remembered, askedFrom, tools }: PromptParts) {
    const all = systemPrompt?.length ?? 0;
    const described = Math.min(all, describedPrompt?.length ?? 0);
    this.#own = Math.min(described, ownPrompt?.length ?? 0);
    this.#identity = described - this.#own;
    this.#notes = all - described;
    this.#tools = tools;
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at];
      if (message === undefined) continue;
      const sum = at < remembered ? this.#memory : at < askedFrom ? this.#history : message.role === 'user' ? this.#asked : this.#work;
      sum.count++;
      sum.chars += this.#sizeOf(message.content);
    }
  }

  format(): PromptTrace {
    const tools = { count: this.#tools.length, chars: this.#tools.reduce((chars, tool) => chars + sizeOfTool(tool), 0) };
    const parts: PromptPartTrace[] = [];
    const add = (part: PromptPartTrace['part'], chars: number, count?: number): void => {
      if (chars > 0 || (count ?? 0) > 0) parts.push({ part, chars, ...(count !== undefined && { count }) });
    };
    add('own_prompt', this.#own);
    add('identity', this.#identity);
    add('notes', this.#notes);
    add('tools', tools.chars, tools.count);
    add('memory', this.#memory.chars, this.#memory.count);
    add('history', this.#history.chars, this.#history.count);
    add('asked', this.#asked.chars, this.#asked.count);
    add('work', this.#work.chars, this.#work.count);
    return { parts, images: this.#images, tools: this.#tools.map(({ name }) => name) };
  }

  #sizeOf(content: string | readonly AIContextPart[]): number {
    if (typeof content === 'string') return content.length;
    let chars = 0;
    for (const part of content) chars += this.#sizeOfPart(part);
    return chars;
  }

  #sizeOfPart(part: AIContextPart): number {
    switch (part.type) {
      case 'text':
      case 'thinking':
        return part.text.length;
      case 'image':
        this.#images++;
        return 0;
      case 'tool_call':
        return part.name.length + sizeOfJson(part.arguments);
      case 'tool_result':
        return this.#sizeOf(part.result);
    }
  }
}

class Sum {
  count = 0;
  chars = 0;
}

/** As a model reads of it. */
function sizeOfTool({ name, description, parameters }: AITool): number {
  return name.length + description.length + sizeOfJson(parameters ?? {});
}

/** What is no JSON fails where it is sent, not here. */
function sizeOfJson(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    return 0;
  }
}

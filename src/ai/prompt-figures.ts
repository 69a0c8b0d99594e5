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

/** Counted at once, so that no message is kept alive; put into words when somebody reads it. One flat object: there are many. */
export class PromptFigures {
  private readonly ownChars: number;
  private readonly identityChars: number;
  private readonly noteChars: number;
  private readonly memoryCount: number;
  private memoryChars = 0;
  private readonly historyCount: number;
  private historyChars = 0;
  private askedCount = 0;
  private askedChars = 0;
  private readonly workCount: number;
  private workChars = 0;
  private images = 0;
  private readonly tools: readonly AITool[];

  constructor({ ownPrompt, describedPrompt, systemPrompt, messages, remembered, askedFrom, tools }: PromptParts) {
    const all = systemPrompt === undefined ? 0 : systemPrompt.length;
    const described = describedPrompt === undefined ? 0 : Math.min(all, describedPrompt.length);
    this.ownChars = ownPrompt === undefined ? 0 : Math.min(described, ownPrompt.length);
    this.identityChars = described - this.ownChars;
    this.noteChars = all - described;
    this.tools = tools;
    this.memoryCount = Math.max(0, remembered);
    this.historyCount = askedFrom - this.memoryCount;
    let at = 0;
    let chars = 0;
    for (const { content } of messages) {
      if (at === this.memoryCount) {
        this.memoryChars = chars;
        chars = 0;
      }
      if (at === askedFrom) break;
      chars += typeof content === 'string' ? content.length : this.sizeOf(content);
      at++;
    }
    this.historyChars = chars;
    for (at = askedFrom; at < messages.length; at++) {
      const message = messages[at];
      if (message === undefined) continue;
      const size = typeof message.content === 'string' ? message.content.length : this.sizeOf(message.content);
      if (message.role === 'user') {
        this.askedCount++;
        this.askedChars += size;
      } else this.workChars += size;
    }
    this.workCount = messages.length - askedFrom - this.askedCount;
  }

  format(): PromptTrace {
    const { tools, images } = this;
    const parts: PromptPartTrace[] = [];
    const add = (part: PromptPartTrace['part'], chars: number, count?: number): void => {
      if (chars > 0 || (count ?? 0) > 0) parts.push({ part, chars, ...(count !== undefined && { count }) });
    };
    add('own_prompt', this.ownChars);
    add('identity', this.identityChars);
    add('notes', this.noteChars);
    add(
      'tools',
      tools.reduce((chars, tool) => chars + sizeOfTool(tool), 0),
      tools.length,
    );
    add('memory', this.memoryChars, this.memoryCount);
    add('history', this.historyChars, this.historyCount);
    add('asked', this.askedChars, this.askedCount);
    add('work', this.workChars, this.workCount);
    return { parts, images, tools: tools.map(({ name }) => name) };
  }

  private sizeOf(content: string | readonly AIContextPart[]): number {
    if (typeof content === 'string') return content.length;
    let chars = 0;
    for (const part of content) chars += this.sizeOfPart(part);
    return chars;
  }

  private sizeOfPart(part: AIContextPart): number {
    switch (part.type) {
      case 'text':
      case 'thinking':
        return part.text.length;
      case 'image':
        this.images++;
        return 0;
      case 'tool_call':
        return part.name.length + sizeOfJson(part.arguments);
      case 'tool_result':
        return this.sizeOf(part.result);
    }
  }
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

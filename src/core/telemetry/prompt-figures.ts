/** What a model was given for one generation, in figures: for the decision trace, which keeps no words (TEL-07). */
import type { AIContextPart, AITool, GivenPrompt } from '../models/ai.js';
import { EMPTY_LIST } from '../models/json.js';
import type { PromptPartTrace, PromptTrace } from '../models/trace.js';

/** Counted at once, so that no message is kept alive; put into words when somebody reads it. Written over like its step. */
export class PromptFigures {
  private ownChars = 0;
  private identityChars = 0;
  private noteChars = 0;
  private memoryCount = 0;
  private memoryChars = 0;
  private historyCount = 0;
  private historyChars = 0;
  private askedCount = 0;
  private askedChars = 0;
  private workCount = 0;
  private workChars = 0;
  private images = 0;
  private tools: readonly AITool[] = EMPTY_LIST;

  count({ ownPrompt, describedPrompt, systemPrompt, messages, remembered, askedFrom, tools }: GivenPrompt): void {
    const all = systemPrompt === undefined ? 0 : systemPrompt.length;
    const described = describedPrompt === undefined ? 0 : Math.min(all, describedPrompt.length);
    this.ownChars = ownPrompt === undefined ? 0 : Math.min(described, ownPrompt.length);
    this.identityChars = described - this.ownChars;
    this.noteChars = all - described;
    this.tools = tools;
    this.images = 0;
    this.memoryCount = Math.max(0, remembered);
    this.memoryChars = this.sizeOfSome(messages, 0, this.memoryCount);
    this.historyCount = askedFrom - this.memoryCount;
    this.historyChars = this.sizeOfSome(messages, this.memoryCount, askedFrom);
    this.askedCount = this.askedChars = this.workChars = 0;
    for (let at = askedFrom; at < messages.length; at++) {
      const message = messages[at];
      if (message === undefined) continue;
      const size = this.sizeOf(message.content);
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

  private sizeOfSome(messages: GivenPrompt['messages'], from: number, to: number): number {
    let chars = 0;
    for (let at = from; at < to; at++) {
      const content = messages[at]?.content;
      if (content !== undefined) chars += typeof content === 'string' ? content.length : this.sizeOf(content);
    }
    return chars;
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

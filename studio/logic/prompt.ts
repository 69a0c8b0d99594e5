/** What a model was given, as shares of one bar. */
import type { PromptTrace } from '../types.js';

export interface PromptShare {
  readonly part: PromptTrace['parts'][number]['part'];
  readonly label: string;
  readonly chars: number;
  /** `3 messages`, `2 tools`; empty where nothing is counted. */
  readonly count: string;
  /** Of all characters, in percent. */
  readonly percent: number;
}

const LABELS: Readonly<Record<PromptShare['part'], string>> = {
  own_prompt: 'Own prompt',
  identity: 'Who it is',
  notes: 'Notes',
  tools: 'Tools',
  memory: 'Memory',
  history: 'History',
  asked: 'What it answers',
  work: 'Its work so far',
};

export function sharesOf({ parts }: PromptTrace): PromptShare[] {
  const all = charsOf({ parts });
  return parts.map(({ part, chars, count }) => ({
    part,
    label: LABELS[part],
    chars,
    count: count === undefined ? '' : plural(count, part === 'tools' ? 'tool' : 'message'),
    percent: all === 0 ? 0 : (chars / all) * 100,
  }));
}

/** `1,204 characters in 5 messages, 2 tools, 1 image`. */
export function promptSummary(prompt: PromptTrace): string {
  const messages = prompt.parts.reduce((sum, { part, count }) => sum + (part === 'tools' ? 0 : (count ?? 0)), 0);
  return [
    `${charsOf(prompt).toLocaleString()} characters in ${plural(messages, 'message')}`,
    prompt.tools.length > 0 && plural(prompt.tools.length, 'tool'),
    prompt.images > 0 && plural(prompt.images, 'image'),
  ]
    .filter(Boolean)
    .join(', ');
}

function charsOf({ parts }: Pick<PromptTrace, 'parts'>): number {
  return parts.reduce((sum, { chars }) => sum + chars, 0);
}

function plural(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`;
}

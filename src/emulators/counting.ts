/** What an answer costs, and ids as vendors make them up. */
import { randomUUID } from 'node:crypto';
import { argumentsText, tokensOf, type ModelRequest, type ScriptedAnswer } from './script.js';

export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cached: number;
  readonly cacheWritten: number;
  readonly thinking: number;
}

/** What an answer costs: as scripted, else counted from the letters. */
export function tokensIn({ usage = {}, text = '', thinking = '', toolCalls = [] }: ScriptedAnswer, asked: ModelRequest): Tokens {
  const thought = usage.thinking ?? tokensOf(thinking);
  return {
    input: usage.input ?? tokensOf(JSON.stringify(asked.body)) + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0),
    output: usage.output ?? tokensOf(text) + thought + toolCalls.reduce((sum, call) => sum + 10 + tokensOf(argumentsText(call)), 0),
    cached: usage.cacheRead ?? 0,
    cacheWritten: usage.cacheWrite ?? 0,
    thinking: thought,
  };
}

export function idText(length: number): string {
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '').slice(0, length);
}

/** Answers of a vLLM server as its documentation has them (fixtures/, with their source and date). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import type { AIStreamItem } from '../../core/models/ai.js';
import { ToolNames } from '../_shared/ai/tool-names.js';
import { chatAnswerOf, chatItemsOf } from '../_shared/openai-chat/answer.js';

const FIXTURE = JSON.parse(readFileSync(new URL('./fixtures/reasoning.json', import.meta.url), 'utf8')) as {
  readonly response: unknown;
  readonly chunks: readonly unknown[];
  readonly chunksBefore011: readonly unknown[];
};
const reading = { provider: 'vllm', names: new ToolNames({ messages: [], tools: [], targetMediaTypes: [] }, 64), thinkTags: true } as const;

async function* inTurn(values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

async function textOf(chunks: readonly unknown[], type: AIStreamItem['type']): Promise<string> {
  let text = '';
  for await (const item of chatItemsOf(inTurn(chunks), reading)) if (item.type === type && 'text' in item) text += item.text;
  return text;
}

describe('a vLLM server whose model reasons', () => {
  it('is read as documented', () => {
    verifies('AIP-07');
    expect(chatAnswerOf(FIXTURE.response, reading)).toMatchObject({
      content: '9.8 is greater.',
      toolCalls: [],
      finishReason: 'stop',
      usage: { input_tokens: 18, output_tokens: 32 },
    });
  });

  it('is read as a stream as documented, today and before its version 0.11', async () => {
    verifies('AIP-07', 'STR-07');
    for (const chunks of [FIXTURE.chunks, FIXTURE.chunksBefore011]) {
      expect(await textOf(chunks, 'thinking_delta')).toBe('9.8 is 9.80, and 80 is more than 11.');
      expect(await textOf(chunks, 'text_delta')).toBe('9.8 is greater.');
    }
  });

  it('may number no calls, all alike, and give their arguments as objects', async () => {
    verifies('AIP-02', 'TL-01');
    const call = (more: object, name: string, args: unknown): unknown => ({
      choices: [{ delta: { tool_calls: [{ ...more, function: { name, arguments: args } }] } }],
    });
    const end = { choices: [{ delta: {}, finish_reason: 'stop' }] };
    const read = async (chunks: readonly unknown[]): Promise<unknown[]> => {
      const calls: unknown[] = [];
      for await (const item of chatItemsOf(inTurn([...chunks, end]), reading)) if (item.type !== 'text_delta') calls.push(item);
      return calls;
    };
    const both = [
      { type: 'tool_call', id: 'a', name: 'one', arguments: { n: 1 } },
      { type: 'tool_call', id: 'b', name: 'two', arguments: {} },
      { type: 'done', finishReason: 'tool_calls', metadata: {} },
    ];
    expect(await read([call({ id: 'a' }, 'one', '{"n":1}'), call({ id: 'b' }, 'two', '')])).toEqual(both);
    expect(await read([call({ id: 'a', index: 0 }, 'one', { n: 1 }), call({ id: 'b', index: 0 }, 'two', {})])).toEqual(both);
    const [nameless, other] = (await read([call({ index: 0 }, 'one', '{}'), call({ index: 1 }, 'two', '{}')])) as { id: string }[];
    expect(nameless?.id).toMatch(/^call_\w{32}$/);
    expect(other?.id).not.toBe(nameless?.id);
  });
});

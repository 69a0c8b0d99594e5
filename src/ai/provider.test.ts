import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import type { AIContext, AIStreamItem } from '../core/models/ai.js';
import { MockAIProvider, messageText } from './mock-provider.js';
import { streamFrom, type AIProvider } from './provider.js';
import { TestClock } from '../testing/test-clock.js';

const context: AIContext = { messages: [{ role: 'user', content: 'Hi' }], tools: [], targetMediaTypes: [] };

async function items(provider: AIProvider): Promise<AIStreamItem[]> {
  const all: AIStreamItem[] = [];
  for await (const item of streamFrom(provider, context)) all.push(item);
  return all;
}

describe('a provider', () => {
  it('that cannot stream is read as one delta, its tool calls, and done', async () => {
    verifies('AI-11');
    const provider = new MockAIProvider({
      script: [{ content: 'I look it up.', toolCalls: [{ id: 'c1', name: 'find', arguments: { number: 7 } }] }],
    });
    expect(await items(provider)).toEqual([
      { type: 'text_delta', text: 'I look it up.' },
      { type: 'tool_call', id: 'c1', name: 'find', arguments: { number: 7 } },
      { type: 'done', finishReason: 'tool_calls', usage: { input_tokens: 10, output_tokens: 5 } },
    ]);
  });

  it('that streams is read as it is', async () => {
    verifies('AI-11');
    const provider = new MockAIProvider({ streaming: true, responses: ['one two'] });
    expect(await items(provider)).toEqual([
      { type: 'text_delta', text: 'one' },
      { type: 'text_delta', text: ' two' },
      { type: 'done', finishReason: 'stop', usage: { input_tokens: 10, output_tokens: 5 } },
    ]);
  });
});

describe('MockAIProvider', () => {
  it('cycles its responses, after its script, and records what it was asked', async () => {
    const provider = new MockAIProvider({ responses: ['a', 'b'], script: [{ content: 'first', finishReason: 'length' }] });
    const said: string[] = [];
    for (let n = 0; n < 4; n++) said.push((await provider.generate(context)).content);
    expect(said).toEqual(['first', 'a', 'b', 'a']);
    expect(provider.calls).toHaveLength(4);
    expect(provider.calls[0]).toBe(context);
    expect(provider.callCount).toBe(4);
  });

  it('answers hello by default, with usage 10 and 5 and finish stop', async () => {
    expect(await new MockAIProvider().generate(context)).toEqual({
      content: 'Hello from AI',
      finishReason: 'stop',
      usage: { input_tokens: 10, output_tokens: 5 },
    });
  });

  it('computes its answer from what the model would see', async () => {
    const provider = new MockAIProvider({ responder: (seen) => `You said ${messageText(seen.messages.at(-1))}` });
    expect((await provider.generate(context)).content).toBe('You said Hi');
  });

  it('throws what its script says', async () => {
    await expect(new MockAIProvider({ script: [new Error('scripted')] }).generate(context)).rejects.toThrow('scripted');
  });

  it('streams pieces of a chosen size with a pause before each, and stops when aborted', async () => {
    const clock = new TestClock();
    const provider = new MockAIProvider({ streaming: true, responses: ['abcdef'], chunkSize: 2, delayMs: 100, clock });
    const abort = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const item of provider.generateStream(context, { signal: abort.signal })) if (item.type === 'text_delta') seen.push(item.text);
    })();
    const ended = expect(reading).rejects.toThrow();
    await clock.advance(100);
    expect(seen).toEqual(['ab']);
    await clock.advance(100);
    expect(seen).toEqual(['ab', 'cd']);
    abort.abort(new Error('enough'));
    await ended;
  });
});

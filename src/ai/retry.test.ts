import { describe, expect, it } from 'vitest';
import { AgentHarness, anEvent } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import { ProviderError } from '../core/errors.js';
import type { AIContext, AIStreamItem } from '../core/models/ai.js';
import type { AIChannelOptions } from './ai-channel-options.js';
import { AIChannel } from './ai-channel.js';
import { MockAIProvider } from './mock-provider.js';
import type { AIProvider } from './provider.js';

const busy = (retryAfterSeconds?: number): ProviderError =>
  new ProviderError('busy', { provider: 'mock', code: 'overloaded', retryable: true, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
const wrong = new ProviderError('wrong', { provider: 'mock', code: 'bad_request' });

function harnessOf(provider: AIProvider, options: Partial<AIChannelOptions> = {}): AgentHarness {
  return new AgentHarness(new AIChannel('agent', { provider, ...options }));
}

describe('a failed generation', () => {
  it('is tried again as the policy says, waiting as long as the vendor asks', async () => {
    verifies('AI-09');
    const provider = new MockAIProvider({ script: [busy(), busy(10)], responses: ['there'] });
    const harness = harnessOf(provider, { retryPolicy: { maxRetries: 2, baseDelaySeconds: 1 } });
    const asking = harness.ask();
    await harness.clock.advance(999);
    expect(provider.callCount).toBe(1);
    await harness.clock.advance(1);
    expect(provider.callCount).toBe(2);
    await harness.clock.advance(9999);
    expect(provider.callCount).toBe(2);
    await harness.clock.advance(1);
    expect((await asking).text).toBe('there');
    expect(harness.steps.map(({ code }) => code)).toEqual(['overloaded', 'overloaded', undefined]);
  });

  it('goes to the fallback when the policy is used up, for the rest of the turn', async () => {
    verifies('AI-09');
    const provider = new MockAIProvider({ script: [busy(), busy(), busy()] });
    const fallbackProvider = new MockAIProvider({ name: 'spare', model: 'spare-model', responses: ['from the spare'] });
    const harness = harnessOf(provider, { retryPolicy: { maxRetries: 1, baseDelaySeconds: 1 }, fallbackProvider });
    const asking = harness.ask();
    await harness.clock.advance(1000);
    const answer = await asking;
    expect(answer.text).toBe('from the spare');
    expect(provider.callCount).toBe(2);
    expect(answer.output.responseEvents?.[0]).toMatchObject({ source: { provider: 'spare' }, metadata: { model: 'spare-model' } });
  });

  it('streams from a fallback that cannot stream', async () => {
    verifies('AI-09', 'AI-11');
    const harness = harnessOf(new MockAIProvider({ streaming: true, script: [busy()] }), {
      fallbackProvider: new MockAIProvider({ responses: ['whole'], model: 'spare' }),
    });
    const answer = await harness.ask();
    expect(answer).toMatchObject({ text: 'whole', deltas: ['whole'], finish: { endReason: 'completed', metadata: { model: 'spare' } } });
  });

  it('that is not retryable ends the turn, and so does every one without policy and fallback', async () => {
    verifies('AI-09');
    for (const [error, options, code] of [
      [wrong, { retryPolicy: {}, fallbackProvider: new MockAIProvider() }, 'bad_request'],
      [new Error('unknown'), { retryPolicy: {}, fallbackProvider: new MockAIProvider() }, 'internal'],
      [busy(), {}, 'overloaded'],
    ] as const) {
      const provider = new MockAIProvider({ script: [error] });
      expect((await harnessOf(provider, options).ask()).output).toMatchObject({ responded: false, endReason: 'error', error: { code } });
      expect(provider.callCount).toBe(1);
    }
  });

  it('is narrowed by the codes of the policy', async () => {
    verifies('AI-09');
    const provider = new MockAIProvider({ script: [busy()] });
    const { output } = await harnessOf(provider, { retryPolicy: { retryableErrors: ['other'] } }).ask();
    expect(output.error?.code).toBe('overloaded');
    expect(provider.callCount).toBe(1);
  });

  it('of a stream is never tried again once it has yielded anything', async () => {
    verifies('AI-09');
    for (const item of [
      { type: 'text_delta', text: 'a' },
      { type: 'thinking_delta', text: 'a' },
    ] as const) {
      let asked = 0;
      const provider: AIProvider = {
        name: 'test',
        modelName: 'test',
        supportsVision: false,
        supportsStreaming: true,
        supportsTools: true,
        generate: () => Promise.reject(wrong),
        async *generateStream(): AsyncGenerator<AIStreamItem> {
          asked++;
          yield await Promise.resolve(item);
          throw busy();
        },
      };
      const answer = await harnessOf(provider, { retryPolicy: { baseDelaySeconds: 0 }, fallbackProvider: new MockAIProvider() }).ask();
      expect(asked).toBe(1);
      expect(answer.finish).toMatchObject({ endReason: 'error', error: { code: 'overloaded' } });
    }
  });

  it('stops waiting for its next attempt when the turn is aborted', async () => {
    verifies('TURN-02');
    const abort = new AbortController();
    const provider = new MockAIProvider({ script: [busy()] });
    const harness = harnessOf(provider, { retryPolicy: { baseDelaySeconds: 100 } });
    const asking = harness.ask('Hi', { signal: abort.signal });
    await harness.clock.advance(1000);
    abort.abort(new Error('stop'));
    expect((await asking).output.endReason).toBe('cancelled');
    expect(provider.callCount).toBe(1);
  });
});

describe('a history that does not fit the model', () => {
  const overflow = (): ProviderError => new ProviderError('too long', { provider: 'mock', code: 'context_overflow' });
  const history = ['a', 'b', 'c', 'd'].map((body, at) => anEvent(body, at % 2 === 0 ? {} : { channelId: 'agent' }));

  it('is halved once', async () => {
    const provider = new MockAIProvider({ script: [overflow()], responses: ['fits'] });
    expect((await harnessOf(provider).ask('now', { history })).text).toBe('fits');
    const words = (context: AIContext | undefined): unknown[] => context?.messages.map(({ content }) => content) ?? [];
    expect(words(provider.calls[0])).toEqual(['a', 'b', 'c', 'd', 'now']);
    expect(words(provider.calls[1])).toEqual(['c', 'd', 'now']);
    const stubborn = new MockAIProvider({ script: [overflow(), overflow()] });
    expect((await harnessOf(stubborn).ask('now', { history })).output.error?.code).toBe('context_overflow');
    expect(stubborn.callCount).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import { aborted, aCall, AgentHarness, anEvent, asks } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import { ProviderError } from '../core/errors.js';
import type { AIResponse, AIStreamItem, AITool } from '../core/models/ai.js';
import type { AIChannelOptions } from './ai-channel-options.js';
import { AIChannel } from './ai-channel.js';
import { MockAIProvider } from './mock-provider.js';
import type { AIProvider } from './provider.js';
import { TextSegments } from './segments.js';

const find: AITool = { name: 'find', description: '', handler: () => 'found' };

/** A model that says what the generator yields. */
function streaming(stream: (signal: AbortSignal | undefined) => AsyncIterable<AIStreamItem>): AIProvider {
  return {
    name: 'test',
    modelName: 'test-model',
    supportsVision: false,
    supportsStreaming: true,
    supportsTools: true,
    generate: (): Promise<AIResponse> => Promise.reject(new Error('not asked this way')),
    generateStream: (_context, options) => stream(options?.signal),
  };
}

function harnessOf(provider: AIProvider, options: Partial<AIChannelOptions> = {}): AgentHarness {
  return new AgentHarness(new AIChannel('agent', { provider, tools: [find], ...options }));
}

const delta = (text: string): AIStreamItem => ({ type: 'text_delta', text });
const done: AIStreamItem = { type: 'done', finishReason: 'stop', usage: { output_tokens: 3 } };

describe('a streamed answer', () => {
  it('comes piece by piece, with its figures at the end', async () => {
    verifies('AI-07');
    const harness = harnessOf(new MockAIProvider({ streaming: true, responses: ['one two three'] }));
    const answer = await harness.ask();
    expect(answer.deltas).toEqual(['one', ' two', ' three']);
    expect(answer.output.responseStream?.placeholder).toMatchObject({
      type: 'message',
      source: { channelId: 'agent', channelType: 'ai', direction: 'outbound', provider: 'mock' },
    });
    expect(answer.finish).toEqual({
      endReason: 'completed',
      usage: { input_tokens: 10, output_tokens: 5 },
      metadata: { ai_usage: { input_tokens: 10, output_tokens: 5 }, model: 'mock-model', end_reason: 'completed' },
    });
  });

  it('keeps the words before a tool apart by one blank line, streamed or not', async () => {
    verifies('STR-06');
    const script = [
      { content: 'Let me see. \n', toolCalls: [aCall('find', { n: 1 })] },
      { content: ' \n', toolCalls: [aCall('find', { n: 2 })] },
      '\n\nIt is shipped.\n',
    ];
    for (const isStreaming of [true, false]) {
      const answer = await harnessOf(new MockAIProvider({ streaming: isStreaming, script })).ask();
      expect(answer.text).toBe('Let me see.\n\nIt is shipped.\n');
    }
  });

  it('ends as cancelled when its reader leaves: the request is aborted and the generator returned to', async () => {
    verifies('STR-07', 'CON-08');
    let signal: AbortSignal | undefined;
    let returned = false;
    const harness = harnessOf(
      streaming(async function* (given) {
        signal = given;
        try {
          for (;;) yield delta('on ');
        } finally {
          returned = true;
        }
      }),
    );
    const answer = await harness.ask('Hi', { stopAfter: 2 });
    expect(answer.text).toBe('on on');
    expect(signal?.aborted).toBe(true);
    expect(returned).toBe(true);
    expect(answer.finish).toMatchObject({ endReason: 'cancelled', cancelled: true });
    expect(harness.channel.runningTurns).toBe(0);
  });

  it('stops a model that hangs when its reader leaves', async () => {
    verifies('STR-07');
    let signal: AbortSignal | undefined;
    const harness = harnessOf(
      streaming(async function* (given) {
        signal = given;
        yield delta('word');
        await new Promise(() => undefined);
      }),
    );
    const { turn, output } = await begin(harness);
    const reader = output[Symbol.asyncIterator]();
    expect((await reader.next()).value).toBe('word');
    const hanging = reader.next();
    await harness.clock.advance(0);
    await reader.return?.();
    expect(await hanging).toMatchObject({ done: true });
    expect(signal?.aborted).toBe(true);
    expect(turn()).toMatchObject({ cancelled: true });
    await harness.channel.close();
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('keeps what was said before the model failed, and reports the failure without its words', async () => {
    verifies('STR-05', 'TURN-07');
    const harness = harnessOf(
      streaming(async function* () {
        yield delta('half an ');
        yield delta('answer');
        await Promise.resolve();
        throw new ProviderError('Account acct_123 has no credit', { provider: 'test', code: 'quota' });
      }),
    );
    const answer = await harness.ask();
    expect(answer.text).toBe('half an answer');
    expect(answer.error).toBeInstanceOf(ProviderError);
    expect(answer.finish).toMatchObject({ endReason: 'error', error: { code: 'quota', channelId: 'agent' } });
    expect(JSON.stringify(answer.finish)).not.toContain('acct_123');
  });

  it('that breaks off without its end is an error', async () => {
    verifies('STR-05');
    const answer = await harnessOf(
      streaming(async function* () {
        yield await Promise.resolve(delta('half'));
      }),
    ).ask();
    expect(answer.finish?.error?.code).toBe('stream_interrupted');
  });

  it('ends as cancelled, not failed, when the turn is aborted', async () => {
    verifies('STR-05', 'TURN-02');
    const interrupt = new AbortController();
    let signal: AbortSignal | undefined;
    const harness = harnessOf(
      streaming(async function* (given) {
        signal = given;
        yield delta('word');
        await new Promise(() => undefined);
      }),
    );
    const asking = harness.ask('Hi', { signal: interrupt.signal });
    await harness.clock.advance(0);
    interrupt.abort(aborted());
    const answer = await asking;
    expect(signal?.aborted).toBe(true);
    expect(answer).toMatchObject({ text: 'word', error: undefined, finish: { endReason: 'cancelled', cancelled: true } });
    expect(answer.finish?.error).toBeUndefined();
  });

  it('that runs out of time posts what there is and says that it is partial', async () => {
    verifies('TL-08');
    const harness = harnessOf(
      streaming(async function* () {
        yield delta('word');
        await new Promise(() => undefined);
      }),
      { loopTimeoutSeconds: 5 },
    );
    const asking = harness.ask();
    await harness.clock.advance(5000);
    const answer = await asking;
    expect(answer).toMatchObject({
      text: 'word',
      error: undefined,
      finish: { endReason: 'timeout', metadata: { partial: true, end_reason: 'timeout' } },
    });
    expect(answer.finish?.cancelled).toBeUndefined();
  });

  it('that nobody begins to read asks no model and leaves nothing behind', async () => {
    const provider = new MockAIProvider({ streaming: true });
    const harness = harnessOf(provider);
    await begin(harness);
    expect(provider.calls).toHaveLength(0);
    expect(harness.channel.runningTurns).toBe(0);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('runs its tools like a plain one', async () => {
    verifies('TL-01');
    const provider = new MockAIProvider({ streaming: true, script: [asks(aCall('find')), 'Found.'] });
    const answer = await harnessOf(provider).ask();
    expect(answer.text).toBe('Found.');
    expect(provider.calls).toHaveLength(2);
  });
});

describe('thoughts', () => {
  const thinking = (text: string): AIStreamItem => ({ type: 'thinking_delta', text });

  it('go to the ephemeral bus alone, in handfuls of 80 ms or 256 characters', async () => {
    verifies('STR-07');
    let go: () => void = () => undefined;
    const harness = harnessOf(
      streaming(async function* () {
        yield thinking('first ');
        yield thinking('thoughts');
        await new Promise<void>((resolve) => {
          go = resolve;
        });
        yield thinking('x'.repeat(300));
        yield delta('Answer');
        yield thinking('last');
        yield done;
      }),
    );
    const asking = harness.ask();
    await harness.clock.advance(79);
    expect(harness.published).toHaveLength(0);
    await harness.clock.advance(1);
    expect(harness.published.map(({ data }) => data['text'])).toEqual(['first thoughts']);
    go();
    const answer = await asking;
    expect(answer.text).toBe('Answer');
    expect(harness.published.map(({ data }) => data['text'])).toEqual(['first thoughts', 'x'.repeat(300), 'last']);
    expect(new Set(harness.published.map(({ id }) => id)).size).toBe(3);
    expect(harness.published[0]).toMatchObject({ roomId: 'room', type: 'custom', userId: 'agent', data: { kind: 'thinking' } });
  });
});

describe('segments', () => {
  it('hold back white space until words follow, and drop it between segments', () => {
    verifies('STR-06');
    const segments = new TextSegments();
    expect([segments.push('  '), segments.push('a'), segments.push('\n'), segments.push('b \n')]).toEqual(['', '  a', '', '\nb']);
    segments.next();
    expect(segments.isCurrentEmpty).toBe(true);
    expect([segments.push('\n\n'), segments.push(' c')]).toEqual(['', '\n\nc']);
    segments.next();
    expect(segments.push(' ')).toBe('');
    expect(segments.end()).toBe('');
    expect(segments.text).toBe('  a\nb\n\nc');
  });

  it('are nothing when there were only blanks', () => {
    const segments = new TextSegments();
    expect(segments.push(' \n') + segments.end()).toBe('');
  });
});

async function begin(harness: AgentHarness): Promise<{ output: AsyncIterable<string>; turn: () => unknown }> {
  const { channel } = harness;
  const event = anEvent('Hi');
  const { context, own, turn } = harness.frame(event);
  const output = await channel.onEvent(event, own, context, { signal: new AbortController().signal, turn });
  const stream = output?.responseStream;
  if (stream === undefined) throw new Error('The agent did not stream.');
  return { output: stream.deltas, turn: stream.finish };
}

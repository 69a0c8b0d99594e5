import { describe, expect, it } from 'vitest';
import { aCall, AgentHarness, aRoom } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import type { AITool } from '../core/models/ai.js';
import { AIChannel } from './ai-channel.js';
import { messageText, MockAIProvider } from './mock-provider.js';
import type { SteeringDirective } from './steering.js';

/** An agent whose tool waits until it is let go. */
function waiting(streaming = false): { provider: MockAIProvider; channel: AIChannel; harness: AgentHarness; go: () => void } {
  const open: (() => void)[] = [];
  const wait: AITool = { name: 'wait', description: '', handler: () => new Promise((resolve) => open.push(() => resolve('waited'))) };
  const provider = new MockAIProvider({
    streaming,
    responder: (context) => (context.messages.some(({ role }) => role === 'tool') ? 'done' : { content: 'One moment.', toolCalls: [aCall('wait')] }),
  });
  const channel = new AIChannel('agent', { provider, tools: [wait], systemPrompt: 'Help.' });
  return {
    provider,
    channel,
    harness: new AgentHarness(channel),
    go: () => {
      for (const resolve of open.splice(0)) resolve();
    },
  };
}

describe('steering', () => {
  it('is heard before the next model call, in order', async () => {
    verifies('STE-02', 'STE-01');
    const { provider, channel, harness, go } = waiting();
    const asking = harness.ask('Hi', { turnId: 't1' });
    await harness.clock.advance(0);
    expect(channel.steer({ type: 'inject_message', content: 'And hurry.' }, { turnId: 't1' })).toBe(true);
    expect(channel.steer({ type: 'update_system_prompt', append: 'Be brief.' }, { roomId: 'room' })).toBe(true);
    expect(channel.steer({ type: 'inject_message', content: 'Please.' })).toBe(true);
    go();
    expect((await asking).text).toBe('One moment.\n\ndone');
    expect(provider.calls[0]?.systemPrompt).toBe('Help.');
    expect(provider.calls[1]?.systemPrompt).toBe('Help.\nBe brief.');
    expect(provider.calls[1]?.messages.at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'text', text: 'And hurry.' },
        { type: 'text', text: 'Please.' },
      ],
    });
  });

  it('is heard before the first model call too, and may end the turn before it', async () => {
    verifies('STE-02', 'STE-03');
    let remember: () => void = () => undefined;
    const provider = new MockAIProvider();
    const memory = {
      name: 'slow',
      retrieve: () =>
        new Promise<{ messages: []; events: [] }>((resolve) => {
          remember = () => resolve({ messages: [], events: [] });
        }),
    };
    const channel = new AIChannel('agent', { provider, memory });
    const harness = new AgentHarness(channel);
    const asking = harness.ask('Hi', { turnId: 't1' });
    await harness.clock.advance(0);
    channel.steer({ type: 'inject_message', content: 'early' }, { turnId: 't1' });
    remember();
    await asking;
    expect(messageText(provider.calls[0]?.messages.at(-1))).toBe('Hi\nearly');
    const cancelled = harness.ask('Hi', { turnId: 't2' });
    await harness.clock.advance(0);
    channel.steer({ type: 'cancel' }, { turnId: 't2' });
    expect((await cancelled).output).toEqual({ responded: false, endReason: 'cancelled' });
    expect(provider.calls).toHaveLength(1);
    expect(channel.runningTurns).toBe(0);
  });

  it('reaches the newest turn of its room and no other room', async () => {
    verifies('STE-01');
    const { provider, channel, harness, go } = waiting();
    const first = harness.ask('older', { turnId: 'a1', room: aRoom({ id: 'room-a' }) });
    const second = harness.ask('newest', { turnId: 'a2', room: aRoom({ id: 'room-a' }) });
    const other = harness.ask('b', { turnId: 'b1', room: aRoom({ id: 'room-b' }) });
    await harness.clock.advance(0);
    const directive: SteeringDirective = { type: 'inject_message', content: 'steered' };
    expect(channel.steer(directive, { roomId: 'room-a' })).toBe(true);
    expect(channel.steer(directive)).toBe(false);
    expect(channel.steer(directive, { roomId: 'room-b', turnId: 'a1' })).toBe(false);
    expect(channel.steer(directive, { roomId: 'room-c' })).toBe(false);
    expect(channel.steer(directive, { turnId: 'gone' })).toBe(false);
    go();
    await Promise.all([first, second, other]);
    const steered = provider.calls.filter(({ messages }) => messages.some((message) => messageText(message) === 'steered'));
    expect(steered.map(({ room, messages }) => [room?.id, messageText(messages[0])])).toEqual([['room-a', 'newest']]);
  });

  it('cancels at once: the tool is aborted, streamed words stay, words that nobody saw do not', async () => {
    verifies('STE-03');
    for (const streaming of [true, false]) {
      const { provider, channel, harness } = waiting(streaming);
      const asking = harness.ask('Hi', { turnId: 't1' });
      await harness.clock.advance(0);
      expect(channel.steer({ type: 'cancel', reason: 'user left' }, { turnId: 't1' })).toBe(true);
      const answer = await asking;
      if (streaming) {
        expect(answer).toMatchObject({ text: 'One moment.', error: undefined, finish: { endReason: 'cancelled', cancelled: true } });
        expect(answer.finish?.error).toBeUndefined();
      } else {
        expect(answer.output).toMatchObject({ responded: false, endReason: 'cancelled' });
        expect(answer.output.responseEvents).toBeUndefined();
      }
      expect(provider.calls).toHaveLength(1);
    }
  });

  it('is no fault of a tool that ends with its turn', async () => {
    verifies('STE-03');
    const wait: AITool = {
      name: 'wait',
      description: '',
      handler: (_args, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })),
    };
    const channel = new AIChannel('agent', { provider: new MockAIProvider({ script: [{ toolCalls: [aCall('wait')] }] }), tools: [wait] });
    const harness = new AgentHarness(channel);
    const asking = harness.ask('Hi', { turnId: 't1' });
    await harness.clock.advance(0);
    channel.steer({ type: 'cancel' }, { turnId: 't1' });
    expect((await asking).output.endReason).toBe('cancelled');
    expect(harness.warnings).toEqual([]);
  });

  it('is not carried over to the next turn', async () => {
    verifies('STE-04', 'STE-01');
    const provider = new MockAIProvider();
    const channel = new AIChannel('agent', { provider });
    const harness = new AgentHarness(channel);
    await harness.ask('a', { turnId: 't' });
    expect(channel.steer({ type: 'inject_message', content: 'belated' }, { turnId: 't' })).toBe(false);
    const { channel: busy, harness: room, go, provider: model } = waiting();
    const asking = room.ask('a', { turnId: 't' });
    await room.clock.advance(0);
    go();
    await room.clock.advance(0);
    await asking;
    busy.steer({ type: 'inject_message', content: 'belated' }, { turnId: 't' });
    const again = room.ask('b', { turnId: 't' });
    await room.clock.advance(0);
    go();
    await again;
    expect(JSON.stringify(model.calls)).not.toContain('belated');
    expect(busy.runningTurns).toBe(0);
  });

  it('takes no more than it can keep, and refuses what is no directive', async () => {
    verifies('CON-11');
    const { channel, harness, go } = waiting();
    const asking = harness.ask('Hi', { turnId: 't' });
    await harness.clock.advance(0);
    let taken = 0;
    while (channel.steer({ type: 'inject_message', content: 'more' }, { turnId: 't' }) && taken < 1000) taken++;
    expect(taken).toBe(100);
    expect(() => channel.steer(JSON.parse('{"type":"inject_message"}'))).toThrow(/cannot be used/);
    go();
    await asking;
  });

  it('ends every running turn when the channel closes', async () => {
    const { channel, harness, provider } = waiting();
    const asking = harness.ask('Hi');
    await harness.clock.advance(0);
    await channel.close();
    await channel.close();
    expect((await asking).output.endReason).toBe('cancelled');
    expect(provider.closed).toBe(true);
    expect(harness.clock.pendingTimers).toBe(0);
  });

  it('waits for nobody when none runs', () => {
    expect(waiting().channel.steer({ type: 'cancel' }, { roomId: 'room' })).toBe(false);
  });
});

/** Conversations that are played: what is expected comes or is missed, and the error shows what was said. */
import { afterEach, describe, expect, it } from 'vitest';
import { Agent, defineTool, MockAIProvider, ToolError, type ScriptedReply } from '../../ai/index.js';
import { HookResult } from '../../core/index.js';
import { AnthropicEmulator } from '../../emulators/index.js';
import { AnthropicAIProvider } from '../../providers/anthropic/index.js';
import { TestClock } from '../test-clock.js';
import { Conversation, type ConversationOptions } from './conversation.js';
import { conversationMatchers, type ConversationMatchers } from './matchers.js';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface Matchers<T> extends ConversationMatchers<void> {}
}

expect.extend(conversationMatchers);

const open: Conversation[] = [];
afterEach(async () => {
  for (const talk of open.splice(0)) await talk.close();
});
async function start(options: ConversationOptions): Promise<Conversation> {
  const talk = await Conversation.start(options);
  open.push(talk);
  return talk;
}

const lookUp = defineTool({
  name: 'look_up',
  description: 'Finds an order.',
  parameters: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] } as const,
  handler: ({ number }) => {
    if (number === '0') throw new ToolError('There is no order 0.');
    return { number, day: 'Monday' };
  },
});
const agent = (id: string, script: readonly ScriptedReply[]): Agent => new Agent(id, { provider: new MockAIProvider({ script }), tools: [lookUp] });
const call = (number: string) => ({ toolCalls: [{ id: number, name: 'look_up', arguments: { number, note: 'x' } }] });

async function failure(run: () => Promise<unknown>): Promise<string> {
  return run().then(
    () => expect.unreachable('this should fail'),
    (error: unknown) => (error as Error).message,
  );
}

describe('a conversation', () => {
  it('is played line by line: words, tools, silence', async () => {
    const talk = await start({ agents: [agent('support', ['Hello!', call('7'), 'It comes on Monday.'])] });
    await talk.customer.says('Hi');
    await talk.expectReply('Hello!', { from: 'support' });
    await talk.customer.says('Where is order 7?');
    const made = await talk.expectToolCall('look_up', { number: /^\d$/ }, { result: /Monday/, isError: false, from: 'support' });
    expect(made.arguments).toEqual({ number: '7', note: 'x' });
    await talk.expectReply(/Monday/);
    await talk.expectNoMoreReplies();
    expect(talk.transcript().split('\n')).toEqual([
      '   2  customer (customer): Hi',
      '   3  support: Hello!',
      '   4  customer (customer): Where is order 7?',
      '      support calls look_up({"number":"7","note":"x"}) → {"number":"7","day":"Monday"}',
      '   5  support: It comes on Monday.',
    ]);
  });

  it('goes from agent to agent', async () => {
    const handover = {
      toolCalls: [{ id: 'h', name: 'handoff_conversation', arguments: { target: 'billing', reason: 'paid twice', summary: 'Refund.' } }],
    };
    const talk = await start({
      agents: [agent('triage', [{ content: 'One moment.', ...handover }]), agent('billing', ['I shall pay it back.'])],
      stages: [
        { phase: 'triage', agentId: 'triage', next: 'billing' },
        { phase: 'billing', agentId: 'billing' },
      ],
    });
    await talk.customer.says('I paid twice');
    await talk.expectReply('One moment.', { from: 'triage' });
    expect(await talk.expectHandoff('billing', { from: 'triage', reason: /twice/ })).toEqual({ from: 'triage', to: 'billing', reason: 'paid twice' });
    await talk.customer.says('Well?');
    await talk.expectReply('I shall pay it back.', { from: 'billing' });
    expect(await failure(() => talk.expectHandoff('billing'))).toMatch(/^There was a handoff to billing expected, and there was triage → billing\./);
    expect(talk.transcript()).toContain('triage hands over to billing (paid twice)');
  });

  it('says what came in the place of what was expected, with the whole conversation', async () => {
    const talk = await start({ agents: [agent('support', [call('0'), 'No such order.'])] });
    await talk.customer.says('Where is order 0?');
    expect(await failure(() => talk.expectReply(/Monday/))).toMatch(
      /^There was a reply: \/Monday\/ expected, and the next one says “No such order\.”\.\n\nThe conversation:\n {3}2 {2}customer \(customer\): Where is order 0\?\n/,
    );
    expect(await failure(() => talk.expectReply(undefined, { from: 'billing' }))).toContain('the next one is of support');
    expect(await failure(() => talk.expectToolCall('look_up', { number: '7' }))).toContain('it was called with {"number":"0","note":"x"}');
    expect(await failure(() => talk.expectToolCall('refund'))).toContain('a call of refund({}) expected, and it was not called');
    expect(await failure(() => talk.expectToolCall('look_up', {}, { isError: false }))).toContain('expected that succeeds, and');
    expect(await failure(() => talk.expectNoMoreReplies())).toContain('support says “No such order.”');
    await talk.expectToolCall('look_up', { number: '0' }, { isError: true, result: /no order 0/ });
    expect(await failure(() => talk.expectToolCall('look_up'))).toContain('it was called with'); // each counts once
    await talk.expectReply('No such order.'); // what did not fit was not taken
    expect(await failure(() => talk.expectReply('More'))).toContain('none came');
  });

  it('shows only what the customer can see, and what was blocked', async () => {
    const talk = await start({
      agents: [agent('support', ['The code is 42.', 'Ask somebody else.'])],
      prepare: (kit) =>
        void kit.hook('before_broadcast', { name: 'secrets' }, (event) =>
          event.content.type === 'text' && event.content.body.includes('42') ? HookResult.block('secret') : HookResult.allow(),
        ),
    });
    await talk.customer.says('What is the code?');
    await talk.expectNoMoreReplies();
    expect(talk.transcript()).toContain('support [blocked by secrets]: The code is 42.');
    await talk.customer.says('Please');
    await talk.expectReply('Ask somebody else.');
  });

  it('lets time pass by hand, and says when something waits for it', async () => {
    const clock = new TestClock();
    const provider = new MockAIProvider({ responses: ['Done.'], delayMs: 3000, clock });
    const talk = await start({ agents: [new Agent('slow', { provider })], clock, patienceMs: 100 });
    await talk.customer.says('Go');
    expect(await failure(() => talk.expectReply('Done.'))).toContain('let time pass with talk.passes(seconds)');
    await talk.passes(3);
    await talk.expectReply('Done.');
  });

  it('is played by several people, on a kit of its own or yours', async () => {
    const first = await start({ agents: [agent('support', ['Hello both.', 'Yes?'])] });
    const { kit } = first;
    const olga = await first.person('olga', { channelId: 'desk' });
    await first.customer.says('Hi');
    await first.expectReply('Hello both.');
    await olga.says('I am here too', { metadata: { urgent: true } });
    await first.expectReply('Yes?');
    const second = await Conversation.start({ kit, roomId: 'other', channelId: 'desk' });
    await second.customer.says('Anybody?');
    await second.expectNoMoreReplies();
    await second.close();
    await kit.getRoom('other'); // the kit goes on
    await expect(Conversation.start({})).rejects.toThrow('needs somebody to talk to');
  });

  it('is played with a vendor’s model on its emulator', async () => {
    await using vendor = await AnthropicEmulator.start({ script: [{ toolCalls: [{ name: 'look_up', arguments: { number: '7' } }] }, 'On Monday.'] });
    const provider = new AnthropicAIProvider({ apiKey: 'test-key', model: 'test-model', baseUrl: vendor.url });
    const talk = await start({ agents: [new Agent('support', { provider, tools: [lookUp] })] });
    await talk.customer.says('Where is order 7?');
    await talk.expectToolCall('look_up', { number: '7' });
    await talk.expectReply(/Monday/);
  });

  it('has matchers, which take nothing away', async () => {
    const talk = await start({ agents: [agent('support', [call('7'), 'On Monday.'])] });
    await talk.customer.says('Where is order 7?');
    await talk.expectReply();
    await expect(talk).toHaveReplied(/Monday/);
    await expect(talk).not.toHaveReplied('Tuesday');
    expect(talk).toHaveCalledTool('look_up', { number: '7' });
    expect(talk).not.toHaveHandedOverTo('billing');
    expect(() => expect(talk).toHaveCalledTool('refund')).toThrow(/^Expected a call of refund\(\{\}\)\.\n\nThe conversation:\n/);
  });
});

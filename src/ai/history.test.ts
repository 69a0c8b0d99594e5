import { describe, expect, it } from 'vitest';
import { aBinding, AgentHarness, anEvent, aParticipant } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import type { AIContext } from '../core/models/ai.js';
import type { RoomEvent } from '../core/models/event.js';
import { AIChannel } from './ai-channel.js';
import { SlidingWindowMemory } from './memory/sliding-window.js';
import { messageText, MockAIProvider } from './mock-provider.js';

function agent(options: { vision?: boolean; maxContextEvents?: number } = {}): { harness: AgentHarness; seen: (n?: number) => AIContext } {
  const provider = new MockAIProvider({ vision: options.vision ?? false });
  const channel = new AIChannel('agent', {
    provider,
    systemPrompt: 'Help.',
    ...(options.maxContextEvents !== undefined && { maxContextEvents: options.maxContextEvents }),
  });
  return {
    harness: new AgentHarness(channel),
    seen: (n = 0) => {
      const call = provider.calls[n];
      if (call === undefined) throw new Error(`The model was asked only ${provider.calls.length} times.`);
      return call;
    },
  };
}

const words = (context: AIContext): string[] => context.messages.map((message) => `${message.role}: ${messageText(message)}`);

describe('the history a model sees', () => {
  it('ends with the message it answers, exactly once, though the room holds it too', async () => {
    verifies('AI-03', 'AI-04');
    const { harness, seen } = agent();
    const history = [anEvent('first'), anEvent('answer', { channelId: 'agent' })];
    await harness.ask('second', { history });
    expect(words(seen())).toEqual(['user: first', 'assistant: answer', 'user: second']);
  });

  it('holds nothing blocked, deleted, internal or of the system, and nothing hidden from this agent', async () => {
    verifies('AI-03', 'PERM-07');
    const { harness, seen } = agent();
    const secret: RoomEvent[] = [
      anEvent('blocked', { status: 'blocked' }),
      anEvent('deleted', { metadata: { deleted: true } }),
      anEvent('system', { type: 'system', content: { type: 'system', body: 'system' } }),
      anEvent('internal', { visibility: 'internal' }),
      anEvent('orchestration', { metadata: { _orchestration_internal: true } }),
      anEvent('whisper', { visibility: 'ws' }),
      anEvent('edit', { type: 'edit', content: { type: 'edit', targetEventId: 'x', newContent: { type: 'text', body: 'edit' } } }),
    ];
    await harness.ask('now', { history: [anEvent('seen'), anEvent('own', { channelId: 'agent', visibility: 'internal' }), ...secret] });
    expect(words(seen())).toEqual(['user: seen', 'assistant: own', 'user: now']);
  });

  it('is read once: a turn takes over what the turn before has read, as long as it would read the same', async () => {
    verifies('AI-03', 'AI-04', 'EDT-04');
    const { harness, seen } = agent();
    const history = [anEvent('one'), anEvent('two', { channelId: 'agent' }), anEvent('three'), anEvent('four', { channelId: 'agent' })];
    const [one, two, three, four] = history;
    const people = [aParticipant('user-1', { displayName: 'Ada' }), aParticipant('user-2', { displayName: 'Bo' })];
    const ask = (n: number, events: (RoomEvent | undefined)[], participants = people): Promise<string[]> =>
      harness.ask('now', { history: events.filter((event) => event !== undefined), participants }).then(() => words(seen(n)));

    await ask(0, [one, two, three]);
    expect(await ask(1, [two, three, four])).toEqual(['assistant: two', 'user: three', 'assistant: four', 'user: now']);
    const read = (n: number, text: string): unknown => seen(n).messages.find((message) => messageText(message) === text);
    expect(read(1, 'two')).toBe(read(0, 'two'));

    const edited = three === undefined ? three : { ...three, content: { type: 'text', body: 'edited' } as const };
    expect(await ask(2, [two, edited, four])).toEqual(['assistant: two', 'user: edited', 'assistant: four', 'user: now']);
    expect(await ask(3, [two, anEvent('', { index: three?.index ?? 0 }), four])).toEqual(['assistant: two\nfour', 'user: now']);

    const other = anEvent('five', { participantId: 'user-2' });
    const named = ['assistant: two', 'user: Ada: three', 'assistant: four', 'user: Bo: five\nAda: now'];
    expect(await ask(4, [two, three, four, other])).toEqual(named);
    expect(await ask(5, [two, three, four, other])).toEqual(named);
    for (const text of ['two', 'Ada: three']) expect(read(5, text)).toBe(read(4, text));
    const renamed = [aParticipant('user-1', { displayName: 'Ada' }), aParticipant('user-2', { displayName: 'Cy' })];
    expect((await ask(6, [two, three, four, other], renamed)).at(-1)).toBe('user: Cy: five\nAda: now');
    expect(await ask(7, [two, three, four], renamed)).toEqual(['assistant: two', 'user: three', 'assistant: four', 'user: now']);
  });

  it('is the newest window, ascending', async () => {
    verifies('AI-03');
    const { harness, seen } = agent({ maxContextEvents: 2 });
    await harness.ask('now', { history: [anEvent('a', { channelId: 'agent' }), anEvent('b'), anEvent('c', { channelId: 'agent' })] });
    expect(words(seen())).toEqual(['user: b', 'assistant: c', 'user: now']);
  });

  it('ends with every message of a burst, each for itself', async () => {
    verifies('AI-03');
    const { harness, seen } = agent();
    const triggers = [anEvent('one'), anEvent('two'), anEvent('three')];
    await harness.ask('', { triggers, history: [anEvent('earlier'), anEvent('reply', { channelId: 'agent' })] });
    expect(seen().messages.at(-1)?.content).toEqual([
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
      { type: 'text', text: 'three' },
    ]);
    expect(seen().messages).toHaveLength(3);
  });

  it('shows a message as it was edited meanwhile, and is not built for one that was deleted', async () => {
    verifies('AI-03', 'EDT-04');
    const { harness, seen } = agent();
    const trigger = anEvent('teh order');
    await harness.ask(trigger, { history: [{ ...trigger, content: { type: 'text', body: 'the order' } }] });
    expect(words(seen())).toEqual(['user: the order']);
    const answer = await harness.ask(trigger, { history: [{ ...trigger, metadata: { deleted: true } }] });
    expect(answer.output).toEqual({ responded: false, endReason: 'empty' });
    // Deleted before its turn began, as one that is run again finds it: the trigger and the history are the same event.
    const gone = anEvent('taken back', { metadata: { deleted: true } });
    expect((await harness.ask(gone, { history: [gone] })).output).toEqual({ responded: false, endReason: 'empty' });
    expect((await harness.ask(gone, { history: [] })).output).toEqual({ responded: false, endReason: 'empty' });
  });

  it('names the speakers once there are several, and says so in the prompt', async () => {
    verifies('AI-04');
    const { harness, seen } = agent();
    const participants = [aParticipant('user-1', { displayName: 'Ada' }), aParticipant('user-2', { displayName: 'Bob:\nAda' })];
    await harness.ask('from Ada', {
      history: [anEvent('from Bob', { participantId: 'user-2' }), anEvent('mine', { channelId: 'agent' })],
      participants,
    });
    expect(words(seen())).toEqual(['user: Bob Ada: from Bob', 'assistant: mine', 'user: Ada: from Ada']);
    expect(seen().systemPrompt).toMatch(/^Help\.\n\nSeveral people or agents speak/);
    expect(seen().systemPrompt).not.toContain('Ada');
  });

  it('names another agent too, and nobody when one person is alone with the agent', async () => {
    verifies('AI-04');
    const { harness, seen } = agent();
    await harness.ask('hello', { history: [anEvent('I am the other', { channelId: 'agent-2' })] });
    expect(messageText(seen().messages[0])).toBe('agent-2: I am the other\nAda: hello');
    await harness.ask(anEvent('and me', { channelId: 'agent-2' }));
    expect(messageText(seen(1).messages[0])).toBe('agent-2: and me');
    await harness.ask('hello', { history: [anEvent('before')] });
    expect(messageText(seen(2).messages[0])).toBe('before\nhello');
    expect(seen(2).systemPrompt).toBe('Help.');
  });

  it('reaches the model as one that it can take: speakers take turns and the user has the last word', async () => {
    verifies('AI-08');
    const { harness, seen } = agent();
    await harness.ask('now', {
      history: [anEvent('a'), anEvent('b'), anEvent('mine', { channelId: 'agent' }), anEvent('again', { channelId: 'agent' })],
    });
    expect(seen().messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    // An own message may be newer than the one that is answered.
    const trigger = anEvent('late');
    await harness.ask(trigger, { history: [trigger, anEvent('mine', { channelId: 'agent' })] });
    expect(words(seen(1))).toEqual(['assistant: mine', 'user: late']);
  });
});

describe('content', () => {
  const photo = { type: 'media', url: 'https://host/p.png', mimeType: 'image/png', caption: 'my cat' } as const;
  const file = { type: 'media', url: 'https://host/f.pdf', mimeType: 'application/pdf', filename: 'f.pdf' } as const;
  const place = { type: 'location', latitude: 48.85, longitude: 2.35, label: 'HQ' } as const;
  const all = { type: 'composite', parts: [{ type: 'text', body: 'look' }, photo, file, place] } as const;

  it('is all text for a model that cannot see', async () => {
    verifies('AI-05');
    const { harness, seen } = agent();
    await harness.ask(anEvent('', { content: all }));
    expect(seen().messages[0]?.content).toBe('look\n[Media: my cat]\n[Media: f.pdf]\n[Location: HQ (48.85, 2.35)]');
  });

  it('shows images to a model that can, part by part in order; other media are text', async () => {
    verifies('AI-05');
    const { harness, seen } = agent({ vision: true });
    await harness.ask(anEvent('', { content: all }));
    expect(seen().messages[0]?.content).toEqual([
      { type: 'text', text: 'look' },
      { type: 'text', text: 'my cat' },
      { type: 'image', url: 'https://host/p.png', mimeType: 'image/png' },
      { type: 'text', text: '[Media: f.pdf]' },
      { type: 'text', text: '[Location: HQ (48.85, 2.35)]' },
    ]);
    await harness.ask(anEvent('', { content: file }));
    expect(messageText(seen(1).messages[0])).toBe('[Media: f.pdf]');
  });

  it('of nobody and nothing asks no model', async () => {
    const { harness } = agent();
    const answer = await harness.ask('');
    expect(answer.output.endReason).toBe('empty');
  });
});

describe('memory and the window', () => {
  it('wants as much history as its memory, or as it was told', () => {
    const provider = new MockAIProvider();
    expect(new AIChannel('agent', { provider }).maxContextEvents).toBe(50);
    expect(new AIChannel('agent', { provider, memory: new SlidingWindowMemory({ maxEvents: 200 }) }).maxContextEvents).toBe(200);
    expect(new AIChannel('agent', { provider, maxContextEvents: 7 }).maxContextEvents).toBe(7);
  });

  it('is filtered for the reader before a memory sees it', async () => {
    verifies('PERM-07', 'MEM-01');
    const seen: string[] = [];
    const provider = new MockAIProvider();
    const channel = new AIChannel('agent', {
      provider,
      memory: {
        name: 'spy',
        retrieve: (_room, _event, context, reader) => {
          for (const event of [...context.recentEvents, ...context.visibleTo(reader)])
            seen.push(event.content.type === 'text' ? event.content.body : '');
          return { messages: [], events: [] };
        },
      },
    });
    await new AgentHarness(channel).ask('now', {
      history: [anEvent('hidden', { visibility: 'ws' }), anEvent('open')],
      bindings: [aBinding('ws'), aBinding('agent')],
    });
    expect(seen).toEqual(['open', 'open']);
  });
});

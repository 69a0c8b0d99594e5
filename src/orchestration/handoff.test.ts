import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { Agent, type AgentOptions } from '../ai/agent.js';
import { MockAIProvider } from '../ai/mock-provider.js';
import { HandoffMemoryProvider } from '../ai/memory/handoff.js';
import { SlidingWindowMemory } from '../ai/memory/sliding-window.js';
import type { Channel } from '../core/channel.js';
import { HookResult } from '../core/hooks/verdict.js';
import { RoomKit } from '../core/kit.js';
import { channelCapabilities } from '../core/models/capabilities.js';
import type { AIResponse } from '../core/models/ai.js';
import { getConversationState, type ConversationState } from '../core/models/conversation-state.js';
import type { RoomEvent } from '../core/models/event.js';
import type { SpeakingChannel } from '../core/speaking-channel.js';
import { TestClock } from '../testing/test-clock.js';
import { HandoffHandler, setupHandoff, type HandoffResult } from './handoff.js';
import { ConversationPipeline, type PipelineInstallOptions } from './pipeline.js';

const ROOM = 'room-1';

describe('HandoffHandler', () => {
  it('makes a bound agent active, moves to its phase and keeps what the next one must know', async () => {
    verifies('HND-01', 'HND-02', 'HND-05', 'HND-07', 'CST-01', 'CST-02');
    await using desk = await HelpDesk.open();
    const result = await desk.handOver('mia', 'ben', { reason: 'charged twice', summary: 'Order 12345' });

    expect(result).toMatchObject({ accepted: true, newAgentId: 'ben', newPhase: 'billing', reason: '' });
    const state = await desk.state();
    expect(state).toMatchObject({
      phase: 'billing',
      activeAgentId: 'ben',
      previousAgentId: 'mia',
      context: { handoff_from: 'mia', handoff_reason: 'charged twice', handoff_summary: 'Order 12345' },
    });
    expect(state.phaseHistory.at(-1)).toMatchObject({
      fromPhase: 'triage',
      toPhase: 'billing',
      metadata: { summary: 'Order 12345', channel_escalation: 'same' },
    });
    const notice = (await desk.timeline()).at(-1);
    expect(notice).toMatchObject({
      type: 'system',
      visibility: 'internal',
      metadata: { handoff: true, from_agent: 'mia', to_agent: 'ben', summary: 'Order 12345', reason: 'charged twice', _orchestration_internal: true },
    });
    expect(desk.heard.some((event) => event.id === notice?.id)).toBe(false);
  });

  it('needs only a target when a program calls it, tolerates an unbound caller, and refuses what is no handoff', async () => {
    verifies('HND-07');
    await using desk = await HelpDesk.open();
    expect((await desk.handOver('crm-robot', 'ben')).accepted).toBe(true);
    expect((await desk.state()).context).toMatchObject({ handoff_from: 'crm-robot', handoff_reason: '', handoff_summary: '' });
    await expect(desk.handoff.handle({ roomId: ROOM, callingAgentId: 'mia', arguments: { target: '' } })).rejects.toThrow(/needs a target/);
  });

  it('looks up aliases first, and refuses who is not an agent of the room without changing anything', async () => {
    verifies('HND-01');
    await using desk = await HelpDesk.open({ agentAliases: { money: 'ben' } });
    const before = await desk.state();
    for (const target of ['nobody', 'web']) {
      expect(await desk.handOver('mia', target)).toMatchObject({ accepted: false, reason: `Agent ${target} not found in room` });
    }
    expect(await desk.state()).toEqual(before);
    expect(desk.notices).toEqual([
      ['on_handoff_rejected', 'nobody', false],
      ['on_handoff_rejected', 'web', false],
    ]);
    expect(await desk.handOver('mia', 'money')).toMatchObject({ accepted: true, newAgentId: 'ben' });
  });

  it('keeps to the transitions of the pipeline and names both phases when it refuses', async () => {
    verifies('HND-02', 'HND-03', 'PIP-02');
    await using desk = await HelpDesk.open();
    await desk.handOver('mia', 'ben');
    const refused = await desk.handOver('ben', 'tara');
    expect(refused.accepted).toBe(false);
    expect(refused.reason).toMatch(/billing.*technical/);
    expect((await desk.handOver('ben', 'mia')).newPhase).toBe('triage');
    expect(await desk.handOver('mia', 'ben', { next_phase: 'technical' })).toMatchObject({ accepted: true, newPhase: 'technical' });
  });

  it('falls back to the phase "handling" where no pipeline knows the agent', async () => {
    verifies('HND-02');
    await using desk = await HelpDesk.open();
    const handler = new HandoffHandler(desk.kit);
    expect(await handler.handle({ roomId: ROOM, callingAgentId: 'mia', arguments: { target: 'tara' } })).toMatchObject({ newPhase: 'handling' });
  });

  it('F55 handoff_human_from_terminal_stage: is accepted, and no agent answers until it is handed back', async () => {
    verifies('HND-02', 'HND-03', 'HND-04');
    await using desk = await HelpDesk.open();
    await desk.handOver('mia', 'tara');
    expect(await desk.handOver('tara', 'human')).toMatchObject({ accepted: true, newAgentId: 'human', newPhase: 'escalation' });
    expect(await desk.state()).toMatchObject({ activeAgentId: null, context: { handled_by: 'human' } });

    await desk.say('Anybody there?');
    expect(desk.callCounts()).toEqual({ mia: 0, ben: 0, tara: 0 });

    await desk.handOver('human', 'mia');
    await desk.say('Hello again');
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 0, tara: 0 });
    expect((await desk.state()).context['handled_by']).toBeUndefined();

    await desk.handOver('mia', 'human', { next_phase: 'triage' });
    await desk.kit.setActiveAgent(ROOM, 'ben');
    await desk.say('And now?');
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 1, tara: 0 });
  });

  it('bounds what a model writes into the state', async () => {
    verifies('HND-05');
    await using desk = await HelpDesk.open();
    await desk.handOver('mia', 'ben', { summary: 'x'.repeat(3999) + '🙂🙂', reason: 'y'.repeat(5000) });
    const { context } = await desk.state();
    expect(context['handoff_summary']).toBe('x'.repeat(3999));
    expect(context['handoff_reason']).toHaveLength(4000);
  });

  it('tells the hooks in order, outside the lock, and then its completion callback', async () => {
    verifies('HND-08');
    const completed: HandoffResult[] = [];
    await using desk = await HelpDesk.open({ onComplete: (result) => void completed.push(result) });
    desk.kit.hook('on_handoff', async () => {
      // Were the lock still held, this would wait for ever.
      await desk.kit.updateRoomMetadata(ROOM, { seen: true });
      await desk.kit.mute(ROOM, 'tara');
    });
    await desk.handOver('mia', 'ben');
    expect(desk.notices).toEqual([
      ['on_handoff', 'ben', true],
      ['on_phase_transition', 'ben', true],
    ]);
    expect(completed).toMatchObject([{ accepted: true, newAgentId: 'ben' }]);
  });

  it('accepts a handoff to oneself, announces it, and counts none', async () => {
    verifies('HND-06');
    await using desk = await HelpDesk.open({ maxHandoffs: 0 });
    expect((await desk.handOver('mia', 'mia')).accepted).toBe(true);
    expect((await desk.state()).handoffCount).toBe(desk.initialHandoffCount);
    expect(desk.notices).toEqual([
      ['on_handoff', 'mia', true],
      ['on_phase_transition', 'mia', true],
    ]);
  });

  it('refuses more than maxHandoffs of a room within a minute, and allows them again later', async () => {
    verifies('HND-06');
    await using desk = await HelpDesk.open({ maxHandoffs: 2 });
    await desk.handOver('mia', 'ben');
    await desk.handOver('ben', 'mia');
    expect(await desk.handOver('mia', 'ben')).toMatchObject({ accepted: false, reason: 'handoff_limit' });
    await desk.clock.advance(60_000);
    expect((await desk.handOver('mia', 'ben')).accepted).toBe(true);
  });

  it('F34 handoff_at_bad_moments: twice at once, the second is judged against the state the first left', async () => {
    verifies('HND-09');
    await using desk = await HelpDesk.open();
    const [first, second] = await Promise.all([desk.handOver('mia', 'ben'), desk.handOver('mia', 'tara')]);
    expect(first.accepted).toBe(true);
    expect(second).toMatchObject({ accepted: false });
    expect(second.reason).toMatch(/billing.*technical/);
    expect(await desk.state()).toMatchObject({ activeAgentId: 'ben', phase: 'billing' });
  });

  it('F34 handoff_at_bad_moments: in a paused room it works, in a closed one not', async () => {
    verifies('ROOM-04');
    await using desk = await HelpDesk.open();
    await desk.kit.store.updateRoom({ ...(await desk.kit.getRoom(ROOM)), status: 'paused' });
    expect((await desk.handOver('mia', 'ben')).accepted).toBe(true);
    await desk.kit.closeRoom(ROOM);
    expect((await desk.handOver('ben', 'mia')).accepted).toBe(false);
  });

  it('ends the caller’s turn after the tool call, without asking its model again', async () => {
    verifies('HND-08', 'HND-12');
    await using desk = await HelpDesk.open({}, { mia: [handOverTo('ben', 'Let me bring in Ben.')] });
    await desk.say('I was charged twice');
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 0, tara: 0 });
    expect(desk.words()).toEqual(['Let me bring in Ben.']);
    await desk.say('Order 12345');
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 1, tara: 0 });
  });

  it('tells the model why it was refused and lets it go on', async () => {
    verifies('HND-01');
    await using desk = await HelpDesk.open({}, { mia: [handOverTo('nobody', ''), { content: 'I will help you myself.' }] });
    await desk.say('Hello');
    expect(desk.callCounts().mia).toBe(2);
    expect(desk.words()).toEqual(['I will help you myself.']);
    expect(JSON.stringify(desk.models.mia.calls[1]?.messages.at(-1))).toMatch(/enum|not found in room|one of/);
  });

  it('lets the new agent answer at once when asked to, after the leaving one’s last words', async () => {
    verifies('HND-12');
    await using desk = await HelpDesk.open(
      { continueOnHandoff: true },
      { mia: [handOverTo('ben', 'Let me bring in Ben.')], ben: [{ content: 'Ben here.' }] },
    );
    await desk.say('I was charged twice');
    expect(desk.words()).toEqual(['Let me bring in Ben.', 'Ben here.']);
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 1, tara: 0 });
    expect(desk.heard.some((event) => JSON.stringify(event.content).includes('just taken over'))).toBe(false);
  });

  it('lets the agent a person hands back to answer at once, without a word to people', async () => {
    verifies('HND-12', 'HND-04');
    await using desk = await HelpDesk.open({ continueOnHandoff: true });
    await desk.handOver('mia', 'human');
    await desk.handOver('human', 'ben');
    await desk.kit.drain();
    expect(desk.words()).toEqual(['ben answers.']);
  });

  it('keeps the router’s stamps in the timeline and away from channels and models', async () => {
    verifies('ORC-02');
    await using desk = await HelpDesk.open();
    await desk.say('Hello');
    const reply = (await desk.timeline()).at(-1);
    expect(reply?.metadata['_routed_to']).toBe('_none_');
    expect(Object.keys(desk.heard.at(-1)?.metadata ?? {})).not.toContain('_routed_to');
    expect(JSON.stringify(desk.models.mia.calls[0]?.messages)).not.toContain('_routed_to');
  });

  it('refuses the handoff too many in what one user message set in motion', async () => {
    verifies('HND-06');
    const forward = (from: 'mia' | 'ben'): AIResponse => handOverTo(from === 'mia' ? 'ben' : 'mia', `${from} passes on.`);
    await using desk = await HelpDesk.open(
      { continueOnHandoff: true, maxHandoffsPerMessage: 2 },
      { mia: [forward('mia'), forward('mia'), { content: 'I keep it.' }], ben: [forward('ben')] },
    );
    await desk.say('Hello');
    expect(desk.words()).toEqual(['mia passes on.', 'ben passes on.', 'mia passes on.\n\nI keep it.']);
    expect((await desk.state()).activeAgentId).toBe('mia');
    // The next message counts anew.
    expect(desk.notices.filter(([trigger]) => trigger === 'on_handoff_rejected')).toHaveLength(1);
  });

  it('greets in text with the new agent’s own greeting, when it has one', async () => {
    verifies('PIP-03', 'HND-11');
    await using desk = await HelpDesk.open({ greetOnHandoff: true }, { mia: [handOverTo('ben', 'Let me bring in Ben.')] });
    await desk.say('I was charged twice');
    expect(desk.words()).toEqual(['Let me bring in Ben.', 'Ben from billing here.']);
    await desk.handOver('ben', 'mia');
    expect(desk.words()).toHaveLength(2);
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 0, tara: 0 });
  });

  it('sends a greeting when asked to, and nothing without agent, greeting or channel', async () => {
    verifies('HND-11');
    await using desk = await HelpDesk.open();
    expect(await desk.handoff.sendGreeting(ROOM)).toBe(false); // mia has none
    await desk.handOver('mia', 'ben');
    expect(await desk.handoff.sendGreeting(ROOM, { channelId: 'no-such-channel' })).toBe(false);
    expect(await desk.handoff.sendGreeting(ROOM)).toBe(true);
    expect(desk.words()).toEqual(['Ben from billing here.']);
    await desk.handOver('ben', 'human');
    expect(await desk.handoff.sendGreeting(ROOM)).toBe(false);
  });

  it('stores the room’s language, which the agents then answer in', async () => {
    verifies('HND-11', 'AGT-02');
    await using desk = await HelpDesk.open();
    await desk.handoff.setLanguage(ROOM, 'French');
    expect((await desk.state()).context['language']).toBe('French');
    await desk.handOver('mia', 'ben');
    await desk.say('Bonjour');
    expect(desk.models.ben.calls[0]?.systemPrompt).toContain('Language: Always respond in French');
    expect(await desk.timeline()).toHaveLength((await desk.kit.getRoom(ROOM)).eventCount);
    await expect(desk.handoff.setLanguage(ROOM, ' ')).rejects.toThrow(/cannot be used/);
  });

  it('is set up once per agent, and answers a call without a room with an error', async () => {
    verifies('HND-10', 'PIP-03');
    await using desk = await HelpDesk.open();
    expect(() => setupHandoff(desk.agents.mia, desk.handoff)).toThrow(/already/);
    expect(() => desk.pipeline.install(desk.kit, Object.values(desk.agents))).toThrow(/already/);
    let handler: ((args: Record<string, unknown>, context: never) => unknown) | undefined;
    setupHandoff({ channelId: 'x', addTool: (tool) => (handler = tool.handler as typeof handler) }, desk.handoff);
    expect(await handler?.({ target: 'ben' }, undefined as never)).toEqual({ error: expect.stringContaining('without a room') as string });
  });

  it('leaves the agent’s own tools and their handler as they were', async () => {
    verifies('HND-10');
    const asked: string[] = [];
    const lookUp: AIResponse = { content: '', toolCalls: [{ id: 'call-1', name: 'look_up', arguments: {} }] };
    await using desk = await HelpDesk.open(
      {},
      { mia: [lookUp, handOverTo('ben', 'Let me bring in Ben.')] },
      {
        mia: {
          tools: [{ name: 'look_up', description: 'Looks up' }],
          toolHandler: (name) => {
            asked.push(name);
            return { found: true };
          },
        },
      },
    );
    await desk.say('Hello');
    expect(asked).toEqual(['look_up']);
    expect((await desk.state()).activeAgentId).toBe('ben');
  });

  it('F34 handoff_at_bad_moments: beside a slow tool, both results are kept and the turn ends', async () => {
    verifies('HND-08', 'HND-12');
    let finish: (() => void) | undefined;
    const slow = new Promise<string>((resolve) => (finish = () => resolve('looked up')));
    const both = handOverTo('ben', 'One moment.');
    await using desk = await HelpDesk.open(
      {},
      { mia: [{ ...both, toolCalls: [{ id: 'slow', name: 'look_up', arguments: {} }, ...(both.toolCalls ?? [])] }] },
      {
        mia: { tools: [{ name: 'look_up', description: 'Looks up', handler: () => slow }] },
      },
    );
    desk.kit.hook('on_handoff', () => finish?.());
    await desk.say('Hello');
    expect(desk.callCounts()).toEqual({ mia: 1, ben: 0, tara: 0 });
    expect(desk.words()).toEqual(['One moment.']);
    expect((await desk.state()).activeAgentId).toBe('ben');
  });

  it('F47 takeover_at_the_instant: what an agent began before a person took over is refused', async () => {
    verifies('TURN-06', 'LOCK-07', 'CST-04');
    const thinking = new Gate();
    const think: AIResponse = { content: '', toolCalls: [{ id: 'call-1', name: 'think', arguments: {} }] };
    await using desk = await HelpDesk.open(
      {},
      { mia: [think, { content: 'Too late.' }] },
      {
        mia: { tools: [{ name: 'think', description: 'Thinks', handler: () => thinking.pass() }] },
      },
    );
    const said = desk.say('Hello');
    await thinking.reached;
    await desk.kit.setActiveAgent(ROOM, null);
    thinking.open();
    await said;
    expect(desk.words()).toEqual([]);
    expect((await desk.timeline()).some((event) => event.source.channelId === 'mia')).toBe(false);
    await desk.say('Still there?');
    expect(desk.callCounts().mia).toBe(2);
  });

  it('F57 fire_and_forget_in_hook: handoffs begun in a gate run one after another, and later ones under their own lease', async () => {
    verifies('LOCK-06', 'HK-10', 'HND-12');
    await using desk = await HelpDesk.open();
    const begun: Promise<HandoffResult>[] = [];
    const released = new Gate();
    const remove = desk.kit.hook('before_broadcast', { channelIds: ['web'] }, () => {
      begun.push(desk.handOver('mia', 'ben'), desk.handOver('mia', 'tara'));
      begun.push(released.pass().then(() => desk.handOver('ben', 'mia')));
      return HookResult.allow();
    });
    await desk.say('Hello');
    remove();
    released.open();
    const results = await Promise.all(begun);
    expect(results.map(({ accepted }) => accepted)).toEqual([true, false, true]);
    const timeline = await desk.timeline();
    expect(timeline.map(({ index }) => index)).toEqual(timeline.map((_, position) => position));
    // A child of the gate's section commits before the event the gate judges.
    const indexOf = (test: (event: RoomEvent) => boolean): number => timeline.findIndex(test);
    expect(indexOf(({ metadata }) => metadata['to_agent'] === 'ben')).toBeLessThan(
      indexOf(({ content }) => JSON.stringify(content).includes('Hello')),
    );
  });

  it('F56 two_pipelines: of one kit keep out of each other’s rooms', async () => {
    verifies('ORC-04');
    await using desk = await HelpDesk.open();
    const other = new Agent('other', { provider: new MockAIProvider({ responses: ['Other here.'] }) });
    desk.kit.registerChannel(other);
    new ConversationPipeline({ stages: [{ phase: 'only', agentId: 'other' }] }).install(desk.kit, [other]);
    await desk.kit.createRoom({ roomId: 'room-2' });
    await desk.kit.attachChannel('room-2', 'web');
    await desk.kit.attachChannel('room-2', 'other');
    await desk.kit.processInbound({ channelId: 'web', senderId: 'u', content: 'Hi' }, { roomId: 'room-2' });
    const [message] = (await desk.kit.getTimeline('room-2')).filter(({ type }) => type === 'message');
    expect(message?.metadata['_routed_to']).toBe('other');
    await desk.say('Hello');
    const here = (await desk.timeline()).find(({ content }) => JSON.stringify(content).includes('Hello'));
    expect(here?.metadata['_routed_to']).toBe('mia');
  });
});

describe('pipeline.install with a channel that speaks', () => {
  it('hands it the agents’ voices, lets it greet instead of writing, and refuses a channel that cannot speak', async () => {
    verifies('PIP-03', 'PIP-05', 'HND-11');
    const speaker = new Speaker();
    await using desk = await HelpDesk.open({ voiceChannelId: 'phone', greetOnHandoff: true }, {}, { mia: { voice: 'warm' } }, speaker);
    expect(speaker.asked).toEqual([['setVoices', { mia: 'warm' }]]);
    await desk.handoff.setLanguage(ROOM, 'French');
    await desk.handOver('mia', 'ben');
    expect(speaker.asked[1]).toEqual([
      'greet',
      ROOM,
      {
        agentId: 'ben',
        language: 'French',
        text: 'Ben from billing here.',
        leavingAgentId: 'mia',
        instruction: expect.stringMatching(/^\[Respond in French\] You have just taken over/) as string,
      },
    ]);
    expect(desk.words()).toEqual([]);
    expect(() => new ConversationPipeline({ stages: [] }).install(desk.kit, [], { voiceChannelId: 'web' })).toThrow(/does not speak/);
    expect(() => new ConversationPipeline({ stages: [] }).install(desk.kit, [], { voiceChannelId: 'radio' })).toThrow(/not registered/);
  });
});

/** A turn that says something and calls the handoff tool. */
function handOverTo(target: string, content: string): AIResponse {
  return { content, toolCalls: [{ id: `call-${target}`, name: 'handoff_conversation', arguments: { target, reason: 'r', summary: 's' } }] };
}

/** Holds up whoever passes until it is opened. */
class Gate {
  open: () => void = () => undefined;
  arrive: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => (this.open = resolve));
  readonly reached = new Promise<void>((resolve) => (this.arrive = resolve));

  async pass(): Promise<string> {
    this.arrive();
    await this.#opened;
    return 'passed';
  }
}

type Name = 'mia' | 'ben' | 'tara';

/** A kit with a customer's channel and three agents in a pipeline, mia active. */
class HelpDesk {
  static async open(
    install: PipelineInstallOptions = {},
    scripts: Partial<Record<Name, readonly AIResponse[]>> = {},
    options: Partial<Record<Name, Partial<AgentOptions>>> = {},
    ...channels: readonly Channel[]
  ): Promise<HelpDesk> {
    const clock = new TestClock();
    const kit = new RoomKit({ clock });
    const heard: RoomEvent[] = [];
    kit.registerChannel(customerChannel(heard));
    for (const channel of channels) kit.registerChannel(channel);
    const model = (name: Name): MockAIProvider =>
      new MockAIProvider({ responses: [`${name} answers.`], ...(scripts[name] && { script: [...scripts[name]] }) });
    const models = { mia: model('mia'), ben: model('ben'), tara: model('tara') };
    const agent = (name: Name, more: Partial<AgentOptions> = {}): Agent =>
      new Agent(name, {
        provider: models[name],
        memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 })),
        ...more,
        ...options[name],
      });
    const agents = { mia: agent('mia'), ben: agent('ben', { greeting: 'Ben from billing here.' }), tara: agent('tara') };
    for (const one of Object.values(agents)) kit.registerChannel(one);
    const pipeline = new ConversationPipeline({
      stages: [
        { phase: 'triage', agentId: 'mia', next: 'billing', canReturnTo: ['technical'] },
        { phase: 'billing', agentId: 'ben', canReturnTo: ['triage'] },
        { phase: 'technical', agentId: 'tara' },
      ],
    });
    const [, handoff] = pipeline.install(kit, Object.values(agents), install);
    await kit.createRoom({ roomId: ROOM });
    for (const id of ['web', 'mia', 'ben', 'tara']) await kit.attachChannel(ROOM, id);
    await kit.setActiveAgent(ROOM, 'mia', { phase: 'triage' });
    const desk = new HelpDesk(kit, clock, pipeline, handoff, agents, models, heard);
    desk.initialHandoffCount = (await desk.state()).handoffCount;
    for (const trigger of ['on_handoff', 'on_phase_transition', 'on_handoff_rejected'] as const) {
      kit.hook(trigger, ({ metadata }) => void desk.notices.push([trigger, metadata['to_agent'], metadata['accepted']]));
    }
    return desk;
  }

  readonly notices: unknown[][] = [];
  initialHandoffCount = 0;

  private constructor(
    readonly kit: RoomKit,
    readonly clock: TestClock,
    readonly pipeline: ConversationPipeline,
    readonly handoff: HandoffHandler,
    readonly agents: Readonly<Record<Name, Agent>>,
    readonly models: Readonly<Record<Name, MockAIProvider>>,
    readonly heard: readonly RoomEvent[],
  ) {}

  handOver(callingAgentId: string, target: string, more: { reason?: string; summary?: string; next_phase?: string } = {}): Promise<HandoffResult> {
    return this.handoff.handle({ roomId: ROOM, callingAgentId, arguments: { target, ...more } });
  }

  async say(content: string): Promise<void> {
    await this.kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: ROOM });
  }

  async state(): Promise<ConversationState> {
    return getConversationState(await this.kit.getRoom(ROOM));
  }

  timeline(): Promise<readonly RoomEvent[]> {
    return this.kit.getTimeline(ROOM, { limit: 500 });
  }

  /** What the customer heard of agents. */
  words(): string[] {
    return this.heard.flatMap(({ content }) => (content.type === 'text' ? [content.body] : []));
  }

  callCounts(): Record<Name, number> {
    return { mia: this.models.mia.calls.length, ben: this.models.ben.calls.length, tara: this.models.tara.calls.length };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kit.close();
  }
}

function customerChannel(heard: RoomEvent[]): Channel {
  return {
    channelId: 'web',
    channelType: 'websocket',
    category: 'transport',
    direction: 'bidirectional',
    durable: false,
    namesOwnSenders: true,
    capabilities: channelCapabilities(),
    deliver: (event) => void heard.push(event),
  };
}

class Speaker implements SpeakingChannel {
  readonly channelId = 'phone';
  readonly channelType = 'voice';
  readonly category = 'transport';
  readonly direction = 'bidirectional';
  readonly capabilities = channelCapabilities();
  readonly asked: unknown[][] = [];

  setVoices(voices: ReadonlyMap<string, string>): void {
    this.asked.push(['setVoices', Object.fromEntries(voices)]);
  }
  greet(...given: unknown[]): void {
    this.asked.push(['greet', ...given]);
  }
  reconfigure(...given: unknown[]): void {
    this.asked.push(['reconfigure', ...given]);
  }
}

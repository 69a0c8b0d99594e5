import { describe, expect, it } from 'vitest';
import { makeKit, openRoom, TestAgent, TestTransport } from '../../test/support/harness.js';
import { verifies } from '../../test/requirements.js';
import { Agent } from '../ai/agent.js';
import { MockAIProvider } from '../ai/mock-provider.js';
import { HookResult } from '../core/hooks/verdict.js';
import { handoffTool } from './handoff-tool.js';
import { ConversationPipeline } from './pipeline.js';

const helpDesk = new ConversationPipeline({
  stages: [
    { phase: 'triage', agentId: 'mia', next: 'billing', canReturnTo: ['tech', 'triage'] },
    { phase: 'billing', agentId: 'ben', canReturnTo: ['triage'], description: 'Invoices and refunds' },
    { phase: 'tech', agentId: 'tara', next: null, description: 'Devices' },
  ],
});

describe('ConversationPipeline', () => {
  it('stamps before the host’s own hooks, or when it is told to', async () => {
    verifies('PIP-03', 'ORC-02');
    for (const [hookPriority, seen] of [
      [undefined, ['hook -50: mia', 'hook 50: mia']],
      [0, ['hook -50: undefined', 'hook 50: mia']],
    ] as const) {
      const { kit } = makeKit();
      const told: string[] = [];
      for (const priority of [-50, 50]) {
        kit.hook('before_broadcast', { priority, channelIds: ['web'] }, (event) => {
          told.push(`hook ${priority}: ${String(event.metadata['_routed_to'])}`);
          return HookResult.allow();
        });
      }
      const agents = ['mia', 'ben', 'tara'].map((id) => new Agent(id, { provider: new MockAIProvider() }));
      await openRoom(kit, [new TestTransport('web'), ...agents]);
      helpDesk.install(kit, agents, hookPriority === undefined ? {} : { hookPriority });
      await kit.processInbound({ channelId: 'web', senderId: 'u', content: 'hello' }, { roomId: 'room' });
      expect(told).toEqual(seen);
      await kit.close();
    }
  });

  it('keeps its stamps from agents of any kind: in what they are asked, and in what came before', async () => {
    verifies('ORC-02');
    const { kit } = makeKit();
    const own = new TestAgent('own', () => 'answer');
    const agents = ['mia', 'ben', 'tara'].map((id) => new Agent(id, { provider: new MockAIProvider() }));
    await openRoom(kit, [new TestTransport('web'), own, ...agents]);
    helpDesk.install(kit, agents);
    await kit.setActiveAgent('room', 'own');
    for (const content of ['one', 'two']) await kit.processInbound({ channelId: 'web', senderId: 'u', content }, { roomId: 'room' });
    expect(own.asked).toHaveLength(2);
    const shown = [...own.asked, ...own.contexts.flatMap(({ recentEvents }) => recentEvents)];
    for (const { metadata } of shown) expect(Object.keys(metadata)).not.toContain('_routed_to');
    expect((await kit.getTimeline('room')).filter(({ metadata }) => metadata['_routed_to'] === 'own')).toHaveLength(2);
    await kit.close();
  });

  it('refuses phases nobody has and phases that two stages have', () => {
    verifies('PIP-01');
    const pipeline =
      (...stages: { phase: string; agentId: string; next?: string; canReturnTo?: string[] }[]) =>
      () =>
        new ConversationPipeline({ stages });
    expect(pipeline({ phase: 'a', agentId: 'x', next: 'b' })).toThrow(/'b', which no stage has; phases: a/);
    expect(pipeline({ phase: 'a', agentId: 'x', canReturnTo: ['c'] })).toThrow(/'c'/);
    expect(pipeline({ phase: 'a', agentId: 'x' }, { phase: 'a', agentId: 'y' })).toThrow(/'a' has two stages/);
    expect(() => new ConversationPipeline({ stages: [], defaultPhase: 'a' })).toThrow(/defaultPhase names phase 'a'/);
  });

  it('takes a stage that refers to itself, and no stages at all', () => {
    verifies('PIP-01');
    const loop = new ConversationPipeline({ stages: [{ phase: 'a', agentId: 'x', next: 'a' }] });
    expect([...(loop.allowedFrom('a') ?? [])]).toEqual(['a']);
    expect(new ConversationPipeline({ stages: [] }).defaultAgentId).toBeUndefined();
  });

  it('allows next and the phases to return to, and anything from a phase that is not its own', () => {
    verifies('PIP-02');
    expect([...(helpDesk.allowedFrom('triage') ?? [])]).toEqual(['billing', 'tech', 'triage']);
    expect([...(helpDesk.allowedFrom('tech') ?? ['none'])]).toEqual([]);
    expect(helpDesk.allowedFrom('escalation')).toBeUndefined();
  });

  it('starts with the first stage unless another phase is the default', () => {
    verifies('PIP-02');
    expect(helpDesk.defaultAgentId).toBe('mia');
    expect(new ConversationPipeline({ stages: helpDesk.stages, defaultPhase: 'tech' }).defaultAgentId).toBe('tara');
  });

  it('lists in the tool whom an agent can reach, with what each is for', () => {
    verifies('PIP-04');
    const tool = handoffTool(helpDesk.reachableFrom('mia'));
    expect(tool.parameters).toMatchObject({
      properties: {
        target: {
          enum: ['ben', 'tara', 'human'],
          description: 'Who takes over:\n- ben: Invoices and refunds\n- tara: Devices\n- human: a person',
        },
      },
    });
  });

  it('prefers what an agent says of itself to what its stage says', () => {
    verifies('PIP-04');
    const targets = helpDesk.reachableFrom('mia', [
      { channelId: 'ben', description: 'Ben knows money' },
      { channelId: 'tara', description: undefined },
    ]);
    expect(targets).toEqual([
      { agentId: 'ben', description: 'Ben knows money' },
      { agentId: 'tara', description: 'Devices' },
    ]);
  });

  it('gives an agent that reaches nobody the generic tool', () => {
    verifies('PIP-04');
    for (const agentId of ['tara', 'stranger']) {
      const target = (handoffTool(helpDesk.reachableFrom(agentId)).parameters?.['properties'] as Record<string, { enum?: unknown }>)['target'];
      expect(target?.enum, agentId).toBeUndefined();
    }
  });
});

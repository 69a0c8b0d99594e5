import { describe, expect, it } from 'vitest';
import { aBinding, AgentHarness, anEvent } from '../../test/ai-harness.js';
import { verifies } from '../../test/requirements.js';
import { channelCapabilities } from '../core/models/capabilities.js';
import { AIChannel } from './ai-channel.js';
import { MockAIProvider } from './mock-provider.js';
import { replyTargets } from './targets.js';

const own = aBinding('agent');
const rich = aBinding('rich', {
  capabilities: channelCapabilities({
    mediaTypes: ['text', 'rich', 'media'],
    maxLength: 5000,
    supportsButtons: true,
    maxButtons: 5,
    overflow: 'split',
  }),
});
const sms = aBinding('sms', { capabilities: channelCapabilities({ mediaTypes: ['text', 'media'], maxLength: 1600, supportsMedia: true }) });

describe('what a reply can reach', () => {
  it('is what all of its targets can take', () => {
    verifies('AI-06');
    const { mediaTypes, capabilities } = replyTargets([own, rich, sms], own, undefined);
    expect(mediaTypes).toEqual(['text', 'media']);
    expect(capabilities).toMatchObject({ maxLength: 1600, supportsButtons: false, supportsMedia: false, maxButtons: 5, overflow: 'truncate' });
  });

  it('leaves out whom the reply does not reach', () => {
    verifies('AI-06');
    const deaf = [
      aBinding('none', { access: 'none' }),
      aBinding('out', { direction: 'outbound' }),
      aBinding('quiet', { outputMuted: true }),
      aBinding('agent-2'),
    ];
    expect(replyTargets([own, ...deaf, sms], own, undefined).mediaTypes).toEqual(['text', 'media']);
    expect(replyTargets([own, rich, sms], own, 'rich').capabilities).toBe(rich.capabilities);
    expect(replyTargets([own, rich, sms], aBinding('agent', { visibility: 'sms' }), 'all').capabilities).toBe(sms.capabilities);
  });

  it('is nothing when nobody hears it', () => {
    verifies('AI-06');
    expect(replyTargets([own], own, undefined)).toEqual({ mediaTypes: [], capabilities: undefined });
  });

  it('is told to the model', async () => {
    verifies('AI-06');
    const provider = new MockAIProvider();
    const harness = new AgentHarness(new AIChannel('agent', { provider }));
    await harness.ask(anEvent('Hi', { responseVisibility: 'sms' }), { bindings: [own, rich, sms] });
    expect(provider.calls[0]?.targetMediaTypes).toEqual(['text', 'media']);
    expect(provider.calls[0]?.targetCapabilities).toBe(sms.capabilities);
    await harness.ask('Hi', { bindings: [own] });
    expect(provider.calls[1]?.targetMediaTypes).toEqual([]);
    expect(provider.calls[1]).not.toHaveProperty('targetCapabilities');
  });
});

import { describe, expect, it } from 'vitest';
import { verifies } from '../../test/requirements.js';
import { silentLogger } from '../core/logger.js';
import { channelCapabilities } from '../core/models/capabilities.js';
import type { ChannelBinding } from '../core/models/binding.js';
import { setConversationState, type ConversationState } from '../core/models/conversation-state.js';
import type { RoomEvent } from '../core/models/event.js';
import { EMPTY } from '../core/models/json.js';
import type { Room } from '../core/models/room.js';
import { RoomContextView, type RoomContext } from '../core/rooms/context.js';
import { HookCallContext } from '../core/hooks/context.js';
import type { HookHandler, HookOptions } from '../core/hooks/engine.js';
import type { HookResult } from '../core/hooks/verdict.js';
import { ConversationRouter, type ConversationRouterOptions } from './router.js';

const NOW = '2026-01-01T00:00:00.000Z';

describe('ConversationRouter', () => {
  it('keeps to the active agent while it is bound, whatever the rules say', () => {
    verifies('ORC-01');
    const router = new ConversationRouter({ rules: [{ agentId: 'billing', conditions: {} }] });
    expect(select(router, {}, { activeAgentId: 'tech' })).toBe('tech');
    expect(select(router, {}, { activeAgentId: 'gone' })).toBe('billing');
  });

  it('takes the first matching rule by ascending priority, keeping the order of equal ones', () => {
    verifies('ORC-01');
    const router = new ConversationRouter({
      rules: [
        { agentId: 'tech', conditions: { phases: ['intake'] }, priority: 5 },
        { agentId: 'billing', conditions: { phases: ['intake'] }, priority: 1 },
        { agentId: 'triage', conditions: { phases: ['intake'] }, priority: 1 },
      ],
    });
    expect(select(router)).toBe('billing');
    expect(select(router, {}, { phase: 'other' })).toBeNull();
  });

  it('requires all conditions that are given', () => {
    verifies('ORC-01');
    const rule = (conditions: object): ConversationRouter => new ConversationRouter({ rules: [{ agentId: 'billing', conditions }] });
    const all = {
      phases: ['intake'],
      channelTypes: ['websocket'],
      intents: ['refund'],
      sourceChannelIds: ['web'],
      custom: (event: RoomEvent) => event.chainDepth === 0,
    };
    const message = { metadata: { intent: 'refund' } };
    expect(select(rule(all), message)).toBe('billing');
    for (const broken of [
      { phases: ['x'] },
      { channelTypes: ['sms'] },
      { intents: ['sales'] },
      { sourceChannelIds: ['sms'] },
      { custom: () => false },
    ]) {
      expect(select(rule({ ...all, ...broken }), message), JSON.stringify(broken)).toBeNull();
    }
    expect(select(rule(all), {}), 'no intent at all').toBeNull();
  });

  it('skips rules and a default whose agents are not bound', () => {
    verifies('ORC-01');
    const rules = [{ agentId: 'gone', conditions: {} }];
    expect(select(new ConversationRouter({ rules, defaultAgentId: 'triage' }))).toBe('triage');
    expect(select(new ConversationRouter({ rules, defaultAgentId: 'gone' }))).toBeNull();
  });

  it('lets the address decide before everything else', () => {
    verifies('ORC-01');
    const router = new ConversationRouter({ defaultAgentId: 'triage' });
    expect(select(router, { addressedTo: ['gone', 'tech'] }, { activeAgentId: 'billing' })).toBe('tech');
    expect(select(router, { addressedTo: [] }, { activeAgentId: 'billing' })).toBeNull();
  });

  it('counts a condition that throws as not matching, and says so', () => {
    verifies('ORC-05');
    const router = new ConversationRouter({
      rules: [
        {
          agentId: 'billing',
          conditions: {
            custom: () => {
              throw new Error('bad condition');
            },
          },
        },
      ],
      defaultAgentId: 'triage',
    });
    expect(select(router)).toBe('triage');
    const warnings: unknown[] = [];
    stampsOf(router, {}, {}, { warn: (_message, fields) => warnings.push(fields?.['error']) });
    expect(warnings).toEqual(['bad condition']);
  });

  it('stamps the selected agent as a hook before all others, and keeps the metadata there is', () => {
    verifies('ORC-02');
    const router = new ConversationRouter({ defaultAgentId: 'triage' });
    const { options, metadata } = stampsOf(router, { metadata: { intent: 'refund' } });
    expect(options).toEqual({ name: 'conversation_router', priority: -100, preview: true });
    expect(metadata).toEqual({ intent: 'refund', _routed_to: 'triage', _always_process: [] });
  });

  it('lets nobody answer what an agent says, but the supervisor hears it', () => {
    verifies('ORC-01', 'ORC-03', 'ORC-05');
    const options: ConversationRouterOptions = { defaultAgentId: 'triage', supervisorId: 'boss' };
    const fromAgent = { source: source('tech', 'ai') };
    expect(stampsOf(new ConversationRouter(options), fromAgent).metadata).toEqual({ _routed_to: '_none_', _always_process: ['boss'] });
    expect(stampsOf(new ConversationRouter({ defaultAgentId: 'triage' }), fromAgent).metadata).toEqual({ _routed_to: '_none_', _always_process: [] });
    expect(stampsOf(new ConversationRouter(options), { source: source('boss', 'ai') }).metadata).toEqual({
      _routed_to: '_none_',
      _always_process: [],
    });
    expect(stampsOf(new ConversationRouter(options), { addressedTo: ['tech'] }).metadata).toEqual({ _always_process: ['boss'] });
  });

  it('leaves a transport message unstamped when nothing is selected', () => {
    verifies('ORC-03');
    const router = new ConversationRouter({ rules: [{ agentId: 'billing', conditions: { phases: ['billing'] } }] });
    expect(stampsOf(router).metadata).toBeNull();
  });

  it('lets no agent answer while a person has the conversation', () => {
    verifies('HND-04');
    const router = new ConversationRouter({ defaultAgentId: 'triage', supervisorId: 'boss' });
    const handled = { phase: 'escalation', activeAgentId: null, context: { handled_by: 'human' } };
    expect(stampsOf(router, {}, handled).metadata).toEqual({ _routed_to: '_none_', _always_process: [] });
    expect(select(router, { addressedTo: ['tech'] }, handled)).toBe('tech');
    expect(select(router, {}, { ...handled, activeAgentId: 'billing' })).toBe('billing');
  });

  it('does nothing in rooms where none of its agents is bound', () => {
    verifies('ORC-04');
    const router = new ConversationRouter({ defaultAgentId: 'elsewhere', rules: [{ agentId: 'other', conditions: {} }] });
    expect(stampsOf(router, { source: source('tech', 'ai') }).metadata).toBeNull();
    expect(stampsOf(router, {}, { activeAgentId: 'tech' }).metadata).toBeNull();
  });
});

function source(channelId: string, channelType: 'websocket' | 'ai'): RoomEvent['source'] {
  return { channelId, channelType, direction: 'inbound', rawPayload: EMPTY };
}

function message(given: Partial<RoomEvent> = {}): RoomEvent {
  return {
    id: 'event-1',
    roomId: 'room-1',
    type: 'message',
    source: source('web', 'websocket'),
    content: { type: 'text', body: 'Hi' },
    status: 'delivered',
    visibility: 'all',
    index: -1,
    chainDepth: 0,
    createdAt: NOW,
    metadata: EMPTY,
    channelData: EMPTY,
    ...given,
  };
}

function binding(channelId: string, category: 'transport' | 'intelligence'): ChannelBinding {
  return {
    channelId,
    roomId: 'room-1',
    channelType: category === 'transport' ? 'websocket' : 'ai',
    category,
    direction: 'bidirectional',
    access: 'read_write',
    muted: false,
    outputMuted: false,
    visibility: 'all',
    attachedAt: NOW,
    capabilities: channelCapabilities(),
    metadata: EMPTY,
  };
}

function context(state: Partial<ConversationState>): RoomContext {
  const room: Room = {
    id: 'room-1',
    status: 'active',
    createdAt: NOW,
    updatedAt: NOW,
    timers: {},
    metadata: EMPTY,
    agentResponsePolicy: 'agent_chain',
    eventCount: 0,
    latestIndex: -1,
    version: 0,
  };
  const agents = ['triage', 'billing', 'tech', 'boss'].map((id) => binding(id, 'intelligence'));
  return new RoomContextView(setConversationState(room, state), [binding('web', 'transport'), ...agents], []);
}

function select(router: ConversationRouter, event: Partial<RoomEvent> = {}, state: Partial<ConversationState> = {}): string | null {
  const whole: ConversationState = { phase: 'intake', handoffCount: 0, phaseStartedAt: NOW, phaseHistory: [], context: {}, ...state };
  return router.route(message(event), context(whole), whole);
}

/** Installs the router in a kit of one hook and lets the hook see one event; null when it stamps nothing. */
function stampsOf(
  router: ConversationRouter,
  event: Partial<RoomEvent> = {},
  state: Partial<ConversationState> = {},
  logger: Partial<typeof silentLogger> = {},
): { options: HookOptions; metadata: unknown } {
  let options: HookOptions = {};
  let handler: HookHandler<'before_broadcast'> | undefined;
  const hook = (_trigger: string, given: HookOptions, run: HookHandler<'before_broadcast'>): (() => void) => {
    options = given;
    handler = run;
    return () => undefined;
  };
  // One trigger stands for the kit's generic `hook` here.
  router.install({ hook: hook as Parameters<ConversationRouter['install']>[0]['hook'], logger: { ...silentLogger, ...logger } });
  const hookContext = new HookCallContext(context(state), 'before_broadcast', options.name, undefined);
  const result = handler?.(message(event), hookContext) as HookResult<RoomEvent>; // the router answers at once
  return { options, metadata: result.action === 'modify' ? result.payload?.metadata : null };
}

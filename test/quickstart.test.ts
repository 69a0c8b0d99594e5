/** The README's quickstart, step by step, with what each step promises (figure 2). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  Agent,
  ConversationPipeline,
  getConversationState,
  HandoffMemoryProvider,
  HookResult,
  MockAIProvider,
  RoomKit,
  setConversationState,
  SlidingWindowMemory,
  WebSocketChannel,
} from '../src/index.js';
import type { RoomEvent } from '../src/index.js';
import { verifies } from './requirements.js';

describe('the quickstart', () => {
  it('of the README is the example that runs', () => {
    const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
    const [, snippet] = /## Quickstart[\s\S]*?```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(snippet).toBe(read('examples/quickstart.ts').replace(/^.*\n/, ''));
  });

  it('routes to triage alone, hands over, and gives the specialist what came before', async () => {
    verifies('ORC-01', 'ORC-02', 'ORC-03', 'PIP-02', 'PIP-03', 'HND-01', 'HND-02', 'MEM-03', 'CST-02', 'CST-03', 'BC-03', 'FIG-02');
    await using kit = new RoomKit();
    const web = new WebSocketChannel('ws-user');
    const heard: RoomEvent[] = [];
    void web.registerConnection(
      'browser',
      (frame) => {
        if (frame.type === 'event') heard.push(frame.event);
      },
      { roomIds: ['room-1'] },
    );
    kit.registerChannel(web);

    const memory = () => new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 }));
    const triageModel = new MockAIProvider({ responses: ["I'll transfer you to our specialist."] });
    const handlerModel = new MockAIProvider({ responses: ['Let me help you with that.'] });
    const triage = new Agent('agent-triage', {
      provider: triageModel,
      role: 'Triage agent',
      description: 'Routes incoming requests',
      systemPrompt: 'You triage incoming requests.',
      memory: memory(),
    });
    const handler = new Agent('agent-handler', {
      provider: handlerModel,
      role: 'Support specialist',
      description: 'Handles customer requests',
      systemPrompt: 'You handle requests.',
      memory: memory(),
    });
    kit.registerChannel(triage);
    kit.registerChannel(handler);

    const pipeline = new ConversationPipeline({
      stages: [
        { phase: 'triage', agentId: 'agent-triage', next: 'handling' },
        { phase: 'handling', agentId: 'agent-handler' },
      ],
    });
    const [, handoff] = pipeline.install(kit, [triage, handler]);

    await kit.createRoom({ roomId: 'room-1' });
    await kit.attachChannel('room-1', 'ws-user');
    await kit.attachChannel('room-1', 'agent-triage', { category: 'intelligence' });
    await kit.attachChannel('room-1', 'agent-handler', { category: 'intelligence' });
    const room = setConversationState(await kit.getRoom('room-1'), { phase: 'triage', activeAgentId: 'agent-triage' });
    await kit.store.updateRoom(room);

    await kit.processInbound({ channelId: 'ws-user', senderId: 'user-1', content: 'I need help' });

    expect(triageModel.calls).toHaveLength(1);
    expect(handlerModel.calls).toHaveLength(0);
    const reply = (await kit.getTimeline('room-1')).at(-1);
    expect(reply).toMatchObject({ source: { channelId: 'agent-triage' }, chainDepth: 1, content: { body: "I'll transfer you to our specialist." } });
    expect(heard.map((event) => event.id)).toContain(reply?.id);

    const result = await handoff.handle({
      roomId: 'room-1',
      callingAgentId: 'agent-triage',
      arguments: { target: 'agent-handler', reason: 'User needs support' },
    });
    expect(result.accepted).toBe(true);
    const state = getConversationState(await kit.getRoom('room-1'));
    expect(state).toMatchObject({ phase: 'handling', activeAgentId: 'agent-handler', handoffCount: 1 });
    expect(state.phaseHistory).toHaveLength(1);

    kit.hook('before_broadcast', { name: 'compliance_check', channelTypes: ['sms'], directions: ['inbound'] }, async () => HookResult.allow());
    await kit.processInbound({ channelId: 'ws-user', senderId: 'user-1', content: 'My router is broken' });

    expect(triageModel.calls).toHaveLength(1);
    expect(handlerModel.calls).toHaveLength(1);
    expect(handlerModel.calls[0]?.messages[0]).toMatchObject({ role: 'user' });
    const content = handlerModel.calls[0]?.messages[0]?.content;
    expect(JSON.stringify(typeof content === 'string' ? content : content?.[0])).toMatch(
      /\[Context from previous agent \(agent-triage\)\]: .*User needs support/,
    );
  });
});

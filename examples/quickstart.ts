/** The quickstart of the README: two agents, a pipeline, a handoff, a hook. */
import { Agent, ConversationPipeline, HandoffMemoryProvider, HookResult, MockAIProvider, RoomKit,
         SlidingWindowMemory, WebSocketChannel, setConversationState } from 'roomkit';

await using kit = new RoomKit();                        // in-memory store, locks and realtime
kit.registerChannel(new WebSocketChannel('ws-user'));

const triage = new Agent('agent-triage', {
  provider: new MockAIProvider({ responses: ["I'll transfer you to our specialist."] }),
  role: 'Triage agent', description: 'Routes incoming requests', systemPrompt: 'You triage incoming requests.',
  memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 })),
});
const handler = new Agent('agent-handler', {
  provider: new MockAIProvider({ responses: ['Let me help you with that.'] }),
  role: 'Support specialist', description: 'Handles customer requests', systemPrompt: 'You handle requests.',
  memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 })),
});
kit.registerChannel(triage);
kit.registerChannel(handler);

const pipeline = new ConversationPipeline({ stages: [
  { phase: 'triage', agentId: 'agent-triage', next: 'handling' },
  { phase: 'handling', agentId: 'agent-handler' },
] });
const [router, handoff] = pipeline.install(kit, [triage, handler]);

await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'ws-user');
await kit.attachChannel('room-1', 'agent-triage', { category: 'intelligence' });
await kit.attachChannel('room-1', 'agent-handler', { category: 'intelligence' });

const room = setConversationState(await kit.getRoom('room-1'), { phase: 'triage', activeAgentId: 'agent-triage' });
await kit.store.updateRoom(room);

await kit.processInbound({ channelId: 'ws-user', senderId: 'user-1', content: 'I need help' });

const result = await handoff.handle({
  roomId: 'room-1', callingAgentId: 'agent-triage',
  arguments: { target: 'agent-handler', reason: 'User needs support' },
});
console.log(`Handoff accepted: ${result.accepted}`);

kit.hook('before_broadcast', { name: 'compliance_check', channelTypes: ['sms'], directions: ['inbound'] },
  async (event, ctx) => HookResult.allow());            // HookTrigger.BEFORE_BROADCAST is the same string

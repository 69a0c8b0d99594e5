/** The quickstart of the Python package in short, as docs/from-python.md puts it beside the original. */
import { extractText } from 'roomkit';
// #region quickstart
import { Agent, ConversationPipeline, HandoffMemoryProvider, HookResult } from 'roomkit';
import { MockAIProvider, RoomKit, SlidingWindowMemory, WebSocketChannel } from 'roomkit';

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('ws-user'));
const triage = new Agent('agent-triage', {
  provider: new MockAIProvider({ responses: ['One moment.'] }),
  role: 'Triage agent',
  memory: new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 50 })),
});
kit.registerChannel(triage);
const pipeline = new ConversationPipeline({
  stages: [{ phase: 'triage', agentId: 'agent-triage' }],
});
const [router, handoff] = pipeline.install(kit, [triage]);

await kit.createRoom({ roomId: 'room-1' });
await kit.attachChannel('room-1', 'ws-user');
await kit.attachChannel('room-1', 'agent-triage', { category: 'intelligence' });

kit.hook('before_broadcast', { name: 'check' }, async (event, context) => HookResult.allow());

await kit.processInbound({
  channelId: 'ws-user',
  senderId: 'user-1',
  content: 'I need help',
});
// #endregion
for (const event of await kit.getTimeline('room-1')) if (event.type === 'message') console.log(`${event.source.channelId}: ${extractText(event)}`);

// prints:
// ws-user: I need help
// agent-triage: One moment.

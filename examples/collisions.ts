/** Three messages while the agent is still busy with the first: what each collision policy makes of them. */
// #region agent
import {
  Agent,
  extractText,
  messageText,
  MockAIProvider,
  RoomKit,
  WebSocketChannel,
  type AIContext,
  type AIMessage,
  type CollisionConfig,
} from 'roomkit';
import { TestClock } from 'roomkit/testing';

// #endregion
/** A model that asks for a tool, and then tells what it has been asked by then. */
function answer({ messages }: AIContext) {
  const isAnswer = ({ role, content }: AIMessage) =>
    role === 'assistant' && !(Array.isArray(content) && content.some(({ type }) => type === 'tool_call'));
  const since = messages.slice(messages.findLastIndex(isAnswer) + 1);
  if (!since.some(({ role }) => role === 'tool')) return { content: 'Let me see.', toolCalls: [{ id: 'call-1', name: 'find_order', arguments: {} }] };
  const asked = since.filter(({ role }) => role === 'user').map(messageText);
  return `About "${asked.join(' ').replaceAll('\n', ' ')}": it arrives tomorrow.`;
}

/** Ada writes three messages within a second; the agent needs three seconds for an answer. */
async function threeMessages(collision: CollisionConfig): Promise<void> {
  const clock = new TestClock();
  await using kit = new RoomKit({ clock });
  // #region agent
  const agent = new Agent('helper', {
    provider: new MockAIProvider({ streaming: true, responder: answer }),
    collision, // such as { policy: 'burst', debounceMs: 800 }
    tools: [
      {
        name: 'find_order',
        description: 'Finds an order.',
        handler: async (_order, { signal }) => {
          await clock.sleep(3000, signal); // a tool that hears the signal ends at once when its turn does
          return 'parcel 7';
        },
      },
    ],
  });
  // #endregion
  kit.registerChannel(new WebSocketChannel('web'));
  kit.registerChannel(agent);
  await kit.createRoom({ roomId: 'room' });
  await kit.attachChannel('room', 'web');
  await kit.attachChannel('room', 'helper');

  // #region result
  const asked = [];
  for (const content of ['Where is it?', 'The blue one.', 'I need it on Friday.']) {
    asked.push(kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' }));
    await clock.advance(400);
  }
  await clock.advance(20_000);
  const results = await Promise.all(asked);
  console.log(`${collision.policy}: ${results.map(({ turns }) => turns[0]?.reason ?? turns[0]?.state).join(', ')}`);
  for (const reply of await kit.getTimeline('room')) {
    if (reply.source.channelId !== 'helper') continue;
    const { answers, cancelled } = reply.metadata;
    const marks = [Array.isArray(answers) && `answers ${answers.length}`, cancelled === true && 'cancelled'].filter(Boolean);
    console.log(`  ${extractText(reply).replaceAll('\n\n', ' ')}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`);
  }
  // #endregion

  if (collision.policy !== 'burst') return;
  // #region trace
  const trace = kit.getTrace(results[1]?.event?.id ?? '');
  for (const { decision, policy, reason } of trace?.turnDecisions ?? []) {
    console.log(`  the second message was ${decision} by ${policy}${reason === undefined ? '' : `: ${reason}`}`);
  }
  // #endregion
}

for (const policy of ['queue', 'burst', 'steer', 'interrupt', 'reject'] as const) await threeMessages({ policy });

// #region layers
await using kit = new RoomKit();
kit.registerChannel(new Agent('helper', { provider: new MockAIProvider(), collision: { policy: 'burst', debounceMs: 1500 } }));
await kit.createRoom({ roomId: 'hotline', collision: { policy: 'interrupt' } });
await kit.attachChannel('hotline', 'helper', { collision: { maxQueued: 10 } });
// #endregion

// prints:
// queue: committed, committed, committed
//   Let me see. About "Where is it?": it arrives tomorrow.
//   Let me see. About "The blue one.": it arrives tomorrow.
//   Let me see. About "I need it on Friday.": it arrives tomorrow.
// burst: committed, merged, committed
//   Let me see. About "Where is it?": it arrives tomorrow.
//   Let me see. About "The blue one. I need it on Friday.": it arrives tomorrow. (answers 2)
//   the second message was queued by burst: agent_busy
//   the second message was merged by burst
// steer: committed, merged, merged
//   Let me see. About "Where is it? The blue one. I need it on Friday.": it arrives tomorrow. (answers 3)
// interrupt: interrupted, interrupted, committed
//   Let me see. (cancelled)
//   Let me see. (cancelled)
//   Let me see. About "I need it on Friday.": it arrives tomorrow.
// reject: committed, agent_busy, agent_busy
//   Let me see. About "Where is it?": it arrives tomorrow.

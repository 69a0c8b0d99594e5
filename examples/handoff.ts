/** A conversation changes hands: triage, billing, a person, and back; with greeting, language and limits. */
// #region pipeline
import { Agent, ConversationPipeline, extractText, getConversationState, HandoffMemoryProvider, MockAIProvider, RoomKit } from 'roomkit';
import { SlidingWindowMemory, WebSocketChannel } from 'roomkit';

// #endregion
const hand = (target: string, reason: string, summary: string) => ({
  content: `I am putting you through to ${target}.`,
  toolCalls: [{ id: 'handoff', name: 'handoff_conversation', arguments: { target, reason, summary } }],
});
const triageModel = new MockAIProvider({ script: [hand('billing', 'refund', 'Ada paid order 7 twice.')], responses: ['Hello again, what else?'] });
const billingModel = new MockAIProvider({ script: ['You paid twice, I see.', hand('human', 'needs approval', 'Refund above the limit.')] });

// #region pipeline
await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
const memory = () => new HandoffMemoryProvider(new SlidingWindowMemory({ maxEvents: 20 }));
const triage = new Agent('triage', { provider: triageModel, role: 'Triage', description: 'Finds out what it is about', memory: memory() });
const billing = new Agent('billing', {
  provider: billingModel,
  role: 'Billing',
  description: 'Invoices and refunds',
  greeting: 'Billing here.',
  memory: memory(),
});
for (const agent of [triage, billing]) kit.registerChannel(agent);

const pipeline = new ConversationPipeline({
  stages: [
    { phase: 'intake', agentId: 'triage', next: 'handling' },
    { phase: 'handling', agentId: 'billing', canReturnTo: ['intake'] },
  ],
});
const [, handoff] = pipeline.install(kit, [triage, billing], { greetOnHandoff: true, agentAliases: { accounts: 'billing' } });
// #endregion

await kit.createRoom({ roomId: 'desk' });
for (const channelId of ['web', 'triage', 'billing']) await kit.attachChannel('desk', channelId);
await kit.connectWebsocket(
  'web',
  'tab-1',
  (frame) => {
    if (frame.type === 'event') console.log(`  ${frame.event.source.channelId}: ${extractText(frame.event)}`);
  },
  { roomIds: ['desk'] },
);

// #region hooks
kit.hook('on_handoff', ({ metadata }) =>
  console.log(`  [${String(metadata['from_agent'])} → ${String(metadata['to_agent'])}, now ${String(metadata['new_phase'])}]`),
);
kit.hook('on_handoff_rejected', ({ metadata }) => console.log(`  [refused: ${String(metadata['reason'])}]`));
// #endregion
const say = async (content: string): Promise<void> => {
  console.log(`ada: ${content}`);
  await kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'desk' });
};

await say('I paid order 7 twice');
await say('So?');
console.log(`  billing was told: ${JSON.stringify(billingModel.calls[0]?.messages[0]?.content)}`);
await say('I want all of it back, now');
await say('Hello?'); // with a person on it no agent answers

// #region takeover
await kit.sendEvent('desk', 'web', 'Mara from billing: done, it is on its way.', { participantId: 'mara' }); // the person
await kit.setActiveAgent('desk', 'triage', { phase: 'intake' }); // and back to an agent
// #endregion
await say('Thanks!');

// #region program
await handoff.setLanguage('desk', 'French');
const refused = await handoff.handle({ roomId: 'desk', callingAgentId: 'triage', arguments: { target: 'nobody' } });
const accepted = await handoff.handle({ roomId: 'desk', callingAgentId: 'triage', arguments: { target: 'accounts', reason: 'another invoice' } });
// #endregion
console.log(`  refused: ${refused.reason}; accepted: ${accepted.newAgentId}`);

// #region state
const state = getConversationState(await kit.getRoom('desk'));
console.log(
  `phase ${state.phase}, active ${state.activeAgentId}, ${state.handoffCount} changes of hands, language ${String(state.context['language'])}`,
);
console.log(state.phaseHistory.map(({ fromPhase, toPhase }) => `${fromPhase}→${toPhase}`).join(', '));
// #endregion

// prints:
// ada: I paid order 7 twice
//   [triage → billing, now handling]
//   triage: I am putting you through to billing.
//   billing: Billing here.
// ada: So?
//   billing: You paid twice, I see.
//   billing was told: [{"type":"text","text":"[Context from previous agent (triage)]: Ada paid order 7 twice. Reason: refund"},{"type":"text","text":"ada: I paid order 7 twice"},{"type":"text","text":"triage: I am putting you through to billing."}]
// ada: I want all of it back, now
//   [billing → human, now escalation]
//   billing: I am putting you through to human.
// ada: Hello?
// ada: Thanks!
//   triage: Hello again, what else?
//   [refused: Agent nobody not found in room]
//   [triage → billing, now handling]
//   billing: Billing here.
//   refused: Agent nobody not found in room; accepted: billing
// phase handling, active billing, 4 changes of hands, language French
// intake→handling, handling→escalation, escalation→intake, intake→handling

/** Conversations as tests: people say something, and what agents answer and do is expected, line by line. */
// #region play
import { Agent, defineTool, MockAIProvider } from 'roomkit';
import { Conversation } from 'roomkit/testing';

// #endregion
const refund = defineTool({
  name: 'refund',
  description: 'Pays an order back.',
  parameters: { type: 'object', properties: { number: { type: 'string' } }, required: ['number'] } as const,
  handler: ({ number }) => `Order ${number} is paid back.`,
});
// The agents under test. Here their models are scripted; with a key, or an emulator, the same lines test the real ones.
const handover = { target: 'billing', reason: 'paid twice', summary: 'Order 12345 was paid twice.' };
const triage = new Agent('triage', {
  provider: new MockAIProvider({ script: [{ content: 'One moment.', toolCalls: [{ id: '1', name: 'handoff_conversation', arguments: handover }] }] }),
});
const billing = new Agent('billing', {
  provider: new MockAIProvider({
    script: [{ toolCalls: [{ id: '2', name: 'refund', arguments: { number: '12345' } }] }, 'It is on its way back to you.', 'You are welcome.'],
  }),
  tools: [refund],
});

// #region play
await using talk = await Conversation.start({
  agents: [triage, billing],
  stages: [
    { phase: 'triage', agentId: 'triage', next: 'billing' },
    { phase: 'billing', agentId: 'billing' },
  ],
});
await talk.customer.says('I paid order 12345 twice');
await talk.expectReply('One moment.', { from: 'triage' });
await talk.expectHandoff('billing', { reason: /twice/ });
await talk.customer.says('Can I have it back?');
await talk.expectToolCall('refund', { number: '12345' });
await talk.expectReply(/on its way/, { from: 'billing' });
await talk.expectNoMoreReplies();
// #endregion

// #region failure
await talk.customer.says('Thanks');
await talk.expectReply('Goodbye.').catch((error: Error) => console.log(error.message));
// #endregion

// prints:
// There was a reply: “Goodbye.” expected, and the next one says “You are welcome.”.
//
// The conversation:
//    3  customer (customer): I paid order 12345 twice
//       triage hands over to billing (paid twice)
//    5  triage: One moment.
//    6  customer (customer): Can I have it back?
//       billing calls refund({"number":"12345"}) → Order 12345 is paid back.
//    7  billing: It is on its way back to you.
//    8  customer (customer): Thanks
//    9  billing: You are welcome.

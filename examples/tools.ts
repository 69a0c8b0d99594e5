/** Tools of an agent: typed arguments, rounds, refusals, policies, and hooks that see every call. */
// #region tool
import { z } from 'zod';
import { Agent, defineTool, extractText, HookResult, messageText, MockAIProvider, RoomKit, ToolError, WebSocketChannel } from 'roomkit';

const orders = new Map([['12345', { total: 49.9, paidTwice: true }]]);

const lookUpOrder = defineTool({
  name: 'look_up_order',
  description: 'Finds an order by its number.',
  parameters: z.object({ number: z.string().regex(/^\d{5}$/) }),
  idempotent: true, // may run again when a crash interrupted it
  handler: ({ number }) => {
    const order = orders.get(number);
    if (order === undefined) throw new ToolError(`There is no order ${number}.`); // the model reads this
    return order;
  },
});

const refund = defineTool({
  name: 'refund',
  description: 'Pays an order back.',
  parameters: z.object({ number: z.string(), amount: z.number().positive() }),
  handler: ({ number, amount }, { idempotencyKey, roomId, participantId }) => {
    console.log(`  refund of ${amount} for ${number}, asked by ${participantId} in ${roomId}, key ${idempotencyKey.split(':')[1]}…`);
    return { refunded: amount };
  },
});
// #endregion

// The model's part, written down: what it asks for, round by round, and what it says in the end.
const call = (name: string, args: Record<string, unknown>, id = name) => ({ id, name, arguments: args });
const model = new MockAIProvider({
  script: [
    { content: 'One moment.', toolCalls: [call('look_up_order', { number: '12345' }), call('look_up_order', { number: 'abc' }, 'second')] },
    { toolCalls: [call('refund', { number: '12345', amount: 499 })] },
    { content: 'Your € 49.90 are on their way.' },
    { toolCalls: [call('delete_customer', { id: 7 })] },
    { content: 'I may not do that.' },
  ],
});

await using kit = new RoomKit();
kit.registerChannel(new WebSocketChannel('web'));
// #region agent
kit.registerChannel(
  new Agent('billing', {
    provider: model,
    tools: [lookUpOrder, refund],
    toolPolicy: { deny: ['delete_*'], roleOverrides: { observer: { allow: ['look_up_*'] } } },
    maxToolRounds: 5,
  }),
);
// #endregion
await kit.createRoom({ roomId: 'room' });
await kit.attachChannel('room', 'web');
await kit.attachChannel('room', 'billing');

// #region hooks
kit.hook('before_tool_use', { name: 'refund_limit' }, (call) => {
  if (call.tool !== 'refund') return HookResult.allow();
  const order = orders.get(String(call.arguments['number']));
  if (order === undefined) return HookResult.block('There is no such order.');
  return HookResult.modify({ ...call, arguments: { ...call.arguments, amount: order.total } }); // never more than was paid
});
kit.hook('on_tool_call', (call) => console.log(`  ${call.tool} → ${call.result}${call.isError ? ' ✗' : ''}`));
// #endregion

const ask = async (content: string): Promise<void> => {
  console.log(`ada: ${content}`);
  const { turns } = await kit.processInbound({ channelId: 'web', senderId: 'ada', content }, { roomId: 'room' });
  const reply = await kit.getEvent('room', turns[0]?.replyEventIds[0] ?? '');
  console.log(`billing: ${reply === null ? '' : extractText(reply)}`);
};
await ask('I paid order 12345 twice');
// A wrong argument is never run: the model is told, and goes on.
console.log(`  the model read: ${messageText(model.calls[1]?.messages.at(-1))}`);
await ask('Delete me');

// prints:
// ada: I paid order 12345 twice
//   look_up_order → {"total":49.9,"paidTwice":true}
//   refund of 49.9 for 12345, asked by ada in room, key refund…
//   refund → {"refunded":49.9}
// billing: One moment.
//
// Your € 49.90 are on their way.
//   the model read: {"total":49.9,"paidTwice":true}
// {"error":"Wrong arguments: number does not match ^\\d{5}$."}
// ada: Delete me
// billing: I may not do that.

/** Ben looks after bills and refunds. */
import type { Answer, Conversation } from './script.js';
import { isOrder, orderNumberIn, type Order } from './orders.js';
import { handOver } from './hand-over.js';
import { topicOf } from './topics.js';

export function ben({ said, customer, own, results }: Conversation): Answer {
  const order = results.get('lookup_order');
  if (order !== undefined)
    return isOrder(order) ? explainCharges(order) : { say: 'That order is not in our books. Could you check the number? It has five digits.' };

  const offeredRefund = own.at(-1)?.includes('send the money back') === true;
  if (offeredRefund && /\b(yes|yeah|please|sure|ok(ay)?|do)\b/i.test(said)) {
    return { say: 'Done. The refund is on its way and will be on your account within three working days. Anything else?' };
  }
  const number = orderNumberIn([said]) ?? (own.length === 0 ? orderNumberIn(customer) : undefined);
  switch (topicOf(said)) {
    case 'human':
      return handOver('human', 'I understand. I am getting a colleague for you; they can read everything we have written.', said);
    case 'technical':
      return handOver('mia', 'That is not about the bill, so Mia takes over again.', said);
    case 'thanks':
      return handOver('mia', 'Glad I could help. I am handing you back to Mia.', 'The billing question is answered.');
    case 'billing':
    case 'order':
    case 'greeting':
    case 'other':
      if (number !== undefined)
        return { say: 'Ben from billing here. I am looking at that order.', call: { name: 'lookup_order', arguments: { number } } };
      return own.length === 0
        ? { say: 'Hello, Ben from billing here. What is the order number? It has five digits, for example 12345.' }
        : { say: 'To look at a bill I need the order number; it has five digits. Or say “thanks” and I hand you back to Mia.' };
  }
}

function explainCharges(order: Order): Answer {
  const [first, second] = order.charges;
  if (first !== undefined && second !== undefined) {
    return {
      say:
        `I can see both charges for order ${order.number}: ${first.amount} and ${second.amount}, on ${first.date}. ` +
        'The second was a retry that should have been voided. Shall I send the money back?',
    };
  }
  return {
    say: `Order ${order.number} was charged once: ${first?.amount ?? '€0.00'} on ${first?.date ?? 'no date'}, for ${order.item}. That looks right to me. Is anything wrong with it?`,
  };
}

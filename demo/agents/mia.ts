/** Mia answers first: she greets, finds out what it is about, and brings in whoever knows best. */
import type { Answer, Conversation } from './script.js';
import { isOrder, orderNumberIn } from './orders.js';
import { handOver } from './hand-over.js';
import { topicOf } from './topics.js';

export function mia({ said, own, results, takenOverFrom }: Conversation): Answer {
  const order = results.get('lookup_order');
  if (order !== undefined) {
    return isOrder(order)
      ? { say: `Order ${order.number}, ${order.item}, is ${order.status}. Is there anything else I can do?` }
      : { say: 'I cannot find that order. Could you check the number? It has five digits, for example 20817.' };
  }
  const topic = topicOf(said);
  // Back from a colleague: what the customer asked them is no question to her.
  if (/\bback\b/i.test(said) || takenOverFrom === 'human') return { say: 'Here I am again. What can I do for you?' };
  switch (topic) {
    case 'human':
      return handOver('human', 'Of course. I am getting a colleague for you; they can read everything we have written.', said);
    case 'billing':
      return handOver('ben', 'That is one for billing. Let me bring in Ben.', said);
    case 'technical':
      return handOver('tara', 'That sounds technical. Let me bring in Tara.', said);
    case 'order': {
      const number = orderNumberIn([said]);
      return number === undefined
        ? { say: 'I am happy to look. What is the order number? It has five digits, for example 20817.' }
        : { say: 'One moment, I am looking it up.', call: { name: 'lookup_order', arguments: { number } } };
    }
    case 'thanks':
      return { say: 'You are welcome. Have a lovely day!' };
    case 'greeting':
      return own.length === 0
        ? { say: 'Hello, I am Mia. Is it about an order, about a bill, or about something that does not work?' }
        : { say: 'Hello again! What can I do for you?' };
    case 'other':
      return { say: 'I want to get you to the right person. Is it about an order, about a bill, or about something that does not work?' };
  }
}

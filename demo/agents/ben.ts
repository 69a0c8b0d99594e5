/** Ben looks after bills and refunds. */
import type { Answer, Conversation } from './script.js';
import { handOver } from './hand-over.js';
import { isOrder, type Order } from './orders.js';
import { answerIn, understand } from './topics.js';

const OFFER_REFUND = 'Shall I send the money back?';
const ASKED_FOR_LEAVE = 'A colleague has to allow it; I have asked and will tell you here.';
const ANYTHING_WRONG = 'Is anything wrong with it?';
const OFFER_PERSON = 'Shall I get a colleague who can look closer?';
const MORE = 'Anything else about the bill?';
const TIME = 'within three working days';

export function ben({ said, customer, own, results, asked }: Conversation): Answer {
  const order = results.get('lookup_order');
  if (order !== undefined)
    return isOrder(order) ? explainCharges(order, own) : { say: 'That order is not in our books. Could you check the number? It has five digits.' };

  const paid = results.get('refund');
  if (paid !== undefined) return afterRefund(paid, understand(asked).order ?? lastOrder(own));

  const { topic, order: number, wrongNumber } = understand(said);
  const answer = answerIn(said);
  if (topic === 'human') return person(said);
  if (asked.includes(OFFER_PERSON) && answer !== undefined) return answer === 'yes' ? person(said) : { say: `Then I leave it as it is. ${MORE}` };
  if (asked.includes(OFFER_REFUND)) {
    if (answer === 'yes') return askForLeave(asked);
    if (answer === 'no') return { say: `Then I leave it as it is. ${MORE}` };
  }
  // Whatever he has said since stands behind it.
  if (asked.endsWith(ASKED_FOR_LEAVE) && !MOVES_ON.has(topic)) return { say: 'My colleague has not decided yet. I tell you as soon as I know.' };
  if (asked.includes(ANYTHING_WRONG) && topic !== 'thanks' && answer !== 'no' && number === undefined) return { say: `I see. ${OFFER_PERSON}` };
  if (topic === 'thanks' || topic === 'bye' || (answer === 'no' && (asked.includes(MORE) || asked.includes(ANYTHING_WRONG)))) {
    return handOver('mia', 'Glad I could help. I am handing you back to Mia.', 'The billing question is answered.');
  }
  if (topic === 'technical' || topic === 'change' || (topic === 'order' && number === undefined && wrongNumber === undefined && own.length > 0)) {
    return handOver('mia', 'That is not about the bill, so Mia takes over again.', said);
  }
  if (/\b(how long|when|how many days)\b/i.test(said) && own.some((words) => words.includes(TIME))) {
    return { say: `The money is on your account ${TIME}; the bank decides the rest. ${MORE}` };
  }
  if (wrongNumber !== undefined) return { say: `${wrongNumber} cannot be an order: the numbers have five digits. Could you look again?` };

  const known = number ?? (own.length === 0 ? customer.map((words) => understand(words).order).findLast((found) => found !== undefined) : undefined);
  if (known !== undefined) {
    const hello = own.length === 0 ? 'Ben from billing here. I am looking at that order.' : 'One moment, I am looking at that order.';
    return { say: hello, call: { name: 'lookup_order', arguments: { number: known } } };
  }
  if (own.length === 0) return { say: 'Hello, Ben from billing here. What is the order number? It has five digits, for example 12345.' };
  if (answer === 'yes') return { say: 'Gladly. What is the order number?' };
  return { say: `Without the order number I cannot see a bill; it stands in the mail about your order. ${OFFER_PERSON}` };
}

/** What a customer may turn to while a colleague decides. */
const MOVES_ON: ReadonlySet<string> = new Set(['technical', 'change', 'order', 'thanks', 'bye']);

function askForLeave(offer: string): Answer {
  const { order } = understand(offer);
  const amount = offer.match(/€\d+\.\d\d/g)?.at(-1);
  if (order === undefined || amount === undefined) return { say: `Something is missing here. ${OFFER_PERSON}` };
  return { say: `Gladly: ${amount} for order ${order}. ${ASKED_FOR_LEAVE}`, call: { name: 'refund', arguments: { number: order, amount } } };
}

function afterRefund(paid: unknown, order: string | undefined): Answer {
  if (typeof paid === 'object' && paid !== null && 'refunded' in paid) {
    return { say: `Done. ${refundFor(order)} is on its way and will be on your account ${TIME}. ${MORE}` };
  }
  return { say: `I am sorry, the refund was not allowed. ${OFFER_PERSON}` };
}

function lastOrder(own: readonly string[]): string | undefined {
  return own.map((words) => understand(words).order).findLast((found) => found !== undefined);
}

function refundFor(number: string | undefined): string {
  return number === undefined ? 'The refund' : `The refund for order ${number}`;
}

function explainCharges(order: Order, own: readonly string[]): Answer {
  if (own.some((words) => words.includes(refundFor(order.number)))) return { say: `${refundFor(order.number)} is under way already. ${MORE}` };
  const [first, second] = order.charges;
  if (first !== undefined && second !== undefined) {
    return {
      say:
        `I can see both charges for order ${order.number}: ${first.amount} and ${second.amount}, on ${first.date}. ` +
        `The second was a retry that should have been voided. ${OFFER_REFUND}`,
    };
  }
  return {
    say: `Order ${order.number} was charged once: ${first?.amount ?? '€0.00'} on ${first?.date ?? 'no date'}, for ${order.item}. That looks right to me. ${ANYTHING_WRONG}`,
  };
}

function person(said: string): Answer {
  return handOver('human', 'I understand. I am getting a colleague for you; they can read everything we have written.', said);
}

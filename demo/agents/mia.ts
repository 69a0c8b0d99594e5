/** Mia answers first: she greets, answers what is simple, and brings in whoever knows best. */
import type { Answer, Conversation } from './script.js';
import { handOver } from './hand-over.js';
import { isOrder } from './orders.js';
import { answerIn, understand, type Topic } from './topics.js';

const SUBJECTS = 'Is it about an order, about a bill, or about something that does not work?';
const ASK_NUMBER = 'What is the order number? It has five digits, for example 20817.';
const MORE = 'Is there anything else I can do?';
const OFFER_PERSON = 'Shall I get a colleague?';

export function mia(conversation: Conversation): Answer {
  const { said, customer, own, results, takenOverFrom, asked } = conversation;
  const order = results.get('lookup_order');
  if (order !== undefined) {
    return isOrder(order)
      ? { say: `Order ${order.number}, ${order.item}, ${order.status}. ${MORE}` }
      : { say: `I cannot find that order. Could you check the number? It has five digits, for example 20817.` };
  }
  const { topic, order: number, wrongNumber } = understand(said);
  if (takenOverFrom !== undefined) return backAgain(takenOverFrom, topic, said);

  const answer = answerIn(said);
  if (asked.includes(OFFER_PERSON)) {
    if (answer === 'yes') return person(said);
    if (answer === 'no') return { say: `All right. I am here when you need me. ${MORE}` };
  }
  if (asked.includes(ASK_NUMBER) && (topic === 'no' || topic === 'other') && wrongNumber === undefined) {
    return { say: `The number stands in the mail about your order. ${OFFER_PERSON}` };
  }
  if (asked.includes(MORE) && answer === 'no') return { say: 'Then have a lovely day!' };
  if (wrongNumber !== undefined) return { say: `${wrongNumber} cannot be an order: the numbers have five digits. Could you look again?` };

  switch (topic) {
    case 'human':
      return person(said);
    case 'billing':
      return handOver('ben', 'That is one for billing. Let me bring in Ben.', said);
    case 'technical':
      return handOver('tara', 'That sounds technical. Let me bring in Tara.', said);
    case 'order': {
      // “When will it arrive?” is about the order that was spoken of before.
      const known = number ?? customer.map((words) => understand(words).order).findLast((found) => found !== undefined);
      return known === undefined
        ? { say: `I am happy to look. ${ASK_NUMBER}` }
        : { say: 'One moment, I am looking it up.', call: { name: 'lookup_order', arguments: { number: known } } };
    }
    case 'change':
      return { say: `Returns and changes are something only a person may do here. ${OFFER_PERSON}` };
    case 'shop':
      return {
        say: 'We sell small electronics, send them within two days and take them back for thirty. The chat is open day and night. What else would you like to know?',
      };
    case 'who':
      return {
        say: 'I am Mia. I can look up an order; for bills I bring in Ben, for devices Tara, and a person whenever you like one better. What is it about?',
      };
    case 'small_talk':
      return /\bhow\b/i.test(said)
        ? { say: 'Very well, thank you. And what can I do for you?' }
        : { say: `I am better at parcels than at jokes and the weather. ${SUBJECTS}` };
    case 'thanks':
    case 'bye':
      return { say: 'You are welcome. Have a lovely day!' };
    case 'greeting':
      return own.length === 0 ? { say: `Hello, I am Mia. ${SUBJECTS}` } : { say: 'Hello again! What can I do for you?' };
    case 'foreign':
      return { say: `I am sorry, I speak only English. ${OFFER_PERSON}` };
    case 'yes':
      return { say: 'Gladly. What is it about?' };
    case 'no':
      return { say: 'All right, then you and I go on. What is it about?' };
    case 'other':
      return lost(conversation);
  }
}

/** What was said to a colleague is no question to her, unless it is why they gave the conversation back. */
function backAgain(from: string, topic: Topic, said: string): Answer {
  if (from === 'ben' && topic === 'technical') return handOver('tara', 'That sounds technical. Let me bring in Tara.', said);
  if (from === 'tara' && topic === 'billing') return handOver('ben', 'That is one for billing. Let me bring in Ben.', said);
  if (from !== 'human' && (topic === 'order' || topic === 'change')) return mia({ ...EMPTY, said, customer: [said] });
  if (from !== 'human' && (topic === 'thanks' || topic === 'bye')) return { say: 'You are welcome. Have a lovely day!' };
  return { say: 'Here I am again. What can I do for you?' };
}

const EMPTY: Conversation = { said: '', customer: [], own: [], asked: '', results: new Map(), takenOverFrom: undefined };

function person(said: string): Answer {
  return handOver('human', 'Of course. I am getting a colleague for you; they can read everything we have written.', said);
}

/** Saying the same words again helps nobody: each time she offers more. */
function lost({ said, own }: Conversation): Answer {
  if (said.includes('••••')) return { say: `I never need such a number, and it was taken out before anybody read it. ${SUBJECTS}` };
  const before = own.slice(-2).filter((words) => words.startsWith(LOST)).length;
  if (before === 0) return { say: `${LOST} ${SUBJECTS}` };
  return before === 1
    ? { say: `${LOST} I can look up an order by its five digits, and bring in Ben for a bill or Tara for a device. Which would you like?` }
    : { say: `${LOST} ${OFFER_PERSON}` };
}

const LOST = 'I am not sure I understand.';

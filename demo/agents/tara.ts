/** Tara helps with what does not work. She goes step by step, and knows by her own words how far she is. */
import type { Answer, Conversation } from './script.js';
import { handOver } from './hand-over.js';
import { topicOf } from './topics.js';

const FIRST_STEP = 'unplug it for ten seconds';
const SECOND_STEP = 'small reset button';

export function tara({ said, own }: Conversation): Answer {
  const topic = topicOf(said);
  if (topic === 'human') return handOver('human', 'Of course. I am getting a colleague for you; they can read everything we have written.', said);
  if (topic === 'billing') return handOver('mia', 'That is about the bill, so Mia takes over again.', said);
  if (topic === 'thanks' || /\b(works|working|solved|fixed|yes)\b/i.test(said)) {
    return own.length === 0
      ? { say: 'Hello, Tara here. What exactly does not work?' }
      : handOver('mia', 'Wonderful. I am handing you back to Mia.', 'The device works again.');
  }
  const step = own.filter((text) => text.includes(FIRST_STEP) || text.includes(SECOND_STEP)).length;
  switch (step) {
    case 0:
      return { say: `Hello, Tara here. Let us try the simple thing first: please ${FIRST_STEP} and plug it in again. Does it work now?` };
    case 1:
      return { say: `Thank you for trying. There is a ${SECOND_STEP} on the back: hold it until the light blinks. Does it work now?` };
    default:
      return handOver(
        'human',
        'Then it needs a pair of hands. I am getting a colleague who can arrange a replacement.',
        'Restart and reset did not help.',
      );
  }
}

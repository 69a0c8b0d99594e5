/** Tara helps with what does not work. She goes step by step, and knows by her own words how far she is. */
import type { Answer, Conversation } from './script.js';
import { handOver } from './hand-over.js';
import { answerIn, understand } from './topics.js';

interface Advice {
  /** Words that ask for it; the last one is for everything else. */
  readonly about: RegExp;
  readonly steps: readonly string[];
  readonly why: string;
}

const ADVICE: readonly Advice[] = [
  {
    about: /\b(password|log ?in|account|sign ?in)\b/i,
    steps: [
      'please choose “Forgotten password” on the page and open the mail you get',
      'please look into the spam folder, and ask for the mail once more',
    ],
    why: 'A new password is quicker than finding out what became of the old one.',
  },
  {
    about: /\b(keyboard|mouse|batter(y|ies)|bluetooth|headphones?)\b/i,
    steps: ['please put in fresh batteries and switch it off and on', 'please hold the pairing button until the light blinks, and connect it anew'],
    why: 'Weak batteries are the most frequent reason by far.',
  },
  {
    about: /./,
    steps: [
      'please unplug it for ten seconds and plug it in again',
      'there is a small reset button on the back: please hold it until the light blinks',
    ],
    why: 'It clears what is stuck inside; it helps more often than one would think.',
  },
];

const SOLVED = /\b(works|working|worked|solved|fixed|helped|better)\b/i;
const UNSOLVED = /\b(not|no|still|never|nothing|cannot|\w+n['’]?t)\b/i;

export function tara({ said, customer, own, asked }: Conversation): Answer {
  const { topic } = understand(said);
  if (topic === 'human') return handOver('human', 'Of course. I am getting a colleague for you; they can read everything we have written.', said);
  if (topic === 'billing') return handOver('mia', 'That is about the bill, so Mia takes over again.', said);
  if (own.length > 0 && (topic === 'change' || topic === 'order')) return handOver('mia', 'Mia knows more about that; she takes over again.', said);

  const { steps, why } = adviceFor(customer);
  const step = own.filter((words) => steps.some((one) => words.includes(one))).length;
  if (own.length > 0) {
    const isSolved = UNSOLVED.test(said) ? false : topic === 'thanks' || topic === 'bye' || SOLVED.test(said) || answerIn(said) === 'yes';
    if (isSolved) return handOver('mia', 'Wonderful. I am handing you back to Mia.', 'The device works again.');
    if (/^\W*(why|how|what)\b/i.test(said) && steps.some((one) => asked.includes(one)))
      return { say: `${why} Take your time, and tell me: does it work now?` };
  }
  const next = steps[step];
  if (next === undefined) {
    return handOver(
      'human',
      'Then it needs a pair of hands. I am getting a colleague who can arrange a replacement.',
      `Neither of the ${steps.length} steps helped.`,
    );
  }
  return {
    say:
      step === 0
        ? `Hello, Tara here. Let us try the simple thing first: ${next}. Does it work now?`
        : `Thank you for trying. Next, ${next}. Does it work now?`,
  };
}

/** For what the customer spoke of last. */
function adviceFor(customer: readonly string[]): Advice {
  const [general] = ADVICE.slice(-1);
  const special = ADVICE.slice(0, -1);
  for (const words of [...customer].reverse()) {
    const found = special.find(({ about }) => about.test(words));
    if (found !== undefined) return found;
    if (understand(words).topic === 'technical') break;
  }
  if (general === undefined) throw new Error('There is no advice for everything else.');
  return general;
}

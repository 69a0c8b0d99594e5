/** What a message is about, as far as a handful of words can tell: a model made of rules has no other way to understand. */
export type Topic =
  | 'human'
  | 'billing'
  | 'change'
  | 'technical'
  | 'order'
  | 'shop'
  | 'who'
  | 'small_talk'
  | 'thanks'
  | 'bye'
  | 'greeting'
  | 'yes'
  | 'no'
  | 'foreign'
  | 'other';

export interface Meaning {
  readonly topic: Topic;
  /** The last five-digit number in it. */
  readonly order: string | undefined;
  /** A number that was meant as one, and is too short or too long. */
  readonly wrongNumber: string | undefined;
}

/** What these say counts whatever else is said. */
const FIRST: readonly (readonly [Topic, RegExp])[] = [
  ['no', /\b(dont|do not|no need|not) .{0,20}\b(human|person|colleague)\b|\bnot about\b/],
  ['human', /\b(talk|speak|chat|connect)\w* .{0,15}\b(someone|somebody|anyone|anybody|people|real)\b/],
  ['technical', /\b(does|do|will)(nt| not) charge\b/],
  ['shop', /\b(how (long|much) (is|does|do) .{0,12}(delivery|shipping)|opening hours|when are you open|do you (sell|have|offer))\b/],
];

/** Earlier topics count more: a refund for an order is about the bill. `*`: whatever the word ends with. */
const WORDS: readonly (readonly [Topic, string])[] = [
  ['human', 'human person persons manager* supervisor* operator* complain* colleague sam'],
  ['billing', 'bill bil bills billed billing invoice* charge charged charges refund* pay paying paid payment* money price* twice overcharged ben'],
  ['change', 'cancel* return returns returning exchange* replace* change* swap address'],
  [
    'technical',
    'broken broke defect* dead wifi router* internet offline error* crash* reset restart* reboot* login password* blink* device* technical tara',
  ],
  ['order', 'order orders ordered parcel* package* deliver* ship* arriv* track* dispatch* courier'],
  ['shop', 'open hours sell buy stock store shop discount* voucher* warranty guarantee'],
  ['who', 'who bot robot assistant help name'],
  ['small_talk', 'joke weather sing story'],
  ['thanks', 'thanks thank thx ty great perfect awesome wonderful excellent'],
  ['bye', 'bye goodbye cheers'],
  ['greeting', 'hi hello helo hey hallo morning afternoon evening'],
];

const PHRASES: readonly (readonly [Topic, RegExp])[] = [
  [
    'technical',
    /\b(does|do|did|is|are|wont|cant)(nt| not)? (work|start|connect|turn|respond|load|print)|\bnothing works|stopped working|wi fi|log in\b/,
  ],
  ['order', /\bwhere is\b|\bwhen (will|does|is) it (arrive|come|get)\b/],
  ['small_talk', /\bhow are you|how is it going|whats up\b/],
  ['who', /\bwhat (are you|can you do)\b/],
  ['thanks', /\b(that is|thats) (all|it)\b|\ball good\b/],
];

const YES = /^(yes|yeah|yep|yup|sure|of course|ok|okay|please|correct|right|do it|go ahead|fine|alright)\b/;
const NO = /^(no|nope|nah|not really|never mind|nothing)\b/;
const FOREIGN = /\b(ich|und|nicht|bitte|rechnung|hola|gracias|por|que|bonjour|merci|facture|est|grazie|obrigado)\b/;
/** Who wants something has said it by then. */
const MOST_LETTERS = 500;

export function understand(text: string): Meaning {
  const words = plainWords(text);
  const sentence = words.join(' ');
  const numbers = text.slice(0, MOST_LETTERS).match(/(?<!\d)\d{4,9}(?!\d)/g) ?? [];
  const order = numbers.findLast((number) => number.length === 5);
  const topic = topicOf(words, sentence) ?? (order !== undefined ? 'order' : (answerIn(text) ?? (FOREIGN.test(sentence) ? 'foreign' : 'other')));
  const isNumberMeant = order === undefined && !text.includes('•') && (topic === 'order' || words.length === 1);
  return { topic, order, wrongNumber: isNumberMeant ? numbers.at(-1) : undefined };
}

/** Whether a short answer agrees, whatever else it says: “yes, it works”, “no, thanks”. */
export function answerIn(text: string): 'yes' | 'no' | undefined {
  const words = plainWords(text);
  if (words.length > 8) return undefined;
  const sentence = words.join(' ');
  if (NO.test(sentence)) return 'no';
  return YES.test(sentence) || words.includes('yes') || words.includes('please') ? 'yes' : undefined;
}

function topicOf(words: readonly string[], sentence: string): Topic | undefined {
  const first = FIRST.find(([, pattern]) => pattern.test(sentence))?.[0];
  if (first !== undefined) return first;
  const found = new Set(PHRASES.flatMap(([topic, pattern]) => (pattern.test(sentence) ? [topic] : [])));
  for (const word of words) {
    const exact = KEYWORDS.filter(({ fits }) => fits(word));
    for (const { topic } of exact.length > 0 || word.length < 5 ? exact : KEYWORDS.filter(({ nearly }) => nearly(word))) found.add(topic);
  }
  return WORDS.find(([topic]) => found.has(topic))?.[0];
}

const KEYWORDS = WORDS.flatMap(([topic, words]) =>
  words.split(' ').map((entry) => {
    const isStem = entry.endsWith('*');
    const word = isStem ? entry.slice(0, -1) : entry;
    return {
      topic,
      fits: (given: string): boolean => (isStem ? given.startsWith(word) : given === word),
      nearly: (given: string): boolean => word.length >= 5 && isOneSlipAway(given, word),
    };
  }),
);

/** Lower case, without accents, apostrophes and signs. */
function plainWords(text: string): readonly string[] {
  const plain = text
    .slice(0, MOST_LETTERS)
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{M}|['’]/gu, '');
  return plain.match(/[\p{L}\d]+/gu) ?? [];
}

/** One letter wrong, missing or too many, or two in the wrong order. */
function isOneSlipAway(one: string, other: string): boolean {
  let from = 0;
  while (from < one.length && one[from] === other[from]) from++;
  const [a, b] = [one.slice(from), other.slice(from)];
  return a.slice(1) === b.slice(1) || a.slice(1) === b || a === b.slice(1) || (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2));
}

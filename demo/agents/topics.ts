/** What a message is about, as far as a handful of words can tell. */
export type Topic = 'human' | 'billing' | 'technical' | 'order' | 'greeting' | 'thanks' | 'other';

const WORDS: readonly (readonly [Topic, RegExp])[] = [
  ['human', /\b(human|person|somebody real|someone real|manager|supervisor|complain\w*)\b/i],
  ['billing', /\b(bill\w*|invoice\w*|charge[ds]?|charging|refund\w*|pa(y|id|yment)s?|money|price|card|twice)\b/i],
  [
    'technical',
    /\b(broken|wi-?fi|router|internet|offline|error|crash\w*|reset|restart|log ?in|password|light|blink\w*|does(n't| not) work|slow|device)\b/i,
  ],
  ['order', /\b(order|parcel|package|deliver\w*|shipp\w*|arriv\w*|where is)\b|(?<!\d)\d{5}(?!\d)/i],
  ['thanks', /\b(thanks?|thank you|great|perfect|bye|goodbye|that('s| is) all|all good|no,? that)\b/i],
  ['greeting', /\b(hi|hello|hey|good (morning|afternoon|evening))\b/i],
];

export function topicOf(text: string): Topic {
  return WORDS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
}

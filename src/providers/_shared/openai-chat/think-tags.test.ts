/** Telling thoughts from words by their tags. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { ThinkTags } from './think-tags.js';

function told(pieces: readonly string[], startsThinking = false): { words: string; thoughts: string } {
  const tags = new ThinkTags(startsThinking);
  const all = [...pieces.flatMap((piece) => tags.take(piece)), ...tags.end()];
  const of = (type: string): string => all.map((said) => (said.type === type ? said.text : '')).join('');
  return { words: of('text_delta'), thoughts: of('thinking_delta') };
}

/** The same told from the whole text, by its parts between tags. */
function parted(text: string, startsThinking: boolean): { words: string; thoughts: string } {
  let words = '';
  let thoughts = '';
  let rest = text;
  for (let isThinking = startsThinking; ; isThinking = !isThinking) {
    const tag = isThinking ? '</think>' : '<think>';
    const [part = ''] = rest.split(tag, 1);
    if (isThinking) thoughts += part;
    else words += part;
    if (part.length === rest.length) return { words, thoughts };
    rest = rest.slice(part.length + tag.length);
  }
}

function bare(text: string): string {
  return text.replace(/\s/g, '');
}

describe('thoughts between tags', () => {
  it.each([
    ['Hello.', 'Hello.', ''],
    ['<think>\nHm.\n</think>\n\nHello.', 'Hello.', 'Hm.'],
    ['<think></think>Hello.', 'Hello.', ''],
    ['<think>\n\n</think>\n\nHello.', 'Hello.', ''],
    ['One. <think>Hm.</think> Two.', 'One. Two.', 'Hm.'],
    ['<think>One.</think>A<think>Two.</think>B', 'AB', 'One.Two.'],
    ['<think>It never ends ', '', 'It never ends'],
    ['a < b, and <thin', 'a < b, and <thin', ''],
    ['<think>a </thin b</think>c', 'c', 'a </thin b'],
    ['  indented\n', '  indented\n', ''],
    ['Hello.</think>', 'Hello.</think>', ''],
  ])('are told from words in %j', (text, words, thoughts) => {
    verifies('AIP-07');
    expect(told([text])).toEqual({ words, thoughts });
    expect(told([...text])).toEqual({ words, thoughts });
  });

  it('may have been opened by the template', () => {
    verifies('AIP-07');
    expect(told(['\nHm.\n</thi', 'nk>\n\nHello.'], true)).toEqual({ words: 'Hello.', thoughts: 'Hm.' });
  });

  it('are the same wherever the text is cut, and only tags and white space are lost', () => {
    verifies('AIP-07');
    const piece = fc.constantFrom('<think>', '</think>', '<', '</', 'think>', '<thi', 'nk>', ' ', '\n', 'word', 'é🙂', '>', '<think', '</think');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(200), { maxLength: 20 }), fc.boolean(), (pieces, cuts, startsThinking) => {
        const text = pieces.join('');
        const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
        const cut = [0, ...at].map((from, n) => text.slice(from, at[n] ?? text.length));
        const whole = told([text], startsThinking);
        expect(told(cut, startsThinking)).toEqual(whole);
        const { words, thoughts } = parted(text, startsThinking);
        expect(bare(whole.words)).toBe(bare(words));
        expect(bare(whole.thoughts)).toBe(bare(thoughts));
      }),
      { numRuns: 2000 },
    );
  });
});

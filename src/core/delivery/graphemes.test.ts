import { describe, expect, it } from 'vitest';
import { graphemesOf } from './graphemes.js';

const FAMILY = '👨‍👩‍👧‍👦';
const whole = (text: string): string[] => [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment);

describe('graphemes', () => {
  it.each([
    ['nothing', ''],
    ['letters', 'abc'],
    ['more than is looked at at once', 'x'.repeat(1000)],
    ['pairs at every border', `${'a'.repeat(255)}😀${'b'.repeat(254)}😀`],
    ['families, flags and accents', `${FAMILY}🇩🇪🇫🇷e\u0301\r\n`.repeat(60)],
    ['flags only', '🇩🇪'.repeat(200)],
    ['flags behind one letter', `a${'🇩🇪'.repeat(200)}`],
    ['a family across the border', `${'a'.repeat(250)}${FAMILY}b`],
    ['halves of pairs', '\ud83d'.repeat(300)],
  ])('are those of the whole text: %s', (_what, text) => {
    expect([...graphemesOf(text)]).toEqual(whole(text));
  });

  it('lose nothing of one that is longer than what is looked at', () => {
    const monster = `e${'\u0301'.repeat(1000)}z`;
    expect([...graphemesOf(monster)].join('')).toBe(monster);
  });
});

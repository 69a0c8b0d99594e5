import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { ValidationError } from '../errors.js';
import { smsSegments, splitSms } from './sms-segments.js';

const FAMILY = '👨‍👩‍👧‍👦';

describe('segments of a text message', () => {
  it('F26 GSM-7 and UCS-2 are counted as carriers do', () => {
    verifies('F26');
    expect(smsSegments('')).toEqual({ encoding: 'gsm7', segments: 0, units: 0 });
    for (const [length, segments] of [
      [1, 1],
      [160, 1],
      [161, 2],
      [306, 2],
      [307, 3],
      [1530, 10],
      [1531, 11],
    ] as const)
      expect(smsSegments('a'.repeat(length))).toEqual({ encoding: 'gsm7', segments, units: length });
    for (const [length, segments] of [
      [1, 1],
      [70, 1],
      [71, 2],
      [134, 2],
      [135, 3],
      [670, 10],
    ] as const)
      expect(smsSegments('ж'.repeat(length))).toEqual({ encoding: 'ucs2', segments, units: length });
    expect(smsSegments('@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ')).toEqual({ encoding: 'gsm7', segments: 1, units: 31 });
    expect(smsSegments('\f^{}\\[~]|€')).toEqual({ encoding: 'gsm7', segments: 1, units: 20 });
    // Looks like one of the alphabet, and is none.
    for (const outside of ['ç', '`', 'Á', '’', '\t', '—', '\u001b', '\u00a0']) expect(smsSegments(`a${outside}`).encoding).toBe('ucs2');
  });

  it('keep escapes, surrogate pairs and graphemes whole, and lose the unit before them', () => {
    verifies('F26');
    expect(smsSegments('€'.repeat(80))).toEqual({ encoding: 'gsm7', segments: 1, units: 160 });
    expect(smsSegments('€'.repeat(153))).toEqual({ encoding: 'gsm7', segments: 3, units: 306 });
    expect(smsSegments(`${'a'.repeat(152)}€${'a'.repeat(152)}`)).toEqual({ encoding: 'gsm7', segments: 3, units: 306 });
    expect(smsSegments('😀'.repeat(35))).toEqual({ encoding: 'ucs2', segments: 1, units: 70 });
    expect(smsSegments('😀'.repeat(67))).toEqual({ encoding: 'ucs2', segments: 3, units: 134 });
    // 11 units each: six of them in a segment, never the half of one.
    expect(smsSegments(FAMILY.repeat(13))).toEqual({ encoding: 'ucs2', segments: 3, units: 143 });
    // One that no segment holds is parted between its characters.
    expect(smsSegments(`e${'\u0301'.repeat(140)}`)).toEqual({ encoding: 'ucs2', segments: 3, units: 141 });
  });

  it('F26 a text is split where carriers end, each part in its own encoding', () => {
    verifies('F26', 'TRC-03');
    expect(splitSms('hi')).toEqual(['hi']);
    expect(splitSms('')).toEqual(['']);
    expect(splitSms('a'.repeat(160), { maxSegments: 1 })).toEqual(['a'.repeat(160)]);
    expect(splitSms('a'.repeat(161), { maxSegments: 1 })).toEqual(['a'.repeat(160), 'a']);
    expect(splitSms('a'.repeat(1531))).toEqual(['a'.repeat(1530), 'a']);
    expect(splitSms('ж'.repeat(71), { maxSegments: 1 })).toEqual(['ж'.repeat(70), 'ж']);
    // 1,530 units of GSM-7 go as one message; with the emoji as well they would be 23 segments.
    const parts = splitSms(`${'a'.repeat(1530)}😀`);
    expect(parts).toEqual(['a'.repeat(1530), '😀']);
    expect(splitSms(`${'word '.repeat(40)}${FAMILY}`, { maxSegments: 1 }).map((part) => part.length)).toEqual([159, 51]);
    expect(splitSms(FAMILY.repeat(7), { maxSegments: 1 })).toEqual([FAMILY.repeat(6), FAMILY]);
    for (const maxSegments of [0, -1, 1.5, Number.NaN, Infinity]) expect(() => splitSms('a', { maxSegments })).toThrow(ValidationError);
  });

  it('hold whatever is written: nothing is lost, nothing too long', () => {
    verifies('F26');
    const word = fc.constantFrom('a', 'hello', '€', '{x}', '😀', FAMILY, 'ж', ' ', '\n\n', '. ', 'Ω', '\ud800', 'x'.repeat(200), 'e\u0301');
    const text = fc.array(fc.oneof(word, fc.string({ unit: 'grapheme', maxLength: 20 })), { maxLength: 60 }).map((words) => words.join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 4 }), (given, maxSegments) => {
        const { encoding, segments, units } = smsSegments(given);
        const { alone, each, widest } = encoding === 'gsm7' ? { alone: 160, each: 153, widest: 2 } : { alone: 70, each: 67, widest: 67 };
        if (units <= alone) expect(segments).toBe(units === 0 ? 0 : 1);
        else {
          expect(segments).toBeGreaterThanOrEqual(Math.ceil(units / each));
          expect(segments).toBeLessThanOrEqual(Math.ceil((2 * units) / (each - widest + 2)) + 1);
        }
        const parts = splitSms(given, { maxSegments });
        for (const part of parts) expect(smsSegments(part).segments).toBeLessThanOrEqual(maxSegments);
        expect(parts.join('').replace(/\s/g, '')).toBe(given.replace(/\s/g, ''));
        if (segments <= maxSegments) expect(parts).toEqual([given]);
      }),
      { seed: 48, numRuns: 300 },
    );
    expect(splitSms('long words and 😀 '.repeat(20_000), { maxSegments: 1 }).length).toBeGreaterThan(4000);
  });
});

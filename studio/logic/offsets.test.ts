import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Offsets } from './offsets.js';

describe('offsets', () => {
  it('are the guess until a row is measured', () => {
    const offsets = new Offsets(50);
    offsets.resize(4);
    expect([0, 1, 4].map((row) => offsets.top(row))).toEqual([0, 50, 200]);
    expect(offsets.measure(1, 80)).toBe(30);
    expect(offsets.measure(1, 80)).toBe(0);
    expect([1, 2, 4].map((row) => offsets.top(row))).toEqual([50, 130, 230]);
    expect([0, 49, 50, 129, 130, 1000].map((position) => offsets.at(position))).toEqual([0, 0, 1, 1, 2, 3]);
  });

  it('keep what is known when rows come before the first', () => {
    const offsets = new Offsets(10);
    offsets.resize(2);
    offsets.measure(0, 30);
    offsets.resize(5, 3);
    expect([3, 4, 5].map((row) => offsets.top(row))).toEqual([30, 60, 70]);
  });

  it('agree with a plain sum, whatever is measured, added and cut', () => {
    const step = fc.oneof(
      fc.record({ measure: fc.nat(40), height: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ resize: fc.nat(40) }),
      fc.record({ prepend: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const offsets = new Offsets(20);
        let plain: (number | undefined)[] = [];
        for (const one of steps) {
          if ('measure' in one) {
            offsets.measure(one.measure, one.height);
            if (one.measure < plain.length) plain[one.measure] = one.height;
          } else if ('resize' in one) {
            offsets.resize(one.resize);
            plain = Array.from({ length: one.resize }, (_, row) => plain[row]);
          } else {
            offsets.resize(plain.length + one.prepend, one.prepend);
            plain = [...new Array<undefined>(one.prepend).fill(undefined), ...plain];
          }
          let top = 0;
          for (const [row, height] of plain.entries()) {
            expect(offsets.top(row)).toBe(top);
            expect(offsets.at(top)).toBe(row);
            top += height ?? 20;
          }
          expect(offsets.total).toBe(top);
        }
      }),
      { numRuns: 60 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { formOf, formPairs } from './reading.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('forms of strangers', () => {
  it('keep the order of their pairs, and of a name that is given twice the first value', () => {
    verifies('PV-06');
    const body = bytes('b=2&a=1+1&b=%C3%A9&broken=%zz&=empty&alone');
    expect(formPairs(body)).toEqual([
      ['b', '2'],
      ['a', '1 1'],
      ['b', 'é'],
      ['broken', '%zz'],
      ['', 'empty'],
      ['alone', ''],
    ]);
    expect(formOf(body)).toEqual({ b: '2', a: '1 1', broken: '%zz', '': 'empty', alone: '' });
  });

  it('may be named as what every object has, and change no object', () => {
    verifies('PV-06');
    const form = formOf(bytes('constructor=c&toString=t&__proto__=p&hasOwnProperty=h&__proto__[x]=y'));
    expect(Object.entries(form)).toEqual([
      ['constructor', 'c'],
      ['toString', 't'],
      ['hasOwnProperty', 'h'],
      ['__proto__[x]', 'y'],
    ]);
    expect(Object.getPrototypeOf(form)).toBe(Object.prototype);
    expect('x' in {}).toBe(false);
  });

  it('are read anew when another call came between', () => {
    verifies('PV-06');
    const [first, second] = [bytes('a=1'), bytes('a=2')];
    expect([formOf(first), formOf(second), formOf(first)]).toEqual([{ a: '1' }, { a: '2' }, { a: '1' }]);
  });
});

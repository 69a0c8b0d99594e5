import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { isSampled, readTraceContext } from './trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${SPAN}-01`;

describe('the trace context of headers', () => {
  it('is read from a request and from a plain object, with what vendors have added', () => {
    verifies('TEL-08');
    const headers = new Headers({ Traceparent: PARENT, tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' });
    const expected = { traceparent: PARENT, tracestate: 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE' };
    expect(readTraceContext(headers)).toEqual(expected);
    expect(readTraceContext(expected)).toEqual(expected);
    expect(readTraceContext({ traceparent: `00-${TRACE}-${SPAN}-00` })).toEqual({ traceparent: `00-${TRACE}-${SPAN}-00` });
  });

  it('says whether its caller records it', () => {
    verifies('TEL-09');
    const sampled = ['00', '01', '02', '03'].map((flags) => isSampled(readTraceContext({ traceparent: `00-${TRACE}-${SPAN}-${flags}` }) ?? never()));
    expect(sampled).toEqual([false, true, false, true]);
  });

  it('is read of later versions, as far as it is known', () => {
    verifies('TEL-08');
    expect(readTraceContext({ traceparent: `cc-${TRACE}-${SPAN}-01-what-comes-later` })).toEqual({ traceparent: PARENT });
  });

  it.each([
    '',
    'nonsense',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}`,
    `${PARENT}, ${PARENT}`, // two headers, as a server joins them
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(600)}`,
    7,
  ])('is none where the header is malformed: %s', (traceparent) => {
    verifies('TEL-09');
    expect(readTraceContext({ traceparent })).toBeUndefined();
  });

  it('goes without additions that are too long, or not text', () => {
    verifies('TEL-09');
    expect(readTraceContext({ traceparent: PARENT, tracestate: 'x'.repeat(513) })).toEqual({ traceparent: PARENT });
    expect(readTraceContext({ traceparent: PARENT, tracestate: 'a=1\r\nset-cookie: b' })).toEqual({ traceparent: PARENT });
  });
});

function never(): never {
  throw new Error('It is well formed.');
}

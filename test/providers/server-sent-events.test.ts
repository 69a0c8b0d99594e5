/** Reading server-sent events: every kind of line's end, cut anywhere, and no more than was agreed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSentEvents, TooLongError, type ServerSentEvent } from '../../src/providers/_shared/server-sent-events.js';
import { verifies } from '../requirements.js';

function bodyOf(chunks: readonly Uint8Array[], onCancel: () => void = () => undefined): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = chunks[at++];
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
    cancel: onCancel,
  });
}

async function read(chunks: readonly Uint8Array[], maxBytes = 1_000_000): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(bodyOf(chunks), maxBytes)) events.push(event);
  return events;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** As it comes out of UTF-8: halves of letters do not. */
const wellFormed = (text: string): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(encode(text));

describe('serverSentEvents', () => {
  it('reads what the standard has as its examples', async () => {
    verifies('AIP-08');
    const of = async (text: string): Promise<[string, string][]> => (await read([encode(text)])).map(({ event, data }) => [event, data]);
    expect(await of('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual([['', 'YHOO\n+2\n10']]);
    expect(await of(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n')).toEqual([
      ['', 'first event'],
      ['', 'second event'],
      ['', ' third event'],
    ]);
    expect(await of('data\n\ndata\ndata\n\ndata:')).toEqual([
      ['', ''],
      ['', '\n'],
    ]);
    expect(await of('event: add\rdata: 1\r\r')).toEqual([['add', '1']]);
    expect(await of('\uFEFFdata: 1\r\n\r\nevent: alone\n\ndata: unfinished\n')).toEqual([['', '1']]);
  });

  it('reads the same wherever the bytes are cut, and whatever ends the lines', async () => {
    verifies('AIP-08');
    const line = fc.stringMatching(/^[^\r\n]{0,12}$/u);
    const event = fc.record({ event: line, lines: fc.array(line, { minLength: 1, maxLength: 3 }), end: fc.constantFrom('\n', '\r\n', '\r') });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 4 }), fc.array(fc.nat(200), { maxLength: 8 }), async (events, cuts) => {
        const text = events.map(({ event, lines, end }) => [`event: ${event}`, ...lines.map((one) => `data: ${one}`), '', ''].join(end)).join('');
        const bytes = encode(text);
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, n) => bytes.slice(at[n], end));
        expect(await read(chunks)).toEqual(
          events.map(({ event, lines }) => ({ event: wellFormed(event), data: wellFormed(lines.join('\n')), id: '' })),
        );
      }),
      { examples: [[[{ event: '', lines: ['é🙂'], end: '\r\n' }], [14, 15, 16, 17, 18, 19, 20]]] },
    );
  });

  it('ends for any bytes, and gives up those that are too many', async () => {
    verifies('PV-02');
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), async (chunks) => Array.isArray(await read(chunks))));
    await expect(read([encode('data: 12345\n\n'), encode('data: 12345\n\n')], 20)).rejects.toThrow(TooLongError);
  });

  it('tells ids and pauses as the standard has them, and counts the limit anew for each event', async () => {
    verifies('SRC-05');
    const told: unknown[] = [];
    const read = async (text: string, maxBytes = 1000): Promise<unknown[]> => {
      told.length = 0;
      const body = bodyOf([...encode(text)].map((byte) => Uint8Array.of(byte)));
      const options = { per: 'event', onRetry: (ms: number) => told.push(ms), onId: (id: string) => told.push(`id ${id}`) } as const;
      for await (const { data, id } of serverSentEvents(body, maxBytes, options)) told.push([id, data]);
      return [...told];
    };
    expect(await read('data: 1\n\nid: a\ndata: 2\n\ndata: 3\n\nid\ndata: 4\n\n')).toEqual([
      ['', '1'],
      ['a', '2'],
      ['a', '3'],
      ['', '4'],
    ]);
    expect(await read('id: a\n\nid: a\n\nid: b\0\ndata: x\n\nretry: 250\n\nretry: 1s\n\nretry:\n\n')).toEqual(['id a', ['a', 'x'], 250]);
    const long = `data: ${'x'.repeat(400)}\n\n`;
    expect(await read(`${long}${long}${': not counted\n'.repeat(200)}${long}`, 500)).toHaveLength(3);
    await expect(read(`data: ${'x'.repeat(600)}`, 500)).rejects.toThrow(TooLongError);
    await expect(read('data: 0123456789\n'.repeat(60), 500)).rejects.toThrow(TooLongError);
    await expect(read(`${'x'.repeat(600)}\n`, 500)).rejects.toThrow(TooLongError);
  });

  it('cancels the body when nobody reads on', async () => {
    verifies('PV-02');
    let isCancelled = false;
    const body = bodyOf([encode('data: 1\n\ndata: 2\n\n'), encode('data: 3\n\n')], () => (isCancelled = true));
    for await (const { data } of serverSentEvents(body, 1000)) if (data === '1') break;
    expect(isCancelled).toBe(true);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../test/requirements.js';
import { parseClientFrame } from './parse.js';

const parse = (frame: unknown) => parseClientFrame(JSON.stringify(frame));
const text = { type: 'text', body: 'Hi' };

describe('frames of clients', () => {
  it.each([
    [
      { type: 'hello', version: 1, token: 'rkc1.x.y' },
      { type: 'hello', version: 1, token: 'rkc1.x.y', streams: true },
    ],
    [
      { type: 'hello', version: 1, streams: false },
      { type: 'hello', version: 1, streams: false },
    ],
    [
      { type: 'subscribe', id: '1', roomId: 'r' },
      { type: 'subscribe', id: '1', roomId: 'r' },
    ],
    [
      { type: 'subscribe', id: '1', roomId: 'r', afterIndex: -1, as: 'sms' },
      { type: 'subscribe', id: '1', roomId: 'r', afterIndex: -1, as: 'sms' },
    ],
    [
      { type: 'unsubscribe', id: '1', roomId: 'r' },
      { type: 'unsubscribe', id: '1', roomId: 'r' },
    ],
    [
      { type: 'send', id: '1', roomId: 'r', content: 'Hi' },
      { type: 'send', id: '1', roomId: 'r', content: text },
    ],
    [
      { type: 'send', id: '1', roomId: 'r', content: text, parentEventId: 'e', metadata: { intent: 'billing' } },
      { type: 'send', id: '1', roomId: 'r', content: text, parentEventId: 'e', metadata: { intent: 'billing' } },
    ],
    [
      { type: 'typing', roomId: 'r', on: true },
      { type: 'typing', roomId: 'r', on: true },
    ],
    [
      { type: 'receipt', roomId: 'r', eventId: 'e' },
      { type: 'receipt', roomId: 'r', eventId: 'e' },
    ],
    [
      { type: 'reaction', roomId: 'r', eventId: 'e', emoji: '👍' },
      { type: 'reaction', roomId: 'r', eventId: 'e', emoji: '👍', action: 'add' },
    ],
    [
      { type: 'presence', status: 'away' },
      { type: 'presence', status: 'away' },
    ],
    [
      { type: 'auth', token: 't' },
      { type: 'auth', token: 't' },
    ],
    [
      { type: 'ping', t: 7 },
      { type: 'ping', t: 7 },
    ],
  ])('are read: %j', (given, expected) => {
    expect(parse(given)).toEqual({ frame: expected });
  });

  it('may hold fields nobody knows, which are left out', () => {
    verifies('WIRE-01');
    expect(parse({ type: 'typing', roomId: 'r', on: false, colour: 'red' })).toEqual({ frame: { type: 'typing', roomId: 'r', on: false } });
  });

  it('of a type nobody knows say so, with the id they came under', () => {
    verifies('WIRE-01', 'WIRE-14');
    expect(parse({ type: 'dance', id: '9' })).toEqual({
      error: 'unknown_type',
      message: "There is no frame type 'dance' in version 1 of this protocol.",
      id: '9',
    });
    expect(parse({ id: '9' })).toMatchObject({ error: 'unknown_type' });
  });

  it.each([
    ['not JSON', '{"type":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a string', '"hello"'],
  ])('that are %s are invalid', (_what, frame) => {
    verifies('WIRE-03');
    expect(parseClientFrame(frame)).toMatchObject({ error: 'invalid' });
  });

  it.each([
    ['no id', { type: 'send', roomId: 'r', content: text }, 'id is missing'],
    ['an empty id', { type: 'send', id: '', roomId: 'r', content: text }, "id is ''"],
    ['an id of 65 characters', { type: 'send', id: 'x'.repeat(65), roomId: 'r', content: text }, '1 to 64'],
    ['a control character', { type: 'send', id: 'a\nb', roomId: 'r', content: text }, 'id is'],
    ['no room', { type: 'subscribe', id: '1' }, 'roomId is missing'],
    ['a room that is no string', { type: 'subscribe', id: '1', roomId: 7 }, 'roomId is 7'],
    ['a broken index', { type: 'subscribe', id: '1', roomId: 'r', afterIndex: 1.5 }, 'afterIndex is 1.5'],
    ['an index below -1', { type: 'subscribe', id: '1', roomId: 'r', afterIndex: -2 }, 'afterIndex is -2'],
    ['no content', { type: 'send', id: '1', roomId: 'r' }, 'content'],
    ['content of another kind', { type: 'send', id: '1', roomId: 'r', content: { type: 'song' } }, 'content.type'],
    ['a text above the limit', { type: 'send', id: '1', roomId: 'r', content: 'x'.repeat(1_000_001) }, '1000000'],
    [
      'a list above the limit',
      { type: 'send', id: '1', roomId: 'r', content: { type: 'composite', parts: Array.from({ length: 101 }, () => text) } },
      '100',
    ],
    ['metadata that is no object', { type: 'send', id: '1', roomId: 'r', content: text, metadata: [] }, 'metadata'],
    ['metadata above the limit', { type: 'send', id: '1', roomId: 'r', content: text, metadata: { note: 'x'.repeat(70_000) } }, 'metadata'],
    ['typing without a direction', { type: 'typing', roomId: 'r' }, 'on is missing'],
    ['an unknown action', { type: 'reaction', roomId: 'r', eventId: 'e', emoji: '👍', action: 'double' }, "'double'"],
    ['an emoji that is a novel', { type: 'reaction', roomId: 'r', eventId: 'e', emoji: 'x'.repeat(65) }, 'emoji'],
    ['a ping without a number', { type: 'ping', t: 'now' }, 't is'],
  ])('with %s are invalid, and the message says what', (_what, frame, says) => {
    verifies('WIRE-03', 'CON-13');
    expect(parse(frame)).toMatchObject({ error: 'invalid', message: expect.stringContaining(says) });
  });

  it('nested without end are refused', () => {
    verifies('CON-13');
    expect(parseClientFrame(`{"type":"ping","t":1,"x":${'['.repeat(100)}${']'.repeat(100)}}`)).toMatchObject({
      error: 'invalid',
      message: expect.stringContaining('64'),
    });
  });

  it('cannot say what only the kit says: its metadata, and system content however deep', () => {
    verifies('PERM-08');
    const metadata = { _routed_to: 'agent', _always_process: ['a'], deleted: true, cancelled: true, mood: 'good' };
    expect(parse({ type: 'send', id: '1', roomId: 'r', content: text, metadata })).toEqual({
      frame: { type: 'send', id: '1', roomId: 'r', content: text, metadata: { mood: 'good' } },
    });
    const system = { type: 'system', body: 'The room is closed.' };
    for (const content of [system, { type: 'composite', parts: [text, system] }, { type: 'edit', targetEventId: 'e', newContent: system }]) {
      expect(parse({ type: 'send', id: '1', roomId: 'r', content })).toMatchObject({ error: 'invalid', id: '1' });
    }
  });

  it('never make the parser throw, whatever they are', () => {
    verifies('WIRE-03');
    const names = fc.constantFrom('hello', 'subscribe', 'unsubscribe', 'send', 'typing', 'receipt', 'reaction', 'presence', 'auth', 'ping', 'other');
    const fields = fc.record(
      { type: names, id: fc.jsonValue(), roomId: fc.jsonValue(), content: fc.jsonValue(), metadata: fc.jsonValue(), afterIndex: fc.jsonValue() },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fields.map((frame) => JSON.stringify(frame)),
        ),
        (frame) => {
          const parsed = parseClientFrame(frame);
          expect('frame' in parsed || parsed.error === 'invalid' || parsed.error === 'unknown_type').toBe(true);
        },
      ),
    );
  });
});

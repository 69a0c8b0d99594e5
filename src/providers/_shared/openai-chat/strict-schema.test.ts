/** Which schemas qualify for strict mode. */
import { describe, expect, it } from 'vitest';
import { verifies } from '../../../../test/requirements.js';
import { isStrictSchema } from './strict-schema.js';

const text = { type: 'string' };
const closed = (properties: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});

describe('a schema qualifies for strict mode', () => {
  it.each([
    ['of no properties', closed({})],
    ['of texts and numbers', closed({ id: { ...text, pattern: '^A', description: 'An id.' }, count: { type: 'integer', minimum: 1 } })],
    ['that may be null', closed({ id: { type: ['string', 'null'] } })],
    ['of choices', closed({ unit: { enum: ['a', 'b'] }, kind: { const: 'x' }, either: { anyOf: [text, { type: 'null' }] } })],
    ['of lists and objects', closed({ all: { type: 'array', items: closed({ id: text }), minItems: 1 } })],
    ['with definitions', closed({ one: { $ref: '#/$defs/one' } }, { $defs: { one: closed({ id: text }) } })],
    ['with a known format', closed({ at: { ...text, format: 'date-time' } })],
  ])('%s', (_what, schema) => {
    verifies('AIP-04');
    expect(isStrictSchema(schema)).toBe(true);
  });
});

describe('a schema does not qualify', () => {
  let deep: Record<string, unknown> = closed({ id: text });
  for (let level = 0; level < 10; level++) deep = closed({ inner: deep });
  it.each([
    ['that is empty', {}],
    ['of no object', { type: 'array', items: text }],
    ['that is open', closed({ id: text }, { additionalProperties: true })],
    ['that does not say that it is closed', { type: 'object', properties: { id: text }, required: ['id'] }],
    ['with a choice of its own at its root', closed({}, { anyOf: [closed({})] })],
    ['with an optional property', closed({ id: text, other: text }, { required: ['id'] })],
    ['that requires what it has not', closed({ id: text }, { required: ['other'] })],
    ['without properties', { type: 'object', additionalProperties: false }],
    ['with an open object inside', closed({ inner: { type: 'object', properties: {} } })],
    ['with an object without its type inside', closed({ inner: { properties: { id: text } } })],
    ['with a keyword that is not known', closed({ id: { ...text, minLength: 1 } })],
    ['with a format that is not known', closed({ id: { ...text, format: 'uri' } })],
    ['with all of several', closed({ id: { allOf: [text] } })],
    ['with a reference elsewhere', closed({ id: { $ref: 'https://x.test/schema' } })],
    ['with a list of nothing', closed({ all: { type: 'array' } })],
    ['with an empty choice', closed({ one: { anyOf: [] } })],
    ['with a property of no kind', closed({ any: {} })],
    ['with true as a property', closed({ any: true })],
    ['with a definition that does not', closed({}, { $defs: { one: { type: 'object' } } })],
    ['that is too deep', deep],
    ['that is too large', closed(Object.fromEntries(Array.from({ length: 5001 }, (_, n) => [`p${n}`, text])))],
  ])('%s', (_what, schema) => {
    verifies('AIP-04');
    expect(isStrictSchema(schema)).toBe(false);
  });
});

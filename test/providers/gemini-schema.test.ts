/** Cleaning of tool schemas for Gemini, held against what its emulator takes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkParameters } from '../../src/emulators/gemini/check-schema.js';
import { cleanParameters } from '../../src/providers/gemini/schema.js';
import { verifies } from '../requirements.js';

const objectOf = (property: unknown): Record<string, unknown> => ({ type: 'object', properties: { it: property } });
const cleanedProperty = (property: unknown): unknown => (cleanParameters(objectOf(property)) as { properties: { it: unknown } }).properties.it;

describe('cleanParameters', () => {
  it('keeps what the vendor knows and takes out the rest, at every depth', () => {
    verifies('AIP-04');
    expect(
      cleanParameters({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        additionalProperties: false,
        required: ['id', 'gone'],
        properties: {
          id: { type: 'string', description: 'The id.', pattern: '^A', minLength: 2, default: 'A1' },
          when: { type: 'string', format: 'date-time' },
          mail: { type: 'string', format: 'email' },
          count: { type: 'integer', minimum: 1, maximum: 9, exclusiveMinimum: 0, multipleOf: 2 },
          tags: { type: 'array', minItems: 1, maxItems: 3, uniqueItems: true, items: { type: 'string', enum: ['a', 'b'], title: 'Tag' } },
          where: { type: 'object', properties: { city: { type: 'string', const: 'Bern' } }, patternProperties: {} },
        },
      }),
    ).toEqual({
      type: 'object',
      required: ['id'],
      properties: {
        id: { type: 'string', description: 'The id.' },
        when: { type: 'string', format: 'date-time' },
        mail: { type: 'string' },
        count: { type: 'integer', minimum: 1, maximum: 9 },
        tags: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: ['a', 'b'] } },
        where: { type: 'object', properties: { city: { type: 'string', enum: ['Bern'] } } },
      },
    });
  });

  it('takes the first possibility that is not null, and says that null is one', () => {
    verifies('AIP-04');
    expect(cleanedProperty({ anyOf: [{ type: 'null' }, { type: 'integer' }, { type: 'string' }] })).toEqual({ type: 'integer', nullable: true });
    expect(cleanedProperty({ oneOf: [{ type: 'string', description: 'inner' }], description: 'outer' })).toEqual({
      type: 'string',
      description: 'outer',
    });
    expect(cleanedProperty({ allOf: [{ type: 'object', properties: { a: { type: 'boolean' } } }] })).toEqual({
      type: 'object',
      properties: { a: { type: 'boolean' } },
    });
    expect(cleanedProperty({ type: ['null', 'number'] })).toEqual({ type: 'number', nullable: true });
    expect(cleanedProperty({ type: 'string', enum: ['a', null] })).toEqual({ type: 'string', nullable: true, enum: ['a'] });
  });

  it('writes references out, and stops where one leads back to itself', () => {
    verifies('AIP-04');
    const tree = {
      type: 'object',
      properties: { root: { $ref: '#/$defs/node', description: 'The root.' }, odd: { $ref: '#/$defs/a~1b%20c' }, none: { $ref: '#/$defs/none' } },
      $defs: {
        node: { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } }, required: ['name'] },
        'a/b c': { type: 'boolean' },
      },
    };
    expect(cleanParameters(tree)).toEqual({
      type: 'object',
      properties: {
        root: {
          type: 'object',
          description: 'The root.',
          properties: { name: { type: 'string' }, next: { type: 'object' } },
          required: ['name'],
        },
        odd: { type: 'boolean' },
        none: {},
      },
    });
  });

  it('tells choices that are no texts in the description, and lists without items hold texts', () => {
    verifies('AIP-04');
    expect(cleanedProperty({ type: 'integer', enum: [1, 2], description: 'Size.' })).toEqual({ type: 'integer', description: 'Size. One of: 1, 2.' });
    expect(cleanedProperty({ enum: ['x', 'y'] })).toEqual({ type: 'string', enum: ['x', 'y'] });
    expect(cleanedProperty({ type: 'array' })).toEqual({ type: 'array', items: { type: 'string' } });
  });

  it('leaves parameters out where there are none', () => {
    verifies('AIP-04');
    for (const schema of [undefined, {}, { type: 'object' }, { type: 'object', properties: {} }]) expect(cleanParameters(schema)).toBeUndefined();
  });

  it('makes of any schema one that the vendor takes', () => {
    verifies('AIP-04');
    const leaf = fc.constantFrom<unknown>(
      { type: 'string' },
      { type: ['string', 'null'], format: 'uuid' },
      { type: 'null' },
      { const: 3 },
      { enum: ['', 'a'] },
      { type: 'integer', enum: [1, null] },
      { $ref: '#/$defs/it' },
      { $ref: '#' },
      true,
      null,
      {},
    );
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        leaf,
        fc.record(
          {
            type: fc.constantFrom<unknown>('object', 'array', 'string', 'number', ['array', 'null'], 'strange', 7),
            properties: fc.dictionary(fc.string(), tie('schema'), { maxKeys: 3 }),
            required: fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 2 }),
            items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
            anyOf: fc.array(tie('schema'), { maxLength: 2 }),
            allOf: fc.array(tie('schema'), { maxLength: 2 }),
            description: fc.oneof(fc.string(), fc.integer()),
            format: fc.constantFrom('date-time', 'int32', 'email'),
            minimum: fc.oneof(fc.integer(), fc.string()),
            additionalProperties: fc.boolean(),
            nullable: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
      ),
    }));
    fc.assert(
      fc.property(schema, schema, (one, other) => {
        const cleaned = cleanParameters({ ...objectOf(one), $defs: { it: other } });
        checkParameters(JSON.parse(JSON.stringify(cleaned)), 'parameters', 'parameters');
      }),
      { numRuns: 1000 },
    );
  });
});

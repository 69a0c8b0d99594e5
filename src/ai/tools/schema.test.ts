import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { verifies } from '../../../test/requirements.js';
import { RoomKit } from '../../core/kit.js';
import type { JsonSchema, ToolContext } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { defineTool } from './define-tool.js';
import { checkArguments } from './schema.js';
import type { StandardSchema } from './standard-schema.js';

async function problemOf(schema: JsonSchema | undefined, value: unknown): Promise<string | undefined> {
  const check = await checkArguments(schema, value as Metadata); // a model may send anything
  return check.ok ? undefined : check.problem;
}

const of = (schema: JsonSchema): JsonSchema => ({ type: 'object', properties: { v: schema } });

describe('checking arguments', () => {
  it('lets any object pass without a schema, and nothing that is no object', async () => {
    expect(await problemOf(undefined, { a: 1 })).toBeUndefined();
    expect(await problemOf({}, { a: 1 })).toBeUndefined();
    for (const value of [null, 'x', [1], 7]) expect(await problemOf(undefined, value)).toBe('the arguments are not an object');
  });

  it('knows required fields, types and closed objects', async () => {
    verifies('TL-03');
    const schema = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: ['integer', 'null'] } },
      required: ['a'],
      additionalProperties: false,
    };
    expect(await problemOf(schema, { a: 'x', b: null })).toBeUndefined();
    expect(await problemOf(schema, {})).toBe('a is missing');
    expect(await problemOf(schema, { a: 1 })).toBe('a is number, not string');
    expect(await problemOf(schema, { a: 'x', b: 1.5 })).toBe('b is number, not integer or null');
    expect(await problemOf(schema, { a: 'x', c: 1, d: 2 })).toBe('c is unknown; d is unknown');
    expect(await problemOf(schema, JSON.parse('{"a":"x","__proto__":{"b":1}}'))).toBe('__proto__ is unknown');
    expect(await problemOf({ ...schema, required: ['toString'] }, { a: 'x' })).toBe('toString is missing');
  });

  it.each<[string, JsonSchema, unknown, unknown]>([
    ['enum', { enum: ['a', 'b'] }, 'b', 'c'],
    ['const', { const: 3 }, 3, 4],
    ['boolean', { type: 'boolean' }, false, 'false'],
    ['number', { type: 'number' }, 1.5, '1.5'],
    ['nullable', { type: 'string', nullable: true }, null, 1],
    ['minimum', { minimum: 1 }, 1, 0],
    ['maximum', { maximum: 1 }, 1, 2],
    ['exclusiveMinimum', { exclusiveMinimum: 1 }, 2, 1],
    ['exclusiveMaximum', { exclusiveMaximum: 1 }, 0, 1],
    ['multipleOf', { multipleOf: 0.1 }, 0.3, 0.35],
    ['minLength', { minLength: 2 }, 'ab', 'a'],
    ['maxLength', { maxLength: 2 }, 'ab', 'abc'],
    ['pattern', { pattern: '^\\d+$' }, '12', '1a'],
    ['items', { type: 'array', items: { type: 'integer' } }, [1, 2], [1, 'x']],
    ['prefixItems', { prefixItems: [{ type: 'string' }], items: { type: 'integer' } }, ['a', 1], [1, 1]],
    ['minItems', { minItems: 1 }, [1], []],
    ['maxItems', { maxItems: 1 }, [1], [1, 2]],
    ['uniqueItems', { uniqueItems: true }, [1, 2], [1, 1]],
    ['minProperties', { minProperties: 1 }, { a: 1 }, {}],
    ['maxProperties', { maxProperties: 1 }, { a: 1 }, { a: 1, b: 2 }],
    ['patternProperties', { patternProperties: { '^x_': { type: 'integer' } }, additionalProperties: false }, { x_a: 1 }, { y: 1 }],
    ['additionalProperties', { additionalProperties: { type: 'integer' } }, { a: 1 }, { a: 'b' }],
    ['anyOf', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, 1, true],
    ['oneOf', { oneOf: [{ minimum: 1 }, { minimum: 5 }] }, 3, 7],
    ['allOf', { allOf: [{ minimum: 1 }, { maximum: 5 }] }, 3, 7],
    ['not', { not: { type: 'string' } }, 1, 'a'],
    ['false', { not: {} }, undefined, 1],
  ])('knows %s', async (_keyword, schema, good, bad) => {
    expect(await problemOf(of(schema), good === undefined ? {} : { v: good })).toBeUndefined();
    expect(await problemOf(of(schema), { v: bad })).toMatch(/^v/);
  });

  it('follows references within the schema, to themselves too', async () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, additionalProperties: false } },
    };
    expect(await problemOf(tree, { next: { next: {} } })).toBeUndefined();
    expect(await problemOf(tree, { next: { other: {} } })).toBe('next.other is unknown');
    expect(await problemOf({ $ref: '#' }, {})).toContain('nested too deeply');
    let deep: unknown = {};
    for (let level = 0; level < 100; level++) deep = { next: deep };
    expect(await problemOf(tree, deep)).toContain('nested too deeply');
  });

  it('names no more problems than help', async () => {
    const value = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k${at}`, 1]));
    const problem = await problemOf({ additionalProperties: { type: 'string' } }, value);
    expect(problem?.split(';')).toHaveLength(5);
  });
});

describe('defineTool', () => {
  const schema = z.object({ number: z.coerce.number().int(), note: z.string().optional() });

  it('shows a model the schema as JSON Schema and gives the handler parsed values', async () => {
    const tool = defineTool({ name: 'find', description: 'Finds.', parameters: schema, handler: ({ number }) => number + 1 });
    expect(tool.parameters).toMatchObject({ type: 'object', properties: { note: { type: 'string' } } });
    expect(tool.parameters).not.toHaveProperty('$schema');
    expect(tool.idempotent).toBe(false);
    const tidy = defineTool({
      name: 't',
      description: '',
      parameters: z.object({ at: z.string().transform((text) => text.length) }),
      handler: ({ at }) => at,
    });
    expect(await checkArguments(tidy.parameters, { at: 'four' })).toEqual({ ok: true, value: { at: 4 } });
  });

  it('refuses what the schema refuses, also where JSON Schema cannot say it', async () => {
    verifies('TL-03');
    const tool = defineTool({
      name: 't',
      description: '',
      parameters: z.object({ a: z.string().refine((text) => text !== 'root', 'must not be root') }),
      handler: () => 1,
    });
    expect(await problemOf(tool.parameters, { a: 'root' })).toBe('a: must not be root');
    expect(await problemOf(tool.parameters, { a: 'x' })).toBeUndefined();
    expect(await problemOf({ ...tool }.parameters, { a: 'root' })).toBe('a: must not be root');
  });

  it('takes any Standard Schema, asynchronous ones too, with its JSON Schema beside it', async () => {
    const own: StandardSchema<{ a: string }> = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: (value) =>
          Promise.resolve((value as { a?: unknown }).a === 'ok' ? { value: { a: 'ok' } } : { issues: [{ message: 'not ok', path: [{ key: 'a' }] }] }),
      },
    };
    expect(() => defineTool({ name: 't', description: '', parameters: own, handler: () => 1 })).toThrow(/jsonSchema/);
    const tool = defineTool({ name: 't', description: '', parameters: own, jsonSchema: { type: 'object' }, handler: ({ a }) => a });
    expect(await problemOf(tool.parameters, { a: 'no' })).toBe('a: not ok');
    expect(await problemOf(tool.parameters, { a: 'ok' })).toBeUndefined();
  });

  it('takes a JSON Schema written in place, and checks by it', async () => {
    verifies('TL-03');
    const parameters = { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'], additionalProperties: false } as const;
    const tool = defineTool({ name: 'find', description: 'Finds.', parameters, handler: ({ number }) => number + 1 });
    expect(tool.parameters).toBe(parameters);
    expect(await problemOf(tool.parameters, { number: 'four' })).toBe('number is string, not integer');
    expect(await problemOf(tool.parameters, { number: 4, other: 1 })).toContain('other');
    expect(await problemOf(tool.parameters, { number: 4 })).toBeUndefined();
    const context: ToolContext = {
      roomId: 'r',
      channelId: 'c',
      turnId: 't',
      callId: 'x',
      idempotencyKey: 'k',
      signal: new AbortController().signal,
      kit: new RoomKit(),
    };
    expect(tool.handler?.({ number: 4 }, context)).toBe(5);
  });
});

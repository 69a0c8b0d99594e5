/** As much of JSON Schema 2020-12 as the OpenAPI document uses: checking it, and making values of it. Unknown keywords are an error. */
import fc from 'fast-check';

export type Schema = Readonly<Record<string, unknown>>;

const KEYWORDS = new Set(
  '$ref type properties required additionalProperties items anyOf oneOf allOf enum const minimum maximum exclusiveMinimum minLength maxLength minItems maxItems pattern format default description propertyNames'.split(
    ' ',
  ),
);
const TYPES = new Set<unknown>(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);

/** What is wrong with a schema; each is a sentence with its place. */
export function faultsOf(schema: unknown, at: string, components: Readonly<Record<string, Schema>>): string[] {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [`${at} is no schema.`];
  const given = schema as Schema;
  const faults = Object.keys(given)
    .filter((key) => !KEYWORDS.has(key))
    .map((key) => `${at} has the keyword '${key}', which nobody here knows.`);
  const ref = given['$ref'];
  if (ref !== undefined && (typeof ref !== 'string' || nameOf(ref) === undefined || !(nameOf(ref)! in components)))
    faults.push(`${at} refers to ${JSON.stringify(ref)}, which is not there.`);
  if (given['type'] !== undefined && ![given['type']].flat().every((type) => TYPES.has(type)))
    faults.push(`${at} has the type ${JSON.stringify(given['type'])}.`);
  for (const name of (given['required'] as string[] | undefined) ?? [])
    if (!(name in ((given['properties'] as object | undefined) ?? {}))) faults.push(`${at} requires '${name}', which it does not describe.`);
  if (typeof given['pattern'] === 'string') new RegExp(given['pattern'], 'u');
  for (const [name, property] of Object.entries((given['properties'] as object | undefined) ?? {}))
    faults.push(...faultsOf(property, `${at}.${name}`, components));
  for (const key of ['anyOf', 'oneOf', 'allOf'])
    for (const [position, one] of ((given[key] as unknown[] | undefined) ?? []).entries())
      faults.push(...faultsOf(one, `${at}.${key}[${position}]`, components));
  for (const key of ['items', 'additionalProperties', 'propertyNames'])
    if (typeof given[key] === 'object') faults.push(...faultsOf(given[key], `${at}.${key}`, components));
  return faults;
}

function nameOf(ref: string): string | undefined {
  return /^#\/components\/schemas\/(\w+)$/.exec(ref)?.[1];
}

/** Values that a schema allows, small ones first. Texts hold odd characters; ids are now and then those of `known`. */
export function valuesOf(schema: Schema, components: Readonly<Record<string, Schema>>, known: readonly string[], depth = 0): fc.Arbitrary<unknown> {
  const of = (inner: Schema): fc.Arbitrary<unknown> => valuesOf(inner, components, known, depth + 1);
  if (typeof schema['$ref'] === 'string') return of(components[nameOf(schema['$ref']) ?? ''] ?? {});
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined;
  if (choices !== undefined) return fc.oneof(...(depth > 6 ? choices.slice(0, 1) : choices).map(of));
  switch (schema['type']) {
    case 'string':
      return stringsOf(schema, known);
    case 'integer': {
      const { minimum = -1e6, maximum = 1e6 } = schema as { minimum?: number; maximum?: number };
      return fc.oneof(fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }), fc.constantFrom(minimum, maximum));
    }
    case 'number': {
      const { minimum, exclusiveMinimum, maximum } = schema as { minimum?: number; exclusiveMinimum?: number; maximum?: number };
      const min = minimum ?? (exclusiveMinimum === undefined ? -1e9 : exclusiveMinimum + 0.001);
      return fc.double({ min, max: maximum ?? 1e9, noNaN: true, noDefaultInfinity: true });
    }
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { minItems = 0, maxItems = 4 } = schema as { minItems?: number; maxItems?: number };
      return fc.array(of((schema['items'] as Schema | undefined) ?? {}), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) });
    }
    case 'object': {
      const properties = Object.entries((schema['properties'] as Readonly<Record<string, Schema>> | undefined) ?? {});
      const fields = Object.fromEntries(properties.map(([name, property]) => [name, of(property)]));
      const required = (schema['required'] as string[] | undefined) ?? [];
      const record = fc.record(fields, { requiredKeys: required });
      const more = schema['additionalProperties'];
      if (typeof more !== 'object' || more === null) return record;
      const names =
        schema['propertyNames'] === undefined
          ? fc.string({ minLength: 1, maxLength: 8 })
          : (of(schema['propertyNames'] as Schema) as fc.Arbitrary<string>);
      const extra = fc.dictionary(names, Object.keys(more).length === 0 ? fc.jsonValue({ maxDepth: 2 }) : of(more as Schema), { maxKeys: 3 });
      return fc.tuple(extra, record).map(([others, own]) => ({ ...others, ...(own as object) }));
    }
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function stringsOf(schema: Schema, known: readonly string[]): fc.Arbitrary<string> {
  const {
    minLength = 0,
    maxLength = 1000,
    pattern,
    format,
  } = schema as { minLength?: number; maxLength?: number; pattern?: string; format?: string };
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const right = (text: string): boolean =>
    text.length >= minLength && text.length <= maxLength && (pattern === undefined || new RegExp(pattern, 'u').test(text));
  const texts = fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, minLength + 12) });
  const fromPattern = pattern !== undefined && !pattern.startsWith('^[^') ? [fc.stringMatching(new RegExp(pattern)).filter(right)] : [];
  const candidates = [...known, 'https://example.com/a.png', 'a', 'x'.repeat(Math.min(maxLength, 300))].filter(right);
  return fc.oneof(
    ...fromPattern,
    ...(fromPattern.length > 0 ? [] : [texts.filter(right)]),
    ...(candidates.length > 0 ? [fc.constantFrom(...candidates)] : []),
  );
}

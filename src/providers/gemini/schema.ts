/** From JSON Schema to the part of it that Gemini understands (AIP-04). It refuses a request for one word that it does not know. */
import type { Schema } from '@google/genai';
import type { JsonSchema } from '../../core/models/ai.js';

type Fields = Readonly<Record<string, unknown>>;
interface Cleaned {
  type?: string;
  nullable?: boolean;
  description?: string;
  format?: string;
  enum?: string[];
  properties?: Record<string, Cleaned>;
  required?: string[];
  items?: Cleaned;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);
/** Any other format is refused. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  string: ['date-time', 'enum'],
  number: ['float', 'double'],
  integer: ['int32', 'int64'],
};
/** Schemas may refer to themselves: what lies deeper than this is any value. */
const MAX_DEPTH = 32;

/** The parameters of a tool; undefined when it takes none, since the vendor refuses an object without properties there. */
export function cleanParameters(schema: JsonSchema | undefined): Schema | undefined {
  if (schema === undefined) return undefined;
  const cleaned = clean(schema, { root: schema, open: [] });
  if (cleaned.properties === undefined) return undefined;
  const { nullable: _nullable, ...rest } = cleaned;
  return { ...rest, type: 'object' } as unknown as Schema; // the client writes types in capitals and counts as text by itself
}

interface Where {
  readonly root: Fields;
  /** References that are being followed. */
  readonly open: readonly string[];
  readonly depth?: number;
}

function clean(given: unknown, where: Where): Cleaned {
  const depth = (where.depth ?? 0) + 1;
  if (!isFields(given) || depth > MAX_DEPTH) return {};
  const inside: Where = { ...where, depth };
  const { $ref: reference } = given;
  if (typeof reference === 'string') return followed(reference, given, inside);
  const branch = branchOf(given, inside);
  const types = typesOf(given);
  const isNullable = given['nullable'] === true || branch?.nullable === true || types.includes('null') || allowsNull(given);
  const type = types.find((one) => TYPES.has(one)) ?? branch?.type ?? implied(given);
  return fitted({
    ...branch,
    ...(type !== undefined && { type }),
    ...(isNullable && { nullable: true }),
    ...(typeof given['description'] === 'string' && given['description'] !== '' && { description: given['description'] }),
    ...formatOf(given['format'], type),
    ...choices(given, type),
    ...(type === 'object' && propertiesOf(given, branch, inside)),
    ...(type === 'array' && listOf(given, branch, inside)),
    ...((type === 'number' || type === 'integer') && numbers(given, ['minimum', 'maximum'])),
  });
}

/** A schema and what it refers to may contradict each other: what does not fit the type goes. */
function fitted(cleaned: Cleaned): Cleaned {
  const { type, nullable, description, format, enum: choice, properties, required, items, minimum, maximum, minItems, maxItems } = cleaned;
  const isNumber = type === 'number' || type === 'integer';
  const isList = type === 'array';
  return {
    ...(type !== undefined && { type }),
    ...(nullable !== undefined && { nullable }),
    ...(description !== undefined && { description }),
    ...formatOf(format, type),
    ...(type === 'string' && choice !== undefined && { enum: choice }),
    ...(type === 'object' && properties !== undefined && { properties, ...(required !== undefined && { required }) }),
    ...(isList && { items: items ?? { type: 'string' } }),
    ...(isList && minItems !== undefined && { minItems }),
    ...(isList && maxItems !== undefined && { maxItems }),
    ...(isNumber && minimum !== undefined && { minimum }),
    ...(isNumber && maximum !== undefined && { maximum }),
  };
}

/** What is said beside a reference goes before what it refers to. */
function followed(reference: string, given: Fields, where: Where): Cleaned {
  if (where.open.includes(reference)) return { type: 'object' };
  const { $ref: _reference, ...beside } = given;
  const target = clean(resolved(where.root, reference), { ...where, open: [...where.open, reference] });
  return fitted({ ...target, ...clean(beside, where) });
}

/** A pointer into the schema itself, such as `#/$defs/Address`; nothing is fetched. */
function resolved(root: Fields, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = pointerName(step);
    at = isFields(at) && Object.hasOwn(at, name) ? at[name] : Array.isArray(at) ? (at as readonly unknown[])[Number(name)] : undefined;
  }
  return at;
}

function pointerName(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

/** Of several possibilities the first that is not null. */
function branchOf(given: Fields, where: Where): Cleaned | undefined {
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    const first = branches(given, name).find((branch) => !isNull(branch));
    if (first !== undefined) return clean(first, where);
  }
  return undefined;
}

function allowsNull(given: Fields): boolean {
  const enumerated = given['enum'];
  return ['anyOf', 'oneOf'].some((name) => branches(given, name).some(isNull)) || (Array.isArray(enumerated) && enumerated.includes(null));
}

function branches(given: Fields, name: string): readonly unknown[] {
  const value = given[name];
  return Array.isArray(value) ? value : [];
}

function isNull(branch: unknown): boolean {
  return isFields(branch) && (branch['type'] === 'null' || branch['const'] === null);
}

function typesOf({ type }: Fields): readonly string[] {
  return (Array.isArray(type) ? type : [type]).filter((one): one is string => typeof one === 'string').map((one) => one.toLowerCase());
}

/** A schema may leave its type to what else it says. */
function implied(given: Fields): string | undefined {
  if (isFields(given['properties'])) return 'object';
  if (given['items'] !== undefined) return 'array';
  const values = valuesOf(given);
  return values.length > 0 && values.every((value) => typeof value === 'string') ? 'string' : undefined;
}

function valuesOf(given: Fields): readonly unknown[] {
  if (Array.isArray(given['enum'])) return (given['enum'] as readonly unknown[]).filter((value) => value !== null);
  return given['const'] === undefined || given['const'] === null ? [] : [given['const']];
}

/** The vendor takes choices of texts alone, and no empty one; others are told in the description. */
function choices(given: Fields, type: string | undefined): Cleaned {
  const values = valuesOf(given);
  if (values.length === 0) return {};
  const texts = values.filter((value): value is string => typeof value === 'string' && value !== '');
  if (type === 'string' && texts.length === values.length) return { enum: texts };
  const said = typeof given['description'] === 'string' ? `${given['description']} ` : '';
  return { description: `${said}One of: ${values.map((value) => JSON.stringify(value)).join(', ')}.` };
}

function formatOf(format: unknown, type: string | undefined): Cleaned {
  return typeof format === 'string' && type !== undefined && FORMATS[type]?.includes(format) === true ? { format } : {};
}

function propertiesOf(given: Fields, branch: Cleaned | undefined, where: Where): Cleaned {
  if (!isFields(given['properties'])) return {};
  const entries = Object.entries(given['properties']).map(([name, schema]): [string, Cleaned] => [name, clean(schema, where)]);
  const properties = { ...branch?.properties, ...Object.fromEntries(entries) };
  if (Object.keys(properties).length === 0) return {};
  const wanted = Array.isArray(given['required']) ? (given['required'] as readonly unknown[]) : [];
  const required = [...new Set([...(branch?.required ?? []), ...wanted])].filter(
    (name): name is string => typeof name === 'string' && Object.hasOwn(properties, name),
  );
  return { properties, ...(required.length > 0 && { required }) };
}

/** A list has to say what it holds. */
function listOf(given: Fields, branch: Cleaned | undefined, where: Where): Cleaned {
  const items = given['items'] === undefined ? branch?.items : clean(given['items'], where);
  const known = items?.type === undefined ? { ...items, type: 'string' } : items;
  return { items: known, ...numbers(given, ['minItems', 'maxItems']) };
}

function numbers(given: Fields, names: readonly ('minimum' | 'maximum' | 'minItems' | 'maxItems')[]): Cleaned {
  return Object.fromEntries(names.flatMap((name) => (typeof given[name] === 'number' && Number.isFinite(given[name]) ? [[name, given[name]]] : [])));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

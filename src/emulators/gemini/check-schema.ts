/** The part of OpenAPI's schema that function declarations may be written in. */
import { isFields, listOf, stringOf } from '../problem.js';
import { invalid, unknownName } from './errors.js';
import { messageOf } from './fields.js';

const KEYWORDS = new Set([
  'type',
  'format',
  'title',
  'description',
  'nullable',
  'enum',
  'items',
  'maxItems',
  'minItems',
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'example',
  'anyOf',
  'propertyOrdering',
  'default',
  'minimum',
  'maximum',
]);
const TYPES = new Set(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL']);
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  STRING: ['enum', 'date-time'],
  NUMBER: ['float', 'double'],
  INTEGER: ['int32', 'int64'],
};

/** `where` is the place in the payload, `path` the one in the request as the checks behind it name it. */
export function checkSchema(given: unknown, where: string, path: string): void {
  const schema = messageOf(given, KEYWORDS, where);
  if (Array.isArray(schema['type'])) throw unknownName('type', where, 'Proto field is not repeating, cannot start list.');
  const type = stringOf(schema['type']).toUpperCase();
  if (schema['type'] !== undefined && !TYPES.has(type))
    throw invalid(
      `Invalid value at '${where}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), ${JSON.stringify(schema['type'])}`,
    );
  checkEnum(schema['enum'], type, where, path);
  const { format } = schema;
  const allowed = FORMATS[type];
  if (typeof format === 'string' && allowed?.includes(format) !== true)
    throw fault(`${path}.format: only ${(allowed ?? []).map((one) => `'${one}'`).join(' and ')} are supported for ${type} type`);
  if (type === 'ARRAY' && schema['items'] === undefined) throw fault(`${path}.items: missing field.`);
  if (schema['items'] !== undefined) checkSchema(schema['items'], `${where}.items`, `${path}.items`);
  checkProperties(schema['properties'], schema['required'], where, path);
  listOf(schema['anyOf']).forEach((branch, at) => checkSchema(branch, `${where}.any_of[${at}]`, `${path}.any_of[${at}]`));
}

/** A declaration's own parameters are an object that has properties. */
export function checkParameters(given: unknown, where: string, path: string): void {
  checkSchema(given, where, path);
  if (!isFields(given) || stringOf(given['type']).toUpperCase() !== 'OBJECT') throw fault(`${path}.type: must be OBJECT`);
  if (!isFields(given['properties']) || Object.keys(given['properties']).length === 0)
    throw fault(`${path}.properties: should be non-empty for OBJECT type`);
}

function checkEnum(given: unknown, type: string, where: string, path: string): void {
  listOf(given).forEach((value, at) => {
    if (typeof value !== 'string') throw invalid(`Invalid value at '${where}.enum[${at}]' (TYPE_STRING), ${JSON.stringify(value)}`);
    if (value === '') throw fault(`${path}.enum[${at}]: cannot be empty`);
  });
  if (listOf(given).length > 0 && type !== 'STRING') throw fault(`${path}.enum: only allowed for STRING type`);
}

function checkProperties(given: unknown, required: unknown, where: string, path: string): void {
  const properties = isFields(given) ? given : {};
  Object.entries(properties).forEach(([name, schema], at) => checkSchema(schema, `${where}.properties[${at}].value`, `${path}.properties[${name}]`));
  listOf(required).forEach((name, at) => {
    if (!Object.hasOwn(properties, stringOf(name))) throw fault(`${path}.required[${at}]: property is not defined`);
  });
}

function fault(text: string): Error {
  return invalid(`* GenerateContentRequest.${text}\n`);
}

/** Which tools the vendor takes: their names, their schemas, and what strict mode asks of these. */
import { isFields, listOf, type Fields, type Refusal } from '../problem.js';
import { emptyArray, invalid, invalidValue, missing, textual, wrongType } from './refusals.js';

const TYPES = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
/** Of these strict mode says that they are not permitted. */
const NOT_STRICT = [
  ...['allOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'patternProperties', 'propertyNames'],
  ...['unevaluatedProperties', 'unevaluatedItems', 'contains', 'minContains', 'maxContains', 'uniqueItems', 'prefixItems', 'default'],
  ...['minProperties', 'maxProperties', 'minLength', 'maxLength'],
];

/** One tool, wherever an API keeps its parts. */
interface Declared {
  readonly name: unknown;
  readonly parameters: unknown;
  readonly strict: unknown;
  /** The path to these. */
  readonly path: string;
}

/** The names of the tools of chat completions, where each function is an object of its own. */
export function checkChatTools(body: Fields): string[] {
  return checkTools(body, (tool, path) => {
    const own = tool['function'];
    if (own === undefined) throw missing(`${path}.function`);
    if (!isFields(own)) throw wrongType(`${path}.function`, 'an object', own);
    return { name: own['name'], parameters: own['parameters'], strict: own['strict'] ?? false, path: `${path}.function` };
  });
}

/** The names of the tools of the responses API, where strict is what is not said to be otherwise. */
export function checkResponsesTools(body: Fields): string[] {
  return checkTools(body, (tool, path) => ({ name: tool['name'], parameters: tool['parameters'], strict: tool['strict'] ?? true, path }));
}

function checkTools(body: Fields, read: (tool: Fields, path: string) => Declared): string[] {
  const { tools, tool_choice: choice } = body;
  if (tools === undefined || tools === null) {
    if (choice !== undefined && choice !== null && choice !== 'none' && choice !== 'auto')
      throw invalid("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice');
    return [];
  }
  if (!Array.isArray(tools)) throw wrongType('tools', 'an array of objects', tools);
  if (tools.length === 0) throw emptyArray('tools');
  return tools.map((tool: unknown, at) => {
    const path = `tools[${at}]`;
    if (!isFields(tool)) throw wrongType(path, 'an object', tool);
    if (tool['type'] === undefined) throw missing(`${path}.type`);
    if (tool['type'] !== 'function') throw invalidValue(`${path}.type`, tool['type'], ['function', 'custom']);
    return checkDeclared(read(tool, path));
  });
}

function checkDeclared({ name, parameters, strict, path }: Declared): string {
  checkName(name, `${path}.name`);
  const param = `${path}.parameters`;
  if (parameters === undefined || parameters === null) return name as string;
  if (!isFields(parameters)) throw wrongType(param, 'an object', parameters);
  const refuse = (why: string): Refusal => invalid(`Invalid schema for function '${name as string}': ${why}`, param, 'invalid_function_parameters');
  const { type } = parameters;
  if (type !== 'object')
    throw refuse(`schema must be a JSON Schema of 'type: "object"', got 'type: "${type === undefined ? 'None' : textual(type)}"'.`);
  checkSchema(parameters, [], strict === true, refuse);
  return name as string;
}

export function checkName(name: unknown, param: string): void {
  if (name === undefined) throw missing(param);
  if (typeof name !== 'string') throw wrongType(param, 'a string', name);
  if (!/^[a-zA-Z0-9_-]+$/.test(name))
    throw invalid(
      `Invalid '${param}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
      param,
      'invalid_value',
    );
  if (name.length > 64)
    throw invalid(
      `Invalid '${param}': string too long. Expected a string with maximum length 64, but got a string with length ${name.length} instead.`,
      param,
      'string_above_max_length',
    );
}

function checkSchema(schema: unknown, path: readonly string[], strict: boolean, refuse: (why: string) => Refusal): void {
  const context = `In context=(${path.map((step) => `'${step}'`).join(', ')}${path.length === 1 ? ',' : ''})`;
  if (!isFields(schema)) throw refuse(`${context}, schema must be an object.`);
  const types = listOf(schema['type']).length > 0 ? listOf(schema['type']) : [schema['type']];
  for (const type of types)
    if (type !== undefined && !TYPES.includes(type as string)) throw refuse(`'${textual(type)}' is not valid under any of the given schemas.`);
  if (types.includes('array') && schema['items'] === undefined) throw refuse(`${context}, array schema missing items.`);
  const { properties } = schema;
  if (types.includes('object') && properties === undefined && (strict || path.length === 0))
    throw refuse(`${context}, object schema missing properties.`);
  if (strict) checkStrict(schema, types, path, context, refuse);
  if (isFields(properties)) for (const [name, one] of Object.entries(properties)) checkSchema(one, [...path, 'properties', name], strict, refuse);
  if (schema['items'] !== undefined) checkSchema(schema['items'], [...path, 'items'], strict, refuse);
  listOf(schema['anyOf']).forEach((one, at) => checkSchema(one, [...path, 'anyOf', String(at)], strict, refuse));
  if (isFields(schema['$defs']))
    for (const [name, one] of Object.entries(schema['$defs'])) checkSchema(one, [...path, '$defs', name], strict, refuse);
}

function checkStrict(schema: Fields, types: readonly unknown[], path: readonly string[], context: string, refuse: (why: string) => Refusal): void {
  const keyword = Object.keys(schema).find((name) => NOT_STRICT.includes(name));
  if (keyword !== undefined) throw refuse(`${context}, '${keyword}' is not permitted.`);
  if (!['type', 'anyOf', '$ref', 'enum', 'const'].some((name) => schema[name] !== undefined))
    throw refuse(`${context}, schema must have a 'type' key.`);
  if (path.length === 0 && schema['anyOf'] !== undefined) throw refuse(`${context}, root schema must not be 'anyOf'.`);
  if (!types.includes('object')) return;
  if (schema['additionalProperties'] !== false) throw refuse(`${context}, 'additionalProperties' is required to be supplied and to be false.`);
  const required = listOf(schema['required']);
  const names = Object.keys(isFields(schema['properties']) ? schema['properties'] : {});
  const absent = names.find((name) => !required.includes(name));
  if (absent !== undefined)
    throw refuse(`${context}, 'required' is required to be supplied and to be an array including every key in properties. Missing '${absent}'.`);
  const extra = required.find((name) => !names.includes(name as string));
  if (extra !== undefined) throw refuse(`${context}, 'required' holds '${textual(extra)}', which is no property.`);
}

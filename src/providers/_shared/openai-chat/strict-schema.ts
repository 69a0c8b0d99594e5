/**
 * Which schemas qualify for the vendor's strict mode (AIP-04), in which the model's arguments always fit the schema.
 * @see https://developers.openai.com/api/docs/guides/structured-outputs
 */
import type { JsonSchema } from '../../../core/models/ai.js';

/** Keywords that strict mode knows. With any other the schema goes as it is, without it. */
const KEYWORDS = new Set([
  ...['$schema', '$ref', '$defs', 'type', 'title', 'description', 'enum', 'const', 'anyOf'],
  ...['properties', 'required', 'additionalProperties', 'items', 'minItems', 'maxItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'pattern', 'format'],
]);
const FORMATS = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid']);
const MAX_DEPTH = 10;
const MAX_PROPERTIES = 5000;

export function isStrictSchema(schema: JsonSchema): boolean {
  if (schema['type'] !== 'object' || schema['anyOf'] !== undefined) return false;
  const seen = { properties: 0 };
  return qualifies(schema, 1, seen) && seen.properties <= MAX_PROPERTIES;
}

function qualifies(schema: unknown, depth: number, seen: { properties: number }): boolean {
  if (!isSchema(schema) || depth > MAX_DEPTH) return false;
  if (!Object.keys(schema).every((keyword) => KEYWORDS.has(keyword))) return false;
  const { type, properties, items, anyOf, $defs, $ref, format } = schema;
  if (typeof format === 'string' && !FORMATS.has(format)) return false;
  if (typeof $ref === 'string' && !$ref.startsWith('#')) return false;
  if (type === undefined && anyOf === undefined && $ref === undefined && schema['enum'] === undefined && schema['const'] === undefined) return false;
  if (anyOf !== undefined && !(Array.isArray(anyOf) && anyOf.length > 0 && anyOf.every((one) => qualifies(one, depth, seen)))) return false;
  if ($defs !== undefined && !(isSchema($defs) && Object.values($defs).every((one) => qualifies(one, depth, seen)))) return false;
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  if (types.includes('array') && !qualifies(items, depth + 1, seen)) return false;
  return types.includes('object') || properties !== undefined ? isClosedObject(schema, depth, seen) : true;
}

/** Every property is required, and there are no others. */
function isClosedObject({ properties, required, additionalProperties }: JsonSchema, depth: number, seen: { properties: number }): boolean {
  if (additionalProperties !== false || !isSchema(properties)) return false;
  const names = Object.keys(properties);
  seen.properties += names.length;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  if (needed.length !== names.length || !names.every((name) => needed.includes(name))) return false;
  return Object.values(properties).every((one) => qualifies(one, depth + 1, seen));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

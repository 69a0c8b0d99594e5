/** The vendor's refusals, as its API words them. Written from its pages and from bodies that users quote, from nothing of ours. */
import { Refusal } from '../problem.js';

export function invalid(message: string, param: string | null = null, code: string | null = null): Refusal {
  return new Refusal(400, 'invalid_request_error', message, param, code);
}

export function missing(param: string): Refusal {
  return invalid(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter');
}

/** `got` is what came in the place of what was expected: `an object`, `null`. */
export function wrongType(param: string, expected: string, value: unknown): Refusal {
  return invalid(`Invalid type for '${param}': expected ${expected}, but got ${kindOf(value)} instead.`, param, 'invalid_type');
}

export function emptyArray(param: string): Refusal {
  return invalid(`Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`, param, 'empty_array');
}

export function invalidValue(param: string, value: unknown, supported: readonly string[]): Refusal {
  const names = supported.map((name) => `'${name}'`);
  const list = names.length > 1 ? `${names.slice(0, -1).join(', ')}, and ${names.at(-1) ?? ''}` : (names[0] ?? '');
  return invalid(`Invalid value: '${textual(value)}'. Supported values are: ${list}.`, param, 'invalid_value');
}

export function unsupportedParameter(param: string, instead?: string): Refusal {
  const hint = instead === undefined ? '' : ` Use '${instead}' instead.`;
  return invalid(`Unsupported parameter: '${param}' is not supported with this model.${hint}`, param, 'unsupported_parameter');
}

/** A whole number within its bounds, or nothing. */
export function checkCount(value: unknown, param: string, least: number): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(param, 'an integer', value);
  if (value < least)
    throw invalid(
      `Invalid '${param}': integer below minimum value. Expected a value >= ${least}, but got ${value} instead.`,
      param,
      'integer_below_min_value',
    );
}

export function checkTemperature(value: unknown, reasons: boolean): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'number') throw wrongType('temperature', 'a decimal', value);
  if (value < 0)
    throw invalid(
      `Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got ${value} instead.`,
      'temperature',
      'decimal_below_min_value',
    );
  if (value > 2)
    throw invalid(
      `Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got ${value} instead.`,
      'temperature',
      'decimal_above_max_value',
    );
  if (reasons && value !== 1)
    throw invalid(
      `Unsupported value: 'temperature' does not support ${value} with this model. Only the default (1) value is supported.`,
      'temperature',
      'unsupported_value',
    );
}

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

export function checkEffort(value: unknown, param: string): void {
  if (value !== undefined && value !== null && !EFFORTS.includes(value as string)) throw invalidValue(param, value, EFFORTS);
}

/** A value as it stands in a message. */
export function textual(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a decimal';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * Whether a tool's arguments are what it declared (TL-03): by JSON Schema, and by the Standard Schema the tool was
 * defined with. Of JSON Schema it knows what describes arguments in practice; keywords it does not know are ignored.
 */
import type { JsonSchema } from '../../core/models/ai.js';
import type { Awaitable, Metadata } from '../../core/models/json.js';
import { isPromise } from '../../core/models/json.js';
import type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.js';

export type ArgumentCheck =
  | { readonly ok: true; /** What the handler gets. */ readonly value: unknown }
  | { readonly ok: false; /** For the model: what is wrong with which argument. */ readonly problem: string };

/** Levels of nesting beyond which arguments are refused (CON-13). */
const MAX_DEPTH = 64;
/** Longest text that is matched against a pattern of a schema. */
const MAX_PATTERN_TEXT = 10_000;
const MAX_PROBLEMS = 5;

/** The typed schema behind a JSON Schema; the JSON form travels, its owner is looked up here. */
const typedSchemas = new WeakMap<JsonSchema, StandardSchema>();

export function bindSchema(json: JsonSchema, schema: StandardSchema): JsonSchema {
  typedSchemas.set(json, schema);
  return json;
}

/** Checks arguments against a tool's declared parameters; absent parameters let any object pass. */
export function checkArguments(parameters: JsonSchema | undefined, given: Metadata): Awaitable<ArgumentCheck> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { ok: false, problem: 'the arguments are not an object' };
  if (parameters === undefined) return { ok: true, value: given };
  const problems: string[] = [];
  new Checker(parameters, problems).check(parameters, given, '', 0);
  if (problems.length > 0) return { ok: false, problem: problems.join('; ') };
  const typed = typedSchemas.get(parameters);
  if (typed === undefined) return { ok: true, value: given };
  const result = typed['~standard'].validate(given);
  return isPromise(result) ? result.then(checkOf) : checkOf(result);
}

function checkOf(result: StandardResult<unknown>): ArgumentCheck {
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, problem: result.issues.slice(0, MAX_PROBLEMS).map(issueText).join('; ') };
}

function issueText(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

class Checker {
  constructor(
    private readonly root: JsonSchema,
    private readonly problems: string[],
  ) {}

  check(schema: unknown, value: unknown, path: string, depth: number): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    if (depth > MAX_DEPTH) return this.#refuse(path, 'is nested too deeply');
    if (schema === true || typeof schema !== 'object' || schema === null) {
      if (schema === false) this.#refuse(path, 'is not allowed');
      return;
    }
    const rules = schema as Readonly<Record<string, unknown>>; // an object; every keyword is looked at before use
    if (typeof rules['$ref'] === 'string') this.check(this.#resolve(rules['$ref']), value, path, depth + 1);
    if (value === null && rules['nullable'] === true) return;
    if (!this.#fitsType(rules['type'], value)) return this.#refuse(path, `is ${typeOf(value)}, not ${typeNames(rules['type'])}`);
    if (Array.isArray(rules['enum']) && !rules['enum'].some((allowed) => equals(allowed, value))) {
      return this.#refuse(path, `is none of ${rules['enum'].map((allowed) => JSON.stringify(allowed)).join(', ')}`);
    }
    if ('const' in rules && !equals(rules['const'], value)) return this.#refuse(path, `is not ${JSON.stringify(rules['const'])}`);
    this.#checkCombinations(rules, value, path, depth);
    if (typeof value === 'string') this.#checkText(rules, value, path);
    else if (typeof value === 'number') this.#checkNumber(rules, value, path);
    else if (Array.isArray(value)) this.#checkList(rules, value, path, depth);
    else if (typeof value === 'object' && value !== null) this.#checkObject(rules, value as Metadata, path, depth); // no array, no null
  }

  #checkText(rules: Readonly<Record<string, unknown>>, value: string, path: string): void {
    const least = rules['minLength'];
    const most = rules['maxLength'];
    if (typeof least === 'number' && value.length < least) this.#refuse(path, `is shorter than ${least} characters`);
    if (typeof most === 'number' && value.length > most) this.#refuse(path, `is longer than ${most} characters`);
    const pattern = rules['pattern'];
    if (typeof pattern !== 'string') return;
    if (value.length > MAX_PATTERN_TEXT) return this.#refuse(path, 'is too long');
    if (!patternOf(pattern).test(value)) this.#refuse(path, `does not match ${pattern}`);
  }

  #checkNumber(rules: Readonly<Record<string, unknown>>, value: number, path: string): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = rules;
    if (typeof minimum === 'number' && value < minimum) this.#refuse(path, `is less than ${minimum}`);
    if (typeof maximum === 'number' && value > maximum) this.#refuse(path, `is more than ${maximum}`);
    if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) this.#refuse(path, `is not more than ${exclusiveMinimum}`);
    if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) this.#refuse(path, `is not less than ${exclusiveMaximum}`);
    if (typeof multipleOf === 'number' && multipleOf > 0) {
      const times = value / multipleOf;
      if (Math.abs(times - Math.round(times)) > 1e-9) this.#refuse(path, `is not a multiple of ${multipleOf}`);
    }
  }

  #checkList(rules: Readonly<Record<string, unknown>>, value: readonly unknown[], path: string, depth: number): void {
    const { minItems, maxItems, uniqueItems, items } = rules;
    if (typeof minItems === 'number' && value.length < minItems) this.#refuse(path, `has fewer than ${minItems} entries`);
    if (typeof maxItems === 'number' && value.length > maxItems) return this.#refuse(path, `has more than ${maxItems} entries`);
    if (uniqueItems === true && new Set(value.map((item) => JSON.stringify(item))).size < value.length) this.#refuse(path, 'holds an entry twice');
    const first: readonly unknown[] = Array.isArray(rules['prefixItems']) ? rules['prefixItems'] : [];
    value.forEach((item, at) => this.check(at < first.length ? first[at] : items, item, join(path, String(at)), depth + 1));
  }

  #checkObject(rules: Readonly<Record<string, unknown>>, value: Metadata, path: string, depth: number): void {
    const keys = Object.keys(value);
    const { minProperties, maxProperties, additionalProperties } = rules;
    if (typeof minProperties === 'number' && keys.length < minProperties) this.#refuse(path, `has fewer than ${minProperties} fields`);
    if (typeof maxProperties === 'number' && keys.length > maxProperties) this.#refuse(path, `has more than ${maxProperties} fields`);
    for (const name of Array.isArray(rules['required']) ? rules['required'] : []) {
      if (typeof name === 'string' && (!Object.hasOwn(value, name) || value[name] === undefined)) this.#refuse(join(path, name), 'is missing');
    }
    const properties = asRecord(rules['properties']);
    const patterns = Object.entries(asRecord(rules['patternProperties']));
    for (const key of keys) {
      const at = join(path, key);
      let isKnown = Object.hasOwn(properties, key);
      if (isKnown) this.check(properties[key], value[key], at, depth + 1);
      for (const [pattern, schema] of patterns) {
        if (key.length > MAX_PATTERN_TEXT || !patternOf(pattern).test(key)) continue;
        isKnown = true;
        this.check(schema, value[key], at, depth + 1);
      }
      if (isKnown || additionalProperties === undefined || additionalProperties === true) continue;
      if (additionalProperties === false) this.#refuse(at, 'is unknown');
      else this.check(additionalProperties, value[key], at, depth + 1);
    }
  }

  #checkCombinations(rules: Readonly<Record<string, unknown>>, value: unknown, path: string, depth: number): void {
    const { allOf, anyOf, oneOf, not } = rules;
    if (Array.isArray(allOf)) for (const schema of allOf) this.check(schema, value, path, depth + 1);
    if (Array.isArray(anyOf) && !anyOf.some((schema) => this.#fits(schema, value, depth))) this.#refuse(path, 'fits none of the allowed forms');
    if (Array.isArray(oneOf) && oneOf.filter((schema) => this.#fits(schema, value, depth)).length !== 1) {
      this.#refuse(path, 'does not fit exactly one of the allowed forms');
    }
    if (not !== undefined && this.#fits(not, value, depth)) this.#refuse(path, 'has a form that is not allowed');
  }

  #fits(schema: unknown, value: unknown, depth: number): boolean {
    const problems: string[] = [];
    new Checker(this.root, problems).check(schema, value, '', depth + 1);
    return problems.length === 0;
  }

  #fitsType(type: unknown, value: unknown): boolean {
    if (typeof type === 'string') return isType(type, value);
    return !Array.isArray(type) || type.some((name) => isType(name, value));
  }

  /** Only references within the schema itself; another one lets everything pass to the typed schema, if there is one. */
  #resolve(reference: string): unknown {
    if (!reference.startsWith('#')) return true;
    let found: unknown = this.root;
    for (const step of reference.slice(1).split('/').slice(1)) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      const record = asRecord(found);
      if (!Object.hasOwn(record, key)) return true;
      found = record[key];
    }
    return found;
  }

  #refuse(path: string, problem: string): void {
    this.problems.push(`${path === '' ? 'the arguments' : path} ${problem}`.replace('the arguments is', 'the value is'));
  }
}

function isType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'null':
      return value === null;
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function typeNames(type: unknown): string {
  return Array.isArray(type) ? type.join(' or ') : String(type);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}; // any object can be asked for keys
}

function equals(left: unknown, right: unknown): boolean {
  return left === right || (typeof left === 'object' && typeof right === 'object' && JSON.stringify(left) === JSON.stringify(right));
}

const patterns = new Map<string, RegExp>();
const MAX_PATTERNS = 500;

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    try {
      pattern = new RegExp(source, 'u');
    } catch {
      pattern = new RegExp(source);
    }
    patterns.set(source, pattern);
  }
  return pattern;
}

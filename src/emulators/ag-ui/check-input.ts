/** RunAgentInput as AG-UI's schema has it; what does not fit is told as Pydantic tells it. */
import { isFields, listOf, stringOf, type Fields } from '../problem.js';

/** One fault, such as `{ type: 'missing', loc: ['threadId'], msg: 'Field required' }`. */
export interface Fault {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
}

type Kind = 'text' | 'list' | 'any' | 'object' | 'content' | 'part';
/** Field → kind; those with a question mark may be left out. */
type Shape = Readonly<Record<string, Kind | `${Kind}?`>>;

const INPUT: Shape = {
  threadId: 'text',
  runId: 'text',
  protocolVersion: 'text?',
  parentRunId: 'text?',
  state: 'any?',
  messages: 'list',
  tools: 'list?',
  context: 'list?',
  forwardedProps: 'any?',
  resume: 'list?',
};
const BASE: Shape = { id: 'text', role: 'text', name: 'text?', encryptedValue: 'text?', metadata: 'object?', subagentRunId: 'text?' };
const { name: _name, ...NAMELESS } = BASE;
const MESSAGES: Readonly<Record<string, Shape>> = {
  developer: { ...BASE, content: 'text' },
  system: { ...BASE, content: 'text' },
  assistant: { ...BASE, content: 'text?', toolCalls: 'list?' },
  user: { ...BASE, content: 'content' },
  tool: { ...NAMELESS, content: 'content', toolCallId: 'text', error: 'text?' },
  activity: { id: 'text', role: 'text', activityType: 'text', content: 'object', metadata: 'object?', subagentRunId: 'text?' },
  reasoning: { ...NAMELESS, content: 'text' },
};
const CALL: Shape = { id: 'text', type: 'text', function: 'object', encryptedValue: 'text?', metadata: 'object?' };
const FUNCTION: Shape = { name: 'text', arguments: 'text' };
const TOOL: Shape = { name: 'text', description: 'text', parameters: 'any?', metadata: 'object?' };
const CONTEXT: Shape = { description: 'text', value: 'text' };
const MEDIA: Shape = { type: 'text', id: 'text?', source: 'object', metadata: 'any?' };
const PARTS: Readonly<Record<string, Shape>> = {
  text: { type: 'text', id: 'text?', text: 'text', metadata: 'any?' },
  image: MEDIA,
  audio: MEDIA,
  video: MEDIA,
  document: MEDIA,
};
const SOURCES: Readonly<Record<string, Shape>> = {
  data: { type: 'text', value: 'text', mimeType: 'text' },
  url: { type: 'text', value: 'text', mimeType: 'text?' },
};

/** All faults of a request's body; none for one that a run can be started with. */
export function faultsOf(body: unknown): readonly Fault[] {
  const faults: Fault[] = [];
  if (!isFields(body)) return [{ type: 'json_invalid', loc: [], msg: 'Invalid JSON' }];
  check(body, INPUT, [], faults);
  listOf(body['messages']).forEach((message, at) => checkMessage(message, ['messages', at], faults));
  listOf(body['tools']).forEach((tool, at) => check(tool, TOOL, ['tools', at], faults));
  listOf(body['context']).forEach((context, at) => check(context, CONTEXT, ['context', at], faults));
  return faults;
}

function checkMessage(message: unknown, loc: Fault['loc'], faults: Fault[]): void {
  const role = isFields(message) ? stringOf(message['role']) : '';
  const shape = shapeOf(MESSAGES, role, 'role', loc, faults);
  if (shape === undefined || !isFields(message)) return;
  const inside = [...loc, role];
  check(message, shape, inside, faults);
  listOf(message['content']).forEach((part, at) => checkPart(part, [...inside, 'content', at], faults));
  listOf(message['toolCalls']).forEach((call, at) => {
    const where = [...inside, 'toolCalls', at];
    check(call, CALL, where, faults);
    if (!isFields(call)) return;
    if (call['type'] !== undefined && call['type'] !== 'function')
      faults.push({ type: 'literal_error', loc: [...where, 'type'], msg: "Input should be 'function'" });
    if (isFields(call['function'])) check(call['function'], FUNCTION, [...where, 'function'], faults);
  });
}

function checkPart(part: unknown, loc: Fault['loc'], faults: Fault[]): void {
  const type = isFields(part) ? stringOf(part['type']) : '';
  const shape = shapeOf(PARTS, type, 'type', loc, faults);
  if (shape === undefined || !isFields(part)) return;
  check(part, shape, [...loc, type], faults);
  const { source } = part;
  if (type === 'text' || !isFields(source)) return;
  const from = stringOf(source['type']);
  const known = shapeOf(SOURCES, from, 'type', [...loc, type, 'source'], faults);
  if (known !== undefined) check(source, known, [...loc, type, 'source', from], faults);
}

function shapeOf(shapes: Readonly<Record<string, Shape>>, tag: string, field: string, loc: Fault['loc'], faults: Fault[]): Shape | undefined {
  const shape = Object.hasOwn(shapes, tag) ? shapes[tag] : undefined;
  if (shape === undefined) {
    const tags = Object.keys(shapes).map((name) => `'${name}'`);
    faults.push({
      type: 'union_tag_invalid',
      loc,
      msg: `Input tag '${tag}' found using '${field}' does not match any of the expected tags: ${tags.join(', ')}`,
    });
  }
  return shape;
}

function check(value: unknown, shape: Shape, loc: Fault['loc'], faults: Fault[]): void {
  if (!isFields(value)) {
    faults.push({ type: 'model_attributes_type', loc, msg: 'Input should be a valid dictionary or object to extract fields from' });
    return;
  }
  for (const [field, kind] of Object.entries(shape)) {
    const fault = faultOf(value, field, kind.replace('?', '') as Kind, kind.endsWith('?'));
    if (fault !== undefined) faults.push({ ...fault, loc: [...loc, field] });
  }
  for (const field of Object.keys(value))
    if (!Object.hasOwn(shape, field)) faults.push({ type: 'extra_forbidden', loc: [...loc, field], msg: 'Extra inputs are not permitted' });
}

function faultOf(value: Fields, field: string, kind: Kind, isOptional: boolean): Omit<Fault, 'loc'> | undefined {
  const given = value[field];
  if (given === undefined) return isOptional ? undefined : { type: 'missing', msg: 'Field required' };
  if ((kind === 'text' && typeof given !== 'string') || (kind === 'content' && typeof given !== 'string' && !Array.isArray(given)))
    return { type: 'string_type', msg: 'Input should be a valid string' };
  if (kind === 'list' && !Array.isArray(given)) return { type: 'list_type', msg: 'Input should be a valid list' };
  if (kind === 'object' && !isFields(given)) return { type: 'dict_type', msg: 'Input should be a valid dictionary' };
  return undefined;
}

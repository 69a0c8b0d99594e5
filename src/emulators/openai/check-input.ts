/** Which input the responses API takes: its items, and that calls, results and reasoning belong together. */
import { isFields, listOf, Refusal, stringOf, type Fields } from '../problem.js';
import { checkImageUrl, type Said } from './check-messages.js';
import { checkName } from './check-tools.js';
import { emptyArray, invalid, invalidValue, missing, wrongType } from './refusals.js';
import type { SealedReasoning } from './sealed.js';

const ROLES = ['assistant', 'system', 'developer', 'user'];
const TYPES = ['message', 'function_call', 'function_call_output', 'reasoning'];
const INPUT_PARTS = ['input_text', 'input_image', 'input_file'];
const OUTPUT_PARTS = ['output_text', 'refusal'];
/** The fields of each kind of item. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  message: ['type', 'role', 'content', 'id', 'status', 'phase'],
  function_call: ['type', 'id', 'call_id', 'name', 'arguments', 'status', 'caller', 'namespace'],
  function_call_output: ['type', 'id', 'call_id', 'output', 'status'],
  reasoning: ['type', 'id', 'summary', 'content', 'encrypted_content'],
};

export function checkInput(input: unknown, sealed: SealedReasoning): Said {
  if (typeof input === 'string') return { system: '', userText: input, toolResults: [], imageCount: 0 };
  if (!Array.isArray(input)) throw wrongType('input', 'one of a string or array of objects', input);
  if (input.length === 0) throw emptyArray('input');
  const items = input.map((item: unknown, at) => itemOf(item, `input[${at}]`));
  const system: string[] = [];
  const calls = new Set<string>();
  const answered = new Set<string>();
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  items.forEach(({ type, item }, at) => {
    const path = `input[${at}]`;
    if (type === 'reasoning') checkReasoning(item, path, items[at + 1], sealed);
    else if (type === 'function_call') calls.add(checkCall(item, path));
    else if (type === 'function_call_output') {
      const id = stringOf(item['call_id']);
      if (item['call_id'] === undefined) throw missing(`${path}.call_id`);
      if (!calls.has(id)) throw invalid(`No tool call found for function call output with call_id ${id}.`, 'input');
      answered.add(id);
      toolResults.push(textsOf(item['output'], `${path}.output`, INPUT_PARTS).join('\n'));
    } else {
      const { role } = item;
      const texts = textsOf(item['content'], `${path}.content`, role === 'assistant' ? OUTPUT_PARTS : INPUT_PARTS);
      if (role === 'system' || role === 'developer') system.push(...texts);
      if (role !== 'user') return;
      userText = texts.join('\n');
      toolResults = [];
      imageCount += listOf(item['content']).filter((part) => isFields(part) && part['type'] === 'input_image').length;
    }
  });
  for (const id of calls) if (!answered.has(id)) throw invalid(`No tool output found for function call ${id}.`, 'input');
  return { system: system.join('\n'), userText, toolResults, imageCount };
}

interface Item {
  readonly type: string;
  readonly item: Fields;
}

function itemOf(item: unknown, path: string): Item {
  if (!isFields(item)) throw wrongType(path, 'an object', item);
  const type = item['type'] ?? (item['role'] === undefined ? undefined : 'message');
  if (type === undefined) throw missing(`${path}.type`);
  if (typeof type !== 'string' || !TYPES.includes(type)) throw invalidValue(`${path}.type`, type, TYPES);
  const unknown = Object.keys(item).find((field) => !FIELDS[type]?.includes(field));
  if (unknown !== undefined) throw invalid(`Unknown parameter: '${path}.${unknown}'.`, `${path}.${unknown}`, 'unknown_parameter');
  if (type === 'message') {
    if (item['role'] === undefined) throw missing(`${path}.role`);
    if (!ROLES.includes(item['role'] as string)) throw invalidValue(`${path}.role`, item['role'], ROLES);
    if (item['content'] === undefined) throw missing(`${path}.content`);
  }
  return { type, item };
}

function textsOf(content: unknown, path: string, allowed: readonly string[]): string[] {
  if (content === undefined) throw missing(path);
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) throw wrongType(path, 'one of a string or array of objects', content);
  return content.flatMap((part: unknown, n) => {
    const own = `${path}[${n}]`;
    if (!isFields(part)) throw wrongType(own, 'an object', part);
    const { type } = part;
    if (type === undefined) throw missing(`${own}.type`);
    if (typeof type !== 'string' || !allowed.includes(type)) throw invalidValue(`${own}.type`, type, allowed);
    if (type === 'input_image') checkImageUrl(part['image_url'], `${own}.image_url`);
    if (!type.endsWith('text')) return [];
    if (typeof part['text'] !== 'string')
      throw part['text'] === undefined ? missing(`${own}.text`) : wrongType(`${own}.text`, 'a string', part['text']);
    return [part['text']];
  });
}

function checkCall(item: Fields, path: string): string {
  const { id, call_id: callId, arguments: text } = item;
  if (id !== undefined && !stringOf(id).startsWith('fc'))
    throw invalid(`Invalid '${path}.id': '${stringOf(id)}'. Expected an ID that begins with 'fc'.`, `${path}.id`, 'invalid_value');
  if (callId === undefined) throw missing(`${path}.call_id`);
  checkName(item['name'], `${path}.name`);
  if (typeof text !== 'string') throw text === undefined ? missing(`${path}.arguments`) : wrongType(`${path}.arguments`, 'a string', text);
  return stringOf(callId);
}

/** The vendor keeps nothing here, so that reasoning has to come whole, and before what it led to. */
function checkReasoning(item: Fields, path: string, next: Item | undefined, sealed: SealedReasoning): void {
  const { id, encrypted_content: content } = item;
  if (id === undefined) throw missing(`${path}.id`);
  if (item['summary'] === undefined) throw missing(`${path}.summary`);
  if (typeof content !== 'string')
    throw new Refusal(
      404,
      'invalid_request_error',
      `Item with id '${stringOf(id)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      'input',
    );
  if (!sealed.isOf(stringOf(id), content))
    throw invalid(`The encrypted content for item ${stringOf(id)} could not be verified.`, null, 'invalid_encrypted_content');
  const leads = next !== undefined && (next.type === 'reasoning' || next.type === 'function_call' || next.item['role'] === 'assistant');
  if (!leads) throw invalid(`Item '${stringOf(id)}' of type 'reasoning' was provided without its required following item.`, 'input');
}

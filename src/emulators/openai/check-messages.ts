/** Which conversations chat completions take: who speaks, what a message may hold, and that calls and results belong together. */
import { isFields, listOf, stringOf, type Fields } from '../problem.js';
import { checkName } from './check-tools.js';
import { emptyArray, invalid, invalidValue, missing, wrongType } from './refusals.js';

const ROLES = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];
const PARTS: Readonly<Record<string, readonly string[]>> = {
  user: ['text', 'image_url', 'input_audio', 'file'],
  assistant: ['text', 'refusal'],
};
const TEXT_ONLY = ['text'];
const IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$/;

export interface Said {
  readonly system: string;
  readonly userText: string;
  readonly toolResults: readonly string[];
  readonly imageCount: number;
}

export function checkMessages(messages: unknown): Said {
  if (messages === undefined) throw missing('messages');
  if (!Array.isArray(messages)) throw wrongType('messages', 'an array of objects', messages);
  if (messages.length === 0) throw emptyArray('messages');
  const system: string[] = [];
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  let open: Open | undefined;
  messages.forEach((message: unknown, at) => {
    const path = `messages[${at}]`;
    if (!isFields(message)) throw wrongType(path, 'an object', message);
    const role = roleOf(message, path);
    const texts = contentOf(message, role, path);
    if (role === 'tool') {
      checkResult(message, at, open);
      open?.waiting.delete(stringOf(message['tool_call_id']));
      toolResults.push(texts.join('\n'));
      return;
    }
    checkAnswered(open);
    open = undefined;
    if (role === 'system' || role === 'developer') system.push(texts.join('\n'));
    if (role === 'assistant') open = callsOf(message, at);
    if (role !== 'user') return;
    userText = texts.join('\n');
    toolResults = [];
    imageCount += listOf(message['content']).filter((part) => isFields(part) && part['type'] === 'image_url').length;
  });
  checkAnswered(open);
  return { system: system.join('\n'), userText, toolResults, imageCount };
}

/** An assistant's calls whose results are still to come. */
interface Open {
  readonly at: number;
  readonly ids: ReadonlySet<string>;
  readonly waiting: Set<string>;
}

function roleOf(message: Fields, path: string): string {
  const { role } = message;
  if (role === undefined) throw missing(`${path}.role`);
  if (typeof role !== 'string') throw wrongType(`${path}.role`, `one of ${ROLES.join(', ')}`, role);
  if (!ROLES.includes(role)) throw invalidValue(`${path}.role`, role, ROLES);
  return role;
}

/** The texts of a message. */
function contentOf(message: Fields, role: string, path: string): string[] {
  const { content } = message;
  const param = `${path}.content`;
  if (content === undefined || content === null) {
    if (role === 'assistant' && (message['tool_calls'] !== undefined || message['refusal'] !== undefined)) return [];
    if (content === undefined) throw missing(param);
    throw invalid(`Invalid value for 'content': expected a string, got null.`, `messages.[${path.replace(/\D/g, '')}].content`);
  }
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) throw wrongType(param, 'one of a string or array of objects', content);
  if (content.length === 0) throw emptyArray(param);
  return content.flatMap((part: unknown, n) => partText(part, role, `${param}[${n}]`));
}

function partText(part: unknown, role: string, path: string): string[] {
  if (!isFields(part)) throw wrongType(path, 'an object', part);
  const { type } = part;
  if (type === undefined) throw missing(`${path}.type`);
  const allowed = PARTS[role] ?? TEXT_ONLY;
  if (type === 'image_url' && role !== 'user')
    throw invalid(
      `Invalid 'messages'. Image URLs are only allowed for messages with role 'user', but this message with role '${role}' contains an image URL.`,
      path.replace(/\.content.*/, ''),
      'invalid_value',
    );
  if (typeof type !== 'string' || !allowed.includes(type)) throw invalidValue(`${path}.type`, type, allowed);
  if (type === 'image_url') checkImage(part['image_url'], `${path}.image_url`);
  if (type !== 'text') return [];
  if (part['text'] === undefined) throw missing(`${path}.text`);
  if (typeof part['text'] !== 'string') throw wrongType(`${path}.text`, 'a string', part['text']);
  return [part['text']];
}

function checkImage(image: unknown, path: string): void {
  if (image === undefined) throw missing(path);
  if (!isFields(image)) throw wrongType(path, 'an object', image);
  checkImageUrl(image['url'], `${path}.url`);
}

/** A URL that the vendor fetches, or a picture in it of a kind it knows. */
export function checkImageUrl(url: unknown, param: string): void {
  if (url === undefined) throw missing(param);
  if (typeof url !== 'string') throw wrongType(param, 'a string', url);
  if (/^https?:\/\//.test(url) || IMAGE.test(url)) return;
  if (/^data:(?!image\/)/.test(url)) throw invalid('Invalid MIME type. Only image types are supported.', param, 'invalid_image_format');
  throw invalid(
    `Invalid '${param}'. Expected a valid URL or a base64-encoded data URL with one of the types png, jpeg, gif, webp.`,
    param,
    url.startsWith('data:') ? 'invalid_image_format' : 'invalid_value',
  );
}

function callsOf(message: Fields, at: number): Open | undefined {
  const { tool_calls: calls } = message;
  const path = `messages[${at}].tool_calls`;
  if (calls === undefined || calls === null) return undefined;
  if (!Array.isArray(calls)) throw wrongType(path, 'an array of objects', calls);
  if (calls.length === 0) throw emptyArray(path);
  const ids = calls.map((call: unknown, n) => {
    const own = `${path}[${n}]`;
    if (!isFields(call)) throw wrongType(own, 'an object', call);
    if (call['id'] === undefined) throw missing(`${own}.id`);
    if (call['type'] === undefined) throw missing(`${own}.type`);
    const called = call['function'];
    if (!isFields(called)) throw missing(`${own}.function`);
    checkName(called['name'], `${own}.function.name`);
    if (typeof called['arguments'] !== 'string')
      throw called['arguments'] === undefined
        ? missing(`${own}.function.arguments`)
        : wrongType(`${own}.function.arguments`, 'a string', called['arguments']);
    return stringOf(call['id']);
  });
  return { at, ids: new Set(ids), waiting: new Set(ids) };
}

function checkResult(message: Fields, at: number, open: Open | undefined): void {
  if (open === undefined)
    throw invalid(
      "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
      `messages.[${at}].role`,
    );
  const id = message['tool_call_id'];
  if (id === undefined) throw missing(`messages[${at}].tool_call_id`);
  if (typeof id !== 'string') throw wrongType(`messages[${at}].tool_call_id`, 'a string', id);
  if (!open.ids.has(id))
    throw invalid(`Invalid parameter: 'tool_call_id' of '${id}' not found in 'tool_calls' of previous message.`, `messages.[${at}].tool_call_id`);
}

function checkAnswered(open: Open | undefined): void {
  if (open === undefined || open.waiting.size === 0) return;
  throw invalid(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open.waiting].join(', ')}`,
    `messages.[${open.at + 1}].role`,
  );
}

/** Which conversations generateContent takes: who speaks, what a part may hold, and that calls and responses belong together. */
import { isFields, stringOf, type Fields } from '../problem.js';
import { invalid } from './errors.js';
import { messageOf, repeated } from './fields.js';
import type { Signatures } from './signatures.js';

export interface Said {
  readonly userText: string;
  readonly toolResults: readonly string[];
  readonly imageCount: number;
}

interface Content {
  readonly role: string;
  readonly parts: readonly Fields[];
  readonly calls: readonly Fields[];
  readonly responses: readonly Fields[];
}

const CONTENT = new Set(['role', 'parts']);
const DATA = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
];
const PART = new Set([...DATA, 'thought', 'thoughtSignature', 'videoMetadata', 'partMetadata', 'mediaResolution']);
const CALL = new Set(['id', 'name', 'args']);
const RESPONSE = new Set(['id', 'name', 'response', 'parts', 'scheduling', 'willContinue']);
const INLINE = new Set(['mimeType', 'data', 'displayName']);
const FILE = new Set(['mimeType', 'fileUri', 'displayName']);
const IMAGES = ['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif'];
const OTHER_MEDIA = /^(application\/pdf|text\/[\w.+-]+|audio\/[\w.+-]+|video\/[\w.+-]+)$/;

/** `wantsSignatures`: the model is one of Gemini 3 or later. */
export function checkContents(given: unknown, signatures: Signatures, wantsSignatures: boolean): Said {
  const contents = repeated(given, 'contents', '').map((content, at) => contentOf(content, at, signatures));
  if (contents.length === 0) throw invalid('* GenerateContentRequest.contents: contents is not specified\n');
  contents.forEach((content, at) => checkOrder(content, contents[at - 1], contents[at + 1]));
  if (contents.at(-1)?.role !== 'user') throw invalid('Please ensure that multiturn requests end with a user turn or a function response turn.');
  if (wantsSignatures) checkSigned(contents);
  return saidIn(contents);
}

/** Texts of the parts of a content. */
export function textsOf(given: unknown, where: string): readonly string[] {
  const content = messageOf(given, CONTENT, where);
  return repeated(content['parts'], 'parts', where).map((part, n) => stringOf(messageOf(part, PART, `${where}.parts[${n}]`)['text']));
}

function contentOf(given: unknown, at: number, signatures: Signatures): Content {
  const where = `contents[${at}]`;
  const content = messageOf(given, CONTENT, where);
  const role = content['role'] ?? 'user';
  if (role !== 'user' && role !== 'model') throw invalid('Please use a valid role: user, model.');
  const parts = repeated(content['parts'], 'parts', where).map((part, n) => partOf(part, `${where}.parts[${n}]`, signatures));
  if (parts.length === 0) throw invalid(`* GenerateContentRequest.${where}.parts: contents.parts must not be empty.\n`);
  const calls = parts.flatMap((part) => (isFields(part['functionCall']) ? [part['functionCall']] : []));
  const responses = parts.flatMap((part) => (isFields(part['functionResponse']) ? [part['functionResponse']] : []));
  return { role, parts, calls, responses };
}

function partOf(given: unknown, where: string, signatures: Signatures): Fields {
  const part = messageOf(given, PART, where);
  const kinds = DATA.filter((name) => part[name] !== undefined);
  if (kinds.length === 0) throw invalid(`* GenerateContentRequest.${where}.data: required oneof field 'data' must have one initialized field\n`);
  if (kinds.length > 1) throw invalid(`Invalid value at '${where}' (oneof), oneof field 'data' is already set. Cannot set '${String(kinds[1])}'`);
  if (kinds[0] === 'text' && typeof part['text'] !== 'string') throw invalid(`Invalid value at '${where}.text' (TYPE_STRING)`);
  if (part['functionCall'] !== undefined) checkNamed(messageOf(part['functionCall'], CALL, `${where}.function_call`), 'function_call', 'args', where);
  if (part['functionResponse'] !== undefined)
    checkNamed(messageOf(part['functionResponse'], RESPONSE, `${where}.function_response`), 'function_response', 'response', where);
  if (part['inlineData'] !== undefined) checkInline(messageOf(part['inlineData'], INLINE, `${where}.inline_data`), where);
  if (part['fileData'] !== undefined && stringOf(messageOf(part['fileData'], FILE, `${where}.file_data`)['fileUri']) === '')
    throw invalid(`* GenerateContentRequest.${where}.file_data.file_uri: file_uri cannot be empty.\n`);
  const { thoughtSignature } = part;
  if (thoughtSignature !== undefined && !signatures.isOne(stringOf(thoughtSignature))) throw invalid('Corrupted thought signature.');
  return part;
}

function checkNamed(named: Fields, kind: string, data: string, where: string): void {
  if (stringOf(named['name']) === '') throw invalid(`* GenerateContentRequest.${where}.${kind}.name: Name cannot be empty.\n`);
  const value = named[data];
  if (!isFields(value) && !(value === undefined && data === 'args'))
    throw invalid(`Invalid value at '${where}.${kind}.${data}' (type.googleapis.com/google.protobuf.Struct), ${JSON.stringify(value)}`);
}

function checkInline({ mimeType, data }: Fields, where: string): void {
  const type = stringOf(mimeType);
  if (!IMAGES.includes(type) && !OTHER_MEDIA.test(type)) throw invalid(`Unsupported MIME type: ${type}`);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(stringOf(data)))
    throw invalid(`Invalid value at '${where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for ${JSON.stringify(data)}`);
}

function checkOrder(content: Content, before: Content | undefined, after: Content | undefined): void {
  if (content.calls.length > 0) {
    if (content.role !== 'model' || before?.role !== 'user')
      throw invalid('Please ensure that function call turn comes immediately after a user turn or after a function response turn.');
    if (after === undefined || after.responses.length !== content.calls.length)
      throw invalid(
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
  }
  if (content.responses.length === 0) return;
  if (content.role !== 'user' || before === undefined || before.calls.length === 0)
    throw invalid('Please ensure that function response turn comes immediately after a function call turn.');
  const called = new Set(before.calls.map(({ id, name }) => `${stringOf(name)} ${stringOf(id)}`));
  for (const { id, name } of content.responses)
    if (!called.has(`${stringOf(name)} ${stringOf(id)}`))
      throw invalid(`Please ensure that each function response has the name and the id of its function call: ${stringOf(name)}.`);
}

/** Only what follows the user's last words is looked at: the first call of each step needs its signature. */
function checkSigned(contents: readonly Content[]): void {
  const begin = contents.findLastIndex(({ role, responses }) => role === 'user' && responses.length === 0);
  contents.forEach((content, at) => {
    const first = content.parts.find((part) => part['functionCall'] !== undefined);
    if (at < begin || first === undefined || first['thoughtSignature'] !== undefined) return;
    throw invalid(
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${stringOf(content.calls[0]?.['name'])}\` , position ${at + 1}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.`,
    );
  });
}

function saidIn(contents: readonly Content[]): Said {
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  for (const { role, parts, responses } of contents) {
    if (role !== 'user') continue;
    const texts = parts.filter((part) => part['text'] !== undefined).map((part) => stringOf(part['text']));
    if (texts.length > 0) {
      userText = texts.join('\n');
      toolResults = [];
    }
    toolResults.push(...responses.map(({ response }) => resultText(response)));
    imageCount += parts.filter((part) => part['inlineData'] !== undefined || part['fileData'] !== undefined).length;
  }
  return { userText, toolResults, imageCount };
}

function resultText(response: unknown): string {
  const value = isFields(response) ? (response['result'] ?? response['output'] ?? response['error'] ?? response) : response;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

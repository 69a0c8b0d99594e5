/** Which conversations the Messages API takes: who speaks, what a block may hold, and that calls and results belong together. */
import { isFields, listOf, Refusal, stringOf, type Fields } from '../problem.js';
import type { Signatures } from './signatures.js';

export interface ConversationRules {
  readonly thinks: boolean;
  /** With a budget the assistant's part of a tool round has to begin with its thoughts. */
  readonly isThinkingForced: boolean;
  readonly signatures: Signatures;
}

export interface Said {
  readonly userText: string;
  readonly toolResults: readonly string[];
  readonly imageCount: number;
  readonly hasToolBlocks: boolean;
}

const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  user: ['text', 'image', 'tool_result', 'document'], // documents only here, since 2026-10-21
  assistant: ['text', 'tool_use', 'thinking', 'redacted_thinking'],
};
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

export function checkConversation(messages: readonly unknown[], rules: ConversationRules): Said {
  const blocks = messages.map((message, at) => blocksOf(message, at));
  const roles = messages.map((message) => stringOf((message as Fields)['role']));
  if (roles[0] !== 'user') throw invalid('messages: first message must use the "user" role');
  let userText = '';
  let toolResults: string[] = [];
  let imageCount = 0;
  let hasToolBlocks = false;
  const seen = new Set<string>();
  messages.forEach((_message, at) => {
    const own = blocks[at] ?? [];
    own.forEach((block, n) => checkBlock(block, roles[at] ?? '', `messages.${at}.content.${n}`, rules));
    const calls = own.filter((block) => block['type'] === 'tool_use').map((block) => stringOf(block['id']));
    for (const id of calls) {
      if (seen.has(id)) throw invalid('messages: `tool_use` ids must be unique');
      seen.add(id);
    }
    const results = own.filter((block) => block['type'] === 'tool_result');
    hasToolBlocks ||= calls.length > 0 || results.length > 0;
    checkPairs(at, calls, blocks[at + 1] ?? [], results, blocks[at - 1] ?? []);
    if (rules.isThinkingForced && roles[at] === 'assistant') checkThoughtsFirst(at, own, blocks.slice(at + 1), calls);
    if (roles[at] !== 'user') return;
    const text = own.filter((block) => block['type'] === 'text').map((block) => stringOf(block['text']));
    if (text.length > 0 && results.length === 0) {
      userText = text.join('\n');
      toolResults = [];
    }
    toolResults.push(...results.map((result) => resultText(result['content'])));
    imageCount += own.filter((block) => block['type'] === 'image').length;
  });
  return { userText, toolResults, imageCount, hasToolBlocks };
}

/** The text of a block; empty for any other. */
export function textOf(block: unknown): string {
  return isFields(block) ? stringOf(block['text']) : '';
}

function blocksOf(message: unknown, at: number): readonly Fields[] {
  if (!isFields(message)) throw invalid(`messages.${at}: Input should be an object`);
  const { role, content } = message;
  if (role === undefined) throw invalid(`messages.${at}.role: Field required`);
  if (role !== 'user' && role !== 'assistant')
    throw invalid(`messages: Unexpected role "${stringOf(role)}". Allowed roles are "user" or "assistant".`);
  for (const name of Object.keys(message))
    if (name !== 'role' && name !== 'content') throw invalid(`messages.${at}.${name}: Extra inputs are not permitted`);
  if (typeof content === 'string') {
    if (content === '') throw invalid(`messages.${at}: all messages must have non-empty content except for the optional final assistant message`);
    return [{ type: 'text', text: content }];
  }
  if (!Array.isArray(content)) throw invalid(`messages.${at}.content: Field required`);
  if (content.length === 0) throw invalid(`messages.${at}: all messages must have non-empty content except for the optional final assistant message`);
  return content.map((block: unknown, n) => {
    if (!isFields(block)) throw invalid(`messages.${at}.content.${n}: Input should be an object`);
    return block;
  });
}

function checkBlock(block: Fields, role: string, where: string, rules: ConversationRules): void {
  const type = stringOf(block['type']);
  const allowed = BLOCKS[role] ?? [];
  if (!allowed.includes(type)) {
    if (Object.values(BLOCKS).flat().includes(type))
      throw invalid(`messages: \`${type}\` blocks can only be in \`${role === 'user' ? 'assistant' : 'user'}\` messages`);
    const tags = allowed.map((name) => `'${name}'`).join(', ');
    throw invalid(`${where}: Input tag '${type}' found using 'type' does not match any of the expected tags: ${tags}`);
  }
  if (type === 'text') checkText(block, where);
  else if (type === 'image') checkImage(block, where);
  else if (type === 'tool_use') checkCall(block, where);
  else if (type === 'tool_result') listOf(block['content']).forEach((part, n) => checkResultPart(part, `${where}.tool_result.content.${n}`));
  else if (type === 'thinking' && rules.thinks && !rules.signatures.isOf(stringOf(block['thinking']), stringOf(block['signature'])))
    throw invalid(`${where}: Invalid \`signature\` in \`thinking\` block`);
}

function checkText(block: Fields, where: string): void {
  if (typeof block['text'] !== 'string') throw invalid(`${where}.text.text: Field required`);
  if (block['text'] === '') throw invalid('messages: text content blocks must be non-empty');
  if (block['text'].trim() === '') throw invalid('messages: text content blocks must contain non-whitespace text');
}

function checkImage(block: Fields, where: string): void {
  const source = block['source'];
  if (!isFields(source)) throw invalid(`${where}.image.source: Field required`);
  if (source['type'] === 'url') {
    if (!/^https?:\/\//.test(stringOf(source['url']))) throw invalid(`${where}.image.source.url.url: Only HTTPS URLs are supported.`);
    return;
  }
  if (source['type'] !== 'base64')
    throw invalid(
      `${where}.image.source: Input tag '${stringOf(source['type'])}' found using 'type' does not match any of the expected tags: 'base64', 'url'`,
    );
  if (!IMAGE_TYPES.includes(stringOf(source['media_type'])))
    throw invalid(`${where}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(stringOf(source['data']))) throw invalid(`${where}.image.source.base64.data: Invalid base64 data`);
}

function checkCall(block: Fields, where: string): void {
  if (!/^[a-zA-Z0-9_-]+$/.test(stringOf(block['id']))) throw invalid(`${where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
  if (!isFields(block['input'])) throw invalid(`${where}.tool_use.input: Input should be an object`);
}

function checkResultPart(part: unknown, where: string): void {
  if (!isFields(part)) throw invalid(`${where}: Input should be an object`);
  if (part['type'] === 'text') checkText(part, where);
  else if (part['type'] === 'image') checkImage(part, where);
  else throw invalid(`${where}: Input tag '${stringOf(part['type'])}' found using 'type' does not match any of the expected tags: 'image', 'text'`);
}

/** Each call has its result in the next message, each result its call in the one before. */
function checkPairs(at: number, calls: readonly string[], next: readonly Fields[], results: readonly Fields[], previous: readonly Fields[]): void {
  const answered = new Set(next.filter((block) => block['type'] === 'tool_result').map((block) => block['tool_use_id']));
  const missing = calls.filter((id) => !answered.has(id));
  if (missing.length > 0) {
    throw invalid(
      `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${missing.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    );
  }
  const asked = new Set(previous.filter((block) => block['type'] === 'tool_use').map((block) => block['id']));
  results.forEach((result, n) => {
    if (asked.has(result['tool_use_id'])) return;
    throw invalid(
      `messages.${at}.content.${n}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stringOf(result['tool_use_id'])}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  });
}

/** Only the tool round that still goes on: what lies before the user's last words may leave its thoughts out. */
function checkThoughtsFirst(at: number, own: readonly Fields[], later: readonly (readonly Fields[])[], calls: readonly string[]): void {
  const isOver = later.some((blocks) => blocks.some((block) => block['type'] === 'text') && !blocks.some((block) => block['type'] === 'tool_result'));
  const first = stringOf(own[0]?.['type']);
  if (calls.length === 0 || isOver || first === 'thinking' || first === 'redacted_thinking') return;
  throw invalid(
    `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
  );
}

function resultText(content: unknown): string {
  return typeof content === 'string' ? content : listOf(content).map(textOf).join('\n');
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'invalid_request_error', message);
}

/** The vendor's answers: a whole message, and the events it is streamed as. */
import { randomUUID } from 'node:crypto';
import type { ServerEvent } from '../event-stream.js';
import { argumentsText, piecesOf, tokensOf, type ModelRequest, type ScriptedAnswer } from '../script.js';
import type { Signatures } from './signatures.js';

type Block =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'text'; readonly text: string; readonly citations: null }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown; readonly caller: { readonly type: 'direct' } };

interface Usage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly thinking_tokens: number };
  readonly service_tier: 'standard';
}

export interface Message {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly Block[];
  readonly stop_reason: string;
  readonly stop_sequence: null;
  readonly usage: Usage;
}

export function messageOf(answer: ScriptedAnswer, asked: ModelRequest, signatures: Signatures): Message {
  const { text = '', thinking, toolCalls = [], finish } = answer;
  const content: Block[] = [];
  if (thinking !== undefined) content.push({ type: 'thinking', thinking, signature: signatures.of(thinking) });
  if (text !== '') content.push({ type: 'text', text, citations: null });
  for (const call of toolCalls) {
    content.push({
      type: 'tool_use',
      id: call.id ?? `toolu_${idText()}`,
      name: call.name,
      input: inputOf(argumentsText(call)),
      caller: { type: 'direct' },
    });
  }
  return {
    id: `msg_${idText()}`,
    type: 'message',
    role: 'assistant',
    model: asked.model,
    content,
    stop_reason: finish ?? (toolCalls.length > 0 ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: usageOf(answer, asked),
  };
}

function usageOf({ usage = {}, text = '', thinking = '', toolCalls = [] }: ScriptedAnswer, asked: ModelRequest): Usage {
  const { cacheRead = 0, cacheWrite = 0 } = usage;
  const input = usage.input ?? tokensOf(JSON.stringify(asked.body)) + cacheRead + cacheWrite;
  const thinkingTokens = usage.thinking ?? tokensOf(thinking);
  return {
    input_tokens: input - cacheRead - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    output_tokens: usage.output ?? tokensOf(text) + thinkingTokens + toolCalls.reduce((sum, call) => sum + 10 + tokensOf(argumentsText(call)), 0),
    output_tokens_details: { thinking_tokens: thinkingTokens },
    service_tier: 'standard',
  };
}

/** message_start, per block start, deltas and stop, message_delta, message_stop; a ping after the first block has begun. */
export function eventsOf(message: Message, answer: ScriptedAnswer): readonly ServerEvent[] {
  const { stop_reason, content, usage } = message;
  const events: ServerEvent[] = [
    named('message_start', { message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } } }),
  ];
  content.forEach((block, index) => {
    events.push(named('content_block_start', { index, content_block: emptied(block) }));
    if (index === 0) events.push(named('ping', {}));
    const call = block.type === 'tool_use' ? answer.toolCalls?.[index - (content.length - (answer.toolCalls?.length ?? 0))] : undefined;
    for (const delta of deltasOf(block, answer.pieceChars, call === undefined ? '' : argumentsText(call)))
      events.push(named('content_block_delta', { index, delta }));
    events.push(named('content_block_stop', { index }));
  });
  const { service_tier: _tier, ...total } = usage;
  events.push(named('message_delta', { delta: { stop_reason, stop_sequence: null }, usage: total }), named('message_stop', {}));
  return events;
}

function emptied(block: Block): unknown {
  if (block.type === 'text') return { type: 'text', text: '' };
  return block.type === 'thinking' ? { type: 'thinking', thinking: '', signature: '' } : { ...block, input: {} };
}

function deltasOf(block: Block, pieceChars: number | undefined, argumentsJson: string): readonly unknown[] {
  switch (block.type) {
    case 'text':
      return piecesOf(block.text, pieceChars).map((text) => ({ type: 'text_delta', text }));
    case 'thinking':
      return [
        ...piecesOf(block.thinking, pieceChars).map((thinking) => ({ type: 'thinking_delta', thinking })),
        { type: 'signature_delta', signature: block.signature },
      ];
    case 'tool_use':
      return ['', ...piecesOf(argumentsJson, pieceChars)].map((partial_json) => ({ type: 'input_json_delta', partial_json }));
  }
}

function named(type: string, fields: Readonly<Record<string, unknown>>): ServerEvent {
  return { event: type, data: { type, ...fields } };
}

/** In one piece even broken arguments are JSON of some kind. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function idText(): string {
  return `01${randomUUID().replaceAll('-', '').slice(0, 22)}`;
}

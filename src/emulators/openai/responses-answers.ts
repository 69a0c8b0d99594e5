/** The answers of the responses API: a whole response, and the events it is streamed as. */
import { idText, tokensIn } from '../counting.js';
import type { ServerEvent } from '../event-stream.js';
import { isFields, listOf, type Fields } from '../problem.js';
import { argumentsText, piecesOf, type ModelRequest, type ScriptedAnswer } from '../script.js';
import type { SealedReasoning } from './sealed.js';

type Part =
  | { readonly type: 'output_text'; readonly annotations: readonly never[]; readonly logprobs: readonly never[]; readonly text: string }
  | { readonly type: 'refusal'; readonly refusal: string };
interface Summary {
  readonly type: 'summary_text';
  readonly text: string;
}
type Item =
  | { readonly id: string; readonly type: 'reasoning'; readonly summary: readonly Summary[]; readonly encrypted_content?: string }
  | { readonly id: string; readonly type: 'message'; readonly status: string; readonly role: 'assistant'; readonly content: readonly Part[] }
  | {
      readonly id: string;
      readonly type: 'function_call';
      readonly status: string;
      readonly arguments: string;
      readonly call_id: string;
      readonly name: string;
    };

export interface Response extends Fields {
  readonly status: string;
  readonly output: readonly Item[];
}

const SERVER_ERROR = 'server_error';
const FAILED = { code: SERVER_ERROR, message: 'The server had an error while processing your request. Sorry about that!' };
const INCOMPLETE = ['max_output_tokens', 'content_filter'];

export function responseOf(answer: ScriptedAnswer, asked: ModelRequest, reasons: boolean, sealed: SealedReasoning): Response {
  const body = isFields(asked.body) ? asked.body : {};
  const isIncomplete = INCOMPLETE.includes(answer.finish ?? '');
  const isFailed = answer.finish === 'failed';
  const { input, output, cached, cacheWritten, thinking } = tokensIn(answer, asked);
  const now = Math.floor(Date.now() / 1000);
  return {
    id: `resp_${idText(48)}`,
    object: 'response',
    created_at: now,
    status: isFailed ? 'failed' : isIncomplete ? 'incomplete' : 'completed',
    background: false,
    completed_at: isIncomplete || isFailed ? null : now,
    error: isFailed ? FAILED : null,
    incomplete_details: isIncomplete ? { reason: answer.finish } : null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    model: asked.model,
    output: itemsOf(answer, body, reasons, sealed, isIncomplete ? 'incomplete' : 'completed'),
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...(isFields(body['reasoning']) && body['reasoning']) },
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: body['temperature'] ?? 1,
    text: { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: listOf(body['tools']),
    top_p: 1,
    truncation: 'disabled',
    usage: isFailed
      ? null
      : {
          input_tokens: input,
          input_tokens_details: { cached_tokens: cached, cache_write_tokens: cacheWritten },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: thinking },
          total_tokens: input + output,
        },
    user: null,
    metadata: {},
  };
}

/** Thoughts of a model that reasons, words, calls. Thoughts are told in short only when a summary was asked for, a part for each paragraph. */
function itemsOf(answer: ScriptedAnswer, body: Fields, reasons: boolean, sealed: SealedReasoning, status: string): Item[] {
  const { text = '', thinking, toolCalls = [], finish } = answer;
  const items: Item[] = [];
  if (thinking !== undefined && reasons) {
    const id = `rs_${idText(48)}`;
    const wantsSummary = isFields(body['reasoning']) && typeof body['reasoning']['summary'] === 'string';
    const summary = wantsSummary ? thinking.split('\n\n').map((part) => ({ type: 'summary_text' as const, text: part })) : [];
    const isSealed = listOf(body['include']).includes('reasoning.encrypted_content');
    items.push({ id, type: 'reasoning', summary, ...(isSealed && { encrypted_content: sealed.seal(id, thinking) }) });
  }
  const part: Part = finish === 'refusal' ? { type: 'refusal', refusal: text } : { type: 'output_text', annotations: [], logprobs: [], text };
  if (text !== '') items.push({ id: `msg_${idText(48)}`, type: 'message', status, role: 'assistant', content: [part] });
  for (const call of toolCalls) {
    const id = `fc_${idText(48)}`;
    items.push({ id, type: 'function_call', status, arguments: argumentsText(call), call_id: call.id ?? `call_${idText(24)}`, name: call.name });
  }
  return items;
}

/** response.created, response.in_progress, each item from its beginning to its end, and what became of the response. */
export function responseEvents(response: Response, answer: ScriptedAnswer): readonly ServerEvent[] {
  const open = { ...response, status: 'in_progress', output: [], usage: null, completed_at: null, error: null, incomplete_details: null };
  const events: Event[] = [
    { type: 'response.created', response: open },
    { type: 'response.in_progress', response: open },
    ...response.output.flatMap((item, at) => itemEvents(item, at, answer.pieceChars)),
    { type: `response.${response.status}`, response },
  ];
  return events.map(({ type, ...fields }, sequence_number) => ({ event: type, data: { type, sequence_number, ...fields } }));
}

interface Event extends Fields {
  readonly type: string;
}

function itemEvents(item: Item, output_index: number, pieceChars: number | undefined): Event[] {
  const at = { output_index, item_id: item.id };
  return [
    { type: 'response.output_item.added', output_index, item: begun(item) },
    ...innerEvents(item, at, pieceChars),
    { type: 'response.output_item.done', output_index, item },
  ];
}

function begun(item: Item): unknown {
  if (item.type === 'reasoning') return { ...item, summary: [] };
  return item.type === 'message' ? { ...item, status: 'in_progress', content: [] } : { ...item, status: 'in_progress', arguments: '' };
}

function innerEvents(item: Item, at: Fields, pieceChars: number | undefined): Event[] {
  switch (item.type) {
    case 'reasoning':
      return item.summary.flatMap((part, summary_index) => {
        const own = { ...at, summary_index };
        return [
          { type: 'response.reasoning_summary_part.added', ...own, part: { ...part, text: '' } },
          ...piecesOf(part.text, pieceChars).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...own, delta })),
          { type: 'response.reasoning_summary_text.done', ...own, text: part.text },
          { type: 'response.reasoning_summary_part.done', ...own, part },
        ];
      });
    case 'message':
      return item.content.flatMap((part, content_index) => partEvents(part, { ...at, content_index }, pieceChars));
    case 'function_call':
      return [
        ...piecesOf(item.arguments, pieceChars).map((delta) => ({ type: 'response.function_call_arguments.delta', ...at, delta })),
        { type: 'response.function_call_arguments.done', ...at, name: item.name, arguments: item.arguments },
      ];
  }
}

function partEvents(part: Part, own: Fields, pieceChars: number | undefined): Event[] {
  const begun = part.type === 'refusal' ? { ...part, refusal: '' } : { ...part, text: '' };
  const middle =
    part.type === 'refusal'
      ? [
          ...piecesOf(part.refusal, pieceChars).map((delta) => ({ type: 'response.refusal.delta', ...own, delta })),
          { type: 'response.refusal.done', ...own, refusal: part.refusal },
        ]
      : [
          ...piecesOf(part.text, pieceChars).map((delta) => ({ type: 'response.output_text.delta', ...own, delta, logprobs: [] })),
          { type: 'response.output_text.done', ...own, text: part.text, logprobs: [] },
        ];
  return [{ type: 'response.content_part.added', ...own, part: begun }, ...middle, { type: 'response.content_part.done', ...own, part }];
}

/**
 * Language models of the AI SDK's specifications v3 and v4 over Anthropic's API, as thin as they can be: they speak to the
 * vendor's emulator with nothing but fetch, in the manner of the SDK's own models.
 */
import { APICallError, type LanguageModelV4, type LanguageModelV4CallOptions, type LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { MockLanguageModelV3 } from 'ai/test';

type LanguageModelV3 = Pick<MockLanguageModelV3, keyof LanguageModelV4>;
type Fields = Record<string, unknown>;

export interface ModelSettings {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly thinks?: boolean;
}

const FINISH: Readonly<Record<string, string>> = { end_turn: 'stop', max_tokens: 'length', tool_use: 'tool-calls', refusal: 'content-filter' };

export function modelV4(settings: ModelSettings): LanguageModelV4 {
  return modelOf('v4', settings) as LanguageModelV4;
}

export function modelV3(settings: ModelSettings): LanguageModelV3 {
  return modelOf('v3', settings) as LanguageModelV3;
}

function modelOf(specificationVersion: 'v3' | 'v4', settings: ModelSettings): unknown {
  return {
    specificationVersion,
    provider: 'anthropic.thin',
    modelId: settings.model,
    supportedUrls: { 'image/*': [/^https:\/\//] },
    doGenerate: async (options: LanguageModelV4CallOptions) => {
      const message = (await (await post(settings, options, false)).json()) as Fields;
      return {
        content: (message['content'] as Fields[]).map((block) => contentOf(block)),
        finishReason: finishOf(message['stop_reason']),
        usage: usageOf(message['usage'] as Fields),
        response: { id: message['id'], modelId: message['model'] },
        warnings: [],
      };
    },
    doStream: async (options: LanguageModelV4CallOptions) => ({ stream: streamOf(await post(settings, options, true)) }),
  };
}

async function post({ url, key, model, thinks }: ModelSettings, options: LanguageModelV4CallOptions, stream: boolean): Promise<Response> {
  const requestBodyValues = {
    model,
    stream,
    max_tokens: (options.maxOutputTokens ?? 4096) + (thinks === true ? 2048 : 0),
    ...(thinks === true && { thinking: { type: 'enabled', budget_tokens: 2048 } }),
    ...bodyOf(options),
  };
  let response: Response;
  try {
    response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key, 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(requestBodyValues),
      signal: options.abortSignal ?? null,
    });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new APICallError({ message: 'Cannot connect to API', url, requestBodyValues, cause, isRetryable: true });
  }
  if (response.ok) return response;
  const responseBody = await response.text();
  throw new APICallError({
    message: responseBody,
    url,
    requestBodyValues,
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody,
  });
}

function bodyOf({ prompt, tools = [] }: LanguageModelV4CallOptions): Fields {
  const messages: { role: string; content: unknown[] }[] = [];
  let system = '';
  const called = new Set<string>();
  for (const { role, content } of prompt) {
    if (role === 'system') {
      system += content;
      continue;
    }
    const blocks = (content as unknown as Fields[]).map((part) => blockOf(part));
    for (const part of content) if (part.type === 'tool-call') called.add(part.toolName);
    const wanted = role === 'assistant' ? 'assistant' : 'user';
    const last = messages.at(-1);
    if (last?.role === wanted) last.content.push(...blocks);
    else messages.push({ role: wanted, content: blocks });
  }
  const declared = tools.flatMap((tool) =>
    tool.type === 'function' ? [{ name: tool.name, description: tool.description, input_schema: tool.inputSchema }] : [],
  );
  const known = declared.length > 0 ? declared : [...called].map((name) => ({ name, input_schema: { type: 'object' } }));
  return { messages, ...(system !== '' && { system }), ...(known.length > 0 && { tools: known }) };
}

function blockOf(part: Fields): unknown {
  switch (part['type']) {
    case 'reasoning': {
      const options = part['providerOptions'] as { anthropic: { signature: string } };
      return { type: 'thinking', thinking: part['text'], signature: options.anthropic.signature };
    }
    case 'tool-call':
      return { type: 'tool_use', id: part['toolCallId'], name: part['toolName'], input: part['input'] };
    case 'tool-result': {
      const output = part['output'] as { type: string; value: string };
      return { type: 'tool_result', tool_use_id: part['toolCallId'], content: output.value, is_error: output.type === 'error-text' };
    }
    case 'file': {
      const { data } = part as { data: string | { type: 'data'; data: string } };
      return { type: 'image', source: { type: 'base64', media_type: part['mediaType'], data: typeof data === 'string' ? data : data.data } };
    }
    default:
      return { type: 'text', text: part['text'] };
  }
}

function contentOf(block: Fields): unknown {
  if (block['type'] === 'thinking')
    return { type: 'reasoning', text: block['thinking'], providerMetadata: { anthropic: { signature: block['signature'] } } };
  if (block['type'] === 'tool_use')
    return { type: 'tool-call', toolCallId: block['id'], toolName: block['name'], input: JSON.stringify(block['input']) };
  return { type: 'text', text: block['text'] };
}

function finishOf(raw: unknown): unknown {
  return { unified: typeof raw === 'string' ? (FINISH[raw] ?? 'other') : 'other', raw: raw ?? undefined };
}

function usageOf(usage: Fields): unknown {
  const [noCache, cacheRead, cacheWrite, total] = [
    usage['input_tokens'],
    usage['cache_read_input_tokens'],
    usage['cache_creation_input_tokens'],
    usage['output_tokens'],
  ] as number[];
  return {
    inputTokens: { total: (noCache ?? 0) + (cacheRead ?? 0) + (cacheWrite ?? 0), noCache, cacheRead, cacheWrite },
    outputTokens: { total, text: undefined, reasoning: undefined },
  };
}

/** As the SDK's models do: what broke off finishes too, with nothing known of why. */
function streamOf(response: Response): ReadableStream<LanguageModelV4StreamPart> {
  const blocks = new Map<unknown, Fields>();
  let buffer = '';
  let raw: unknown;
  let usage: Fields = {};
  const partsOf = (event: Fields): Fields[] => {
    const id = String(event['index']);
    const block = blocks.get(id) ?? {};
    switch (event['type']) {
      case 'error':
        return [{ type: 'error', error: event['error'] }];
      case 'message_start': {
        const message = event['message'] as Fields;
        usage = message['usage'] as Fields;
        return [{ type: 'response-metadata', id: message['id'], modelId: message['model'] }];
      }
      case 'message_delta':
        usage = { ...usage, ...(event['usage'] as Fields) };
        raw = (event['delta'] as Fields)['stop_reason'];
        return [];
      case 'content_block_start': {
        const begun = event['content_block'] as Fields;
        blocks.set(id, { ...begun, json: '' });
        if (begun['type'] === 'tool_use') return [{ type: 'tool-input-start', id: begun['id'], toolName: begun['name'] }];
        return [{ type: begun['type'] === 'thinking' ? 'reasoning-start' : 'text-start', id }];
      }
      case 'content_block_delta': {
        const delta = event['delta'] as Record<string, string>;
        if (delta['type'] === 'text_delta') return [{ type: 'text-delta', id, delta: delta['text'] }];
        if (delta['type'] === 'thinking_delta') return [{ type: 'reasoning-delta', id, delta: delta['thinking'] }];
        if (delta['type'] === 'signature_delta')
          return [{ type: 'reasoning-delta', id, delta: '', providerMetadata: { anthropic: { signature: delta['signature'] } } }];
        block['json'] = `${String(block['json'])}${String(delta['partial_json'])}`;
        return [{ type: 'tool-input-delta', id: block['id'], delta: delta['partial_json'] }];
      }
      case 'content_block_stop':
        if (block['type'] !== 'tool_use') return [{ type: block['type'] === 'thinking' ? 'reasoning-end' : 'text-end', id }];
        return [
          { type: 'tool-input-end', id: block['id'] },
          { type: 'tool-call', toolCallId: block['id'], toolName: block['name'], input: block['json'] },
        ];
      default:
        return [];
    }
  };
  const decoder = new TextDecoderStream() as unknown as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>;
  return (response.body as ReadableStream<Uint8Array<ArrayBuffer>>).pipeThrough(decoder).pipeThrough(
    new TransformStream<string, LanguageModelV4StreamPart>({
      start: (controller) => controller.enqueue({ type: 'stream-start', warnings: [] }),
      transform: (chunk, controller) => {
        const events = `${buffer}${chunk}`.split('\n\n');
        buffer = events.pop() ?? '';
        for (const event of events) {
          const data = event.split('\n').find((line) => line.startsWith('data: '));
          const parts = data === undefined ? [] : partsOf(JSON.parse(data.slice(6)) as Fields);
          for (const part of parts) controller.enqueue(part as LanguageModelV4StreamPart);
        }
      },
      flush: (controller) => controller.enqueue({ type: 'finish', finishReason: finishOf(raw), usage: usageOf(usage) } as LanguageModelV4StreamPart),
    }),
  );
}

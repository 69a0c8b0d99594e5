/** What a model is given of an MCP tool's result (MCP-02). All of it is the server's word: data, and of any form. */
import type { AIContextPart } from '../../core/models/ai.js';
import { unknownTool } from '../../ai/tools/compose.js';
import type { McpCallResult } from './client.js';

const MAX_ERROR_CHARS = 1000;

/**
 * One text as it is, several as a JSON array, structured content beside them, images as image parts; of a failure
 * `{ error }`.
 */
export function toolOutput(result: McpCallResult, name: string): unknown {
  const raw: unknown = result;
  if (typeof raw !== 'object' || raw === null) return { error: 'The server gave no result.' };
  const parts = Array.isArray(result.content) ? result.content.map(partOf) : [];
  const texts = parts.filter((part) => part.type === 'text').map(({ text }) => text);
  if (result.isError === true) return { error: (texts.join('\n') || 'The tool failed.').slice(0, MAX_ERROR_CHARS) };
  const images = parts.filter((part) => part.type === 'image');
  const output = textOutput(texts, result.structuredContent);
  if (images.length > 0) {
    const text = typeof output === 'string' ? output : JSON.stringify(output);
    return output === undefined ? images : [{ type: 'text', text }, ...images];
  }
  // These words would hand the call on to somebody else's tool (TL-12).
  if (output === unknownTool(name)) return { error: `The server says: Unknown tool: ${name}` };
  return output ?? '';
}

function textOutput(texts: readonly string[], structured: unknown): unknown {
  const text = texts.length <= 1 ? texts[0] : JSON.stringify(texts);
  if (structured === undefined || structured === null) return text;
  // Servers repeat structured content as text, for clients that know no better.
  if (text === undefined || (texts.length === 1 && isSameJson(text, structured))) return JSON.stringify(structured);
  return JSON.stringify({ text: texts.length === 1 ? text : texts, structuredContent: structured });
}

function isSameJson(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return false;
  }
}

type Part = Extract<AIContextPart, { type: 'text' } | { type: 'image' }>;

interface Given {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly data?: unknown;
  readonly mimeType?: unknown;
  readonly uri?: unknown;
  readonly name?: unknown;
  readonly resource?: { readonly text?: unknown; readonly blob?: unknown; readonly mimeType?: unknown; readonly uri?: unknown };
}

function partOf(given: unknown): Part {
  if (typeof given !== 'object' || given === null) return text('[A part that cannot be shown]');
  const { type, text: words, data, mimeType, uri, name, resource }: Given = given;
  switch (type) {
    case 'text':
      return text(typeof words === 'string' ? words : '');
    case 'image':
      return image(data, mimeType) ?? text('[An image that cannot be shown]');
    case 'audio':
      return text('[A recording that cannot be heard here]');
    case 'resource_link':
      return text(`[Resource ${stringOf(name)} ${stringOf(uri)}]`);
    case 'resource':
      if (typeof resource?.text === 'string') return text(resource.text);
      return image(resource?.blob, resource?.mimeType) ?? text(`[Resource ${stringOf(resource?.uri)}, which is no text]`);
    default:
      return text('[A part that cannot be shown]');
  }
}

function text(words: string): Part {
  return { type: 'text', text: words };
}

function image(data: unknown, mimeType: unknown): Part | undefined {
  if (typeof data !== 'string' || typeof mimeType !== 'string') return undefined;
  if (!/^image\/[\w.+-]{1,60}$/.test(mimeType) || data === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return undefined;
  return { type: 'image', url: `data:${mimeType};base64,${data}`, mimeType };
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 500) : '';
}

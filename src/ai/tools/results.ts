/**
 * What a model is told of a tool's result (TL-04, TL-05): text, at most so much of it at a time, and images apart. The
 * rest of a long result is kept for the turn and read page by page with the tool `read_tool_result`.
 */
import { DeliveryError, errorMessage, ProviderError, RoomKitError } from '../../core/errors.js';
import type { AIContextPart, AITool } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import { boundary } from '../escape.js';

/** The name of the kit's own tool that pages long results (TL-05); no other tool may have it. */
export const READ_TOOL_RESULT = 'read_tool_result';

/** The least that `maxToolResultChars` may be: a page has to hold its notice and some text. */
export const MIN_TOOL_RESULT_CHARS = 200;
/** How much of long results one turn keeps, in characters. */
const MAX_KEPT_CHARS = 4_000_000;
const MAX_ERROR_CHARS = 1000;

export type ImagePart = Extract<AIContextPart, { type: 'image' }>;

export interface ToolResult {
  readonly text: string;
  readonly images: readonly ImagePart[];
}

/** An error whose message is meant for the model; messages of all others stay out of the conversation. */
export class ToolError extends RoomKitError {
  override readonly name = 'ToolError';
  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super('tool_error', message, options);
  }
}

/** `{"error": …}`, as every refused or failed call is answered. */
export function errorText(problem: string): string {
  return JSON.stringify({ error: problem.slice(0, MAX_ERROR_CHARS) });
}

/**
 * What the model may know of a failure: the words of our own errors. Those of anything else may hold addresses, queries
 * or secrets, so only that it failed is said (TL-04).
 */
export function failureText(error: unknown): string {
  const isOurs = error instanceof RoomKitError && !(error instanceof ProviderError) && !(error instanceof DeliveryError);
  return errorText(isOurs ? errorMessage(error) : 'The tool failed.');
}

/** Turns what a tool returned into text and images. Throws for what is no JSON. */
export function toToolResult(value: unknown): ToolResult {
  if (typeof value === 'string') return { text: value, images: [] };
  if (isImagePart(value)) return { text: '', images: [value] };
  if (Array.isArray(value) && value.some(isImagePart) && value.every((part) => isImagePart(part) || isTextPart(part))) {
    return {
      text: value
        .filter(isTextPart)
        .map((part) => part.text)
        .join('\n'),
      images: value.filter(isImagePart),
    };
  }
  return { text: JSON.stringify(value) ?? 'null', images: [] };
}

/** Whether a result says by its form that it is an error: `{ error: … }` and nothing else, as object or as text. */
export function isErrorResult(value: unknown): boolean {
  let form = value;
  if (typeof value === 'string') {
    if (!value.startsWith('{"error"') || value.length > MAX_ERROR_CHARS * 4) return false;
    try {
      form = JSON.parse(value);
    } catch {
      return false;
    }
  }
  return typeof form === 'object' && form !== null && 'error' in form && typeof form.error === 'string' && Object.keys(form).length === 1;
}

function isImagePart(part: unknown): part is ImagePart {
  return typeof part === 'object' && part !== null && 'type' in part && part.type === 'image' && 'url' in part && typeof part.url === 'string';
}

function isTextPart(part: unknown): part is Extract<AIContextPart, { type: 'text' }> {
  return typeof part === 'object' && part !== null && 'type' in part && part.type === 'text' && 'text' in part && typeof part.text === 'string';
}

/** The long results of one turn. */
export class KeptResults {
  readonly #texts = new Map<string, string>();
  #chars = 0;

  constructor(private readonly maxChars: number) {}

  /** True once something had to be cut: from then on `read_tool_result` is offered. */
  get hasAny(): boolean {
    return this.#texts.size > 0;
  }

  /** The text as the model gets it: whole, or its first page. */
  fit(text: string): string {
    if (text.length <= this.maxChars) return text;
    const room = Math.max(0, MAX_KEPT_CHARS - this.#chars);
    const kept = text.length <= room ? text : `${text.slice(0, boundary(text, Math.max(this.maxChars, room)))}\n[The rest is too long to be kept.]`;
    const id = `r${this.#texts.size + 1}`;
    this.#texts.set(id, kept);
    this.#chars += kept.length;
    return this.#page(id, kept, 0);
  }

  /** Answers `read_tool_result`. */
  read(args: Metadata): string {
    const id = args['id'];
    const offset = args['offset'] ?? 0;
    const text = typeof id === 'string' ? this.#texts.get(id) : undefined;
    if (typeof id !== 'string' || text === undefined) {
      throw new ToolError(`There is no result ${JSON.stringify(id)}. Known: ${[...this.#texts.keys()].join(', ') || 'none'}.`);
    }
    if (!Number.isInteger(offset) || typeof offset !== 'number' || offset < 0 || offset >= text.length) {
      throw new ToolError(`Result ${id} has ${text.length} characters; offset ${JSON.stringify(offset)} is outside of it.`);
    }
    return this.#page(id, text, boundary(text, offset));
  }

  /** For the record of a turn that waits. */
  record(): readonly string[] {
    return [...this.#texts.values()];
  }

  /** What was kept before the turn waited, under the same names. */
  restore(texts: readonly string[]): void {
    for (const [at, text] of texts.entries()) {
      this.#texts.set(`r${at + 1}`, text);
      this.#chars += text.length;
    }
  }

  #page(id: string, text: string, offset: number): string {
    if (text.length - offset <= this.maxChars) return text.slice(offset);
    const notice = (next: number): string =>
      `\n[Characters ${offset}-${next} of ${text.length}. Go on with ${READ_TOOL_RESULT} {"id":"${id}","offset":${next}}]`;
    const end = boundary(text, offset + this.maxChars - notice(text.length).length);
    return text.slice(offset, end) + notice(end);
  }
}

/** Offered only once a result had to be cut. */
export const readToolResult: AITool = Object.freeze({
  name: READ_TOOL_RESULT,
  description: 'Reads on in a tool result that was too long to be shown at once.',
  parameters: Object.freeze({
    type: 'object',
    properties: Object.freeze({
      id: Object.freeze({ type: 'string', description: 'The id named at the end of what was shown.' }),
      offset: Object.freeze({ type: 'integer', minimum: 0, description: 'Where to read on.' }),
    }),
    required: Object.freeze(['id', 'offset']),
    additionalProperties: false,
  }),
  idempotent: true,
});

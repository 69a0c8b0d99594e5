/** What the model's vendor wants back: thoughts, and the metadata of its parts, which go back as `providerOptions`. */
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';
import type { AISDKModel, AISDKPart } from './model.js';

type Options = Readonly<Record<string, object>>;

/** What is kept of one answer. */
export interface Kept {
  /** Of {@link nameOf}: another model could not read the rest. */
  readonly model: string;
  readonly reasoning: readonly { readonly text: string; readonly providerOptions?: Options }[];
  /** By the ids of the calls. */
  readonly calls: Readonly<Record<string, Options>>;
  /** Of the text, where it was in one piece. */
  readonly text?: Options;
}

const KEY = 'ai_sdk';
const NOTHING: Kept = { model: '', reasoning: [], calls: {} };

/** Which model it is, among all of the AI SDK. */
export function nameOf({ provider, modelId }: AISDKModel): string {
  return `${provider}/${modelId}`;
}

/** Gathers it while an answer is read. */
export class Keeper {
  readonly #thoughts = new Map<string, { text: string; options: Options }>();
  readonly #texts = new Map<string, Options>();
  readonly #calls = new Map<string, Options>();

  constructor(private readonly model: string) {}

  /** A thought, or a piece of one. */
  thought(id: string, text: string, metadata: AISDKPart['providerMetadata']): void {
    const known = this.#thoughts.get(id);
    this.#thoughts.set(id, { text: `${known?.text ?? ''}${text}`, options: joined(known?.options, metadata) });
  }

  text(id: string, metadata: AISDKPart['providerMetadata']): void {
    this.#texts.set(id, joined(this.#texts.get(id), metadata));
  }

  call(id: string, metadata: AISDKPart['providerMetadata']): void {
    if (metadata !== undefined) this.#calls.set(id, metadata);
  }

  /** For the metadata of the answer. */
  get metadata(): Metadata {
    const reasoning = [...this.#thoughts.values()].map(({ text, options }) => ({ text, ...(hasAny(options) && { providerOptions: options }) }));
    const [text, ...others] = this.#texts.values();
    const kept: Kept = {
      model: this.model,
      reasoning,
      calls: Object.fromEntries(this.#calls),
      ...(text !== undefined && others.length === 0 && hasAny(text) && { text }),
    };
    return reasoning.length === 0 && this.#calls.size === 0 && kept.text === undefined ? {} : { [KEY]: kept };
  }
}

/** What an answer's metadata has kept; nothing where another model wrote it. */
export function keptOf(message: AIMessage, model: string): Kept {
  const kept: unknown = message.metadata?.[KEY];
  if (!isFields(kept) || kept['model'] !== model) return NOTHING;
  const { reasoning, calls, text } = kept;
  return {
    model,
    reasoning: (Array.isArray(reasoning) ? reasoning : []).filter(
      (one): one is Kept['reasoning'][number] => isFields(one) && typeof one['text'] === 'string',
    ),
    calls: isFields(calls) ? (calls as Kept['calls']) : {},
    ...(isFields(text) && { text: text as Options }),
  };
}

/** Later words go before earlier ones, vendor by vendor. */
function joined(known: Options = {}, more: Options = {}): Options {
  return Object.fromEntries([...new Set([...Object.keys(known), ...Object.keys(more)])].map((name) => [name, { ...known[name], ...more[name] }]));
}

function hasAny(options: Options): boolean {
  return Object.keys(options).length > 0;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

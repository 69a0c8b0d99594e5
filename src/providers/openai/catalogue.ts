/**
 * What is known of the vendor's models by their ids (AIP-05), as of 2026-11-25.
 * @see https://developers.openai.com/api/docs/models
 */

export interface ModelTraits {
  /** It thinks before it answers: it has a developer, `max_completion_tokens`, and takes no temperature. */
  readonly reasons: boolean;
  readonly vision: boolean;
  /** How it calls tools over chat completions: freely, only when it does not reason, or not at all. */
  readonly chatTools: 'any' | 'without_effort' | 'none';
}

/** The first that fits; a date or a variant behind the name changes nothing. */
const CATALOGUE: readonly (readonly [RegExp, ModelTraits])[] = [
  [/^gpt-5(\.\d+)?-chat\b/, { reasons: false, vision: true, chatTools: 'any' }],
  [/^gpt-(6-astra|6\.1-sol)\b/, { reasons: true, vision: true, chatTools: 'none' }],
  [/^gpt-(5\.([6-9]|\d\d)|[6-9]|\d\d)(?![\w])/, { reasons: true, vision: true, chatTools: 'without_effort' }],
  [/^gpt-5(?!\w)/, { reasons: true, vision: true, chatTools: 'any' }],
  [/^codex-/, { reasons: true, vision: true, chatTools: 'any' }],
  [/^o[13]-(mini|preview)\b/, { reasons: true, vision: false, chatTools: 'any' }],
  [/^o\d+(?!\w)/, { reasons: true, vision: true, chatTools: 'any' }],
  [/^(gpt-4o-(mini-)?(audio|search|realtime|transcribe|tts))/, { reasons: false, vision: false, chatTools: 'any' }],
  [/^(gpt-4o|gpt-4\.[15]|gpt-4-turbo|gpt-4-vision|chatgpt-)/, { reasons: false, vision: true, chatTools: 'any' }],
];

const UNKNOWN: ModelTraits = { reasons: false, vision: false, chatTools: 'any' };

/** Of an unknown id: no reasoning, no vision. A model tuned by its owner (`ft:gpt-4.1:…`) has the traits of the one it began as. */
export function traitsOf(model: string): ModelTraits {
  const id = model.startsWith('ft:') ? model.slice(3) : model;
  return CATALOGUE.find(([pattern]) => pattern.test(id))?.[1] ?? UNKNOWN;
}

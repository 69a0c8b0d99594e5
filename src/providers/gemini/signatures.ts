/**
 * Signatures of a model's thoughts. Since Gemini 3 the first call of each step of a tool round has to come back with the one
 * it was given (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
import type { Part } from '@google/genai';
import type { AIMessage } from '../../core/models/ai.js';
import type { Metadata } from '../../core/models/json.js';

const KEY = 'gemini_signatures';
/** The vendor's word for a call of which there is no signature: one of another model, or one that history has lost. */
const UNSIGNED = 'skip_thought_signature_validator';

/** For the metadata of an answer: what {@link keptSignatures} needs, by the ids of the calls. */
export function keepSignatures(signatures: ReadonlyMap<string, string>, model: string): Metadata {
  return signatures.size === 0 ? {} : { [KEY]: { model, calls: Object.fromEntries(signatures) } };
}

/** Those of this model: the vendor calls another one's corrupted. */
export function keptSignatures(message: AIMessage, model: string): ReadonlyMap<string, string> {
  const kept: unknown = message.metadata?.[KEY];
  if (typeof kept !== 'object' || kept === null || !('model' in kept) || kept.model !== model) return new Map();
  const calls: unknown = 'calls' in kept ? kept.calls : undefined;
  if (typeof calls !== 'object' || calls === null) return new Map();
  return new Map(Object.entries(calls).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Where no call of a step came with a signature, the first is marked; where a later one did, the first gets that of its sibling. */
export function signFirst(parts: readonly Part[], model: string): void {
  const calls = parts.filter((part) => part.functionCall !== undefined);
  const [first] = calls;
  if (first === undefined || first.thoughtSignature !== undefined) return;
  const sibling = calls.find((part) => part.thoughtSignature !== undefined)?.thoughtSignature;
  if (sibling !== undefined) first.thoughtSignature = sibling;
  else if (!/\bgemini-[12]\b/.test(model)) first.thoughtSignature = UNSIGNED;
}

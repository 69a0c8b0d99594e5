/** A vendor may repeat in its refusal the key it was sent, and its words are the `cause` of our error: there the key must not show (F60). */
import { inspect } from 'node:util';
import type { AIContext } from '../../../core/models/ai.js';
import type { Secret } from '../../../core/telemetry/secret.js';

/** What is shorter is no key: a server without keys is given a word. */
const SHORTEST = 8;

/** The error as it is; where its cause shows the key, or that of the call, with the words of the cause alone, without it. */
export function hideKey(error: unknown, key: Secret | undefined, context: AIContext): unknown {
  if (!(error instanceof Error) || error.cause === undefined) return error;
  const ofCall = context.metadata?.['api_key'];
  const keys = [key?.reveal(), ofCall].filter((one): one is string => typeof one === 'string' && one.length >= SHORTEST);
  const { cause } = error;
  const shown = keys.length === 0 ? '' : inspect(cause, { depth: 8, showHidden: true, maxStringLength: null });
  if (!keys.some((one) => shown.includes(one))) return error;
  const words = cause instanceof Error ? cause.message : inspect(cause, { depth: 8, maxStringLength: null });
  error.cause = new Error(keys.reduce((text, one) => text.replaceAll(one, '***'), words));
  return error;
}

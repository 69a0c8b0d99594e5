/**
 * Asks a store until it answers: what has happened outside is not forgotten, and what waits is not overtaken, because the
 * store was away for a moment. Gives up with an error that says another try is in vain, or when the kit stops.
 */
import type { Clock } from '../clock.js';
import { RoomKitError } from '../errors.js';
import type { LogFields, Logger } from '../logger.js';
import { isPromise, type Awaitable } from '../models/json.js';

/** How long a store that fails is left alone, at first and at most. */
const FIRST_MS = 100;
const MOST_MS = 5000;

export interface InsistParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/** As {@link insist}, for what may answer at once: then nothing is waited for. */
export function insistFirst<T>(parts: InsistParts, what: LogFields, ask: () => Awaitable<T>): Awaitable<T> {
  let answer: Awaitable<T>;
  try {
    answer = ask();
  } catch (error) {
    return insist(parts, what, ask, undefined, error);
  }
  return isPromise(answer) ? answer.catch((error: unknown) => insist(parts, what, ask, undefined, error)) : answer;
}

export async function insist<T>(parts: InsistParts, what: LogFields, ask: () => Awaitable<T>, onFailure?: () => void, failed?: unknown): Promise<T> {
  for (let delayMs = FIRST_MS, before = failed; ; delayMs = Math.min(delayMs * 2, MOST_MS), before = undefined) {
    try {
      if (before !== undefined) throw before;
      return await ask();
    } catch (error) {
      if (parts.stopping.aborted || (error instanceof RoomKitError && !error.retryable)) throw error;
      parts.logger.warn('The store failed and is asked again.', { ...what, error });
      onFailure?.();
      await parts.clock.sleep(delayMs, parts.stopping);
    }
  }
}

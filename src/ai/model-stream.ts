/** Reads a model's stream. Of each item nothing is waited for but the model itself: one look at its promise, no guard of its own. */
import type { Cancellation } from '../core/async/cancellation.js';
import type { AIStreamItem } from '../core/models/ai.js';

/**
 * Gives each item to `take` until it says that this was the last one. True then; false when the stream was over before.
 * Rejects with what the model or `take` threw, or as soon as the turn is cut short: then the model is told to stop.
 */
export function readStream(items: AsyncIterable<AIStreamItem>, cancellation: Cancellation, take: (item: AIStreamItem) => boolean): Promise<boolean> {
  const iterator = items[Symbol.asyncIterator]();
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (wasLast: boolean): void => {
      isOver = true;
      unlisten();
      if (wasLast) leave(iterator);
      resolve(wasLast);
    };
    const fail = (error: unknown): void => {
      if (isOver) return;
      isOver = true;
      unlisten();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const got = (step: IteratorResult<AIStreamItem>): void => {
      if (isOver) return;
      try {
        if (step.done === true) end(false);
        else if (take(step.value)) end(true);
        else next();
      } catch (error) {
        leave(iterator);
        fail(error);
      }
    };
    const next = (): void => {
      iterator.next().then(got, fail);
    };
    const unlisten = cancellation.onAbort((reason) => {
      if (isOver) return;
      isOver = true;
      leave(iterator);
      reject(reason);
    });
    if (isOver) return; // cut short before it began
    try {
      next();
    } catch (error) {
      fail(error);
    }
  });
}

/** An iterator that hangs, or fails to be left, is told to stop and not waited for. */
function leave(iterator: AsyncIterator<AIStreamItem>): void {
  try {
    iterator.return?.().then(undefined, nothing);
  } catch {
    // It was given up already.
  }
}

function nothing(): void {
  // It was given up already.
}

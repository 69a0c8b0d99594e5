/** Bounded waiting: a late result or rejection is ignored and never becomes an unhandled rejection (CON-08). */
import type { Deadlines } from './deadlines.js';

/** Resolves like `promise`, or rejects with `onTimeout()` after `ms`. */
export function withDeadline<T>(deadlines: Deadlines, promise: Promise<T>, ms: number, onTimeout: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const deadline = deadlines.add(ms, () => reject(onTimeout()));
    promise.then(
      (value) => {
        deadline.cancel();
        resolve(value);
      },
      (error: unknown) => {
        deadline.cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Waiting until nothing runs any more but what only waits for a later time. */
import type { KitParts } from '../parts.js';

/** How often it is seen whether what still runs only rests. */
const LOOK_MS = 50;

/**
 * Whether it came to that before this time of the clock that does not jump. Keeps the process alive meanwhile: somebody waits for it.
 * Rejects with the signal's reason.
 */
export async function untilQuiet(
  { tasks, passing, rests, clock }: Pick<KitParts, 'tasks' | 'passing' | 'rests' | 'clock'>,
  untilMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for (;;) {
    if (passing.size === 0 && tasks.size <= rests.beyond(untilMs)) return true;
    const leftMs = untilMs - clock.monotonic();
    if (leftMs <= 0) return false;
    const sleeping = new AbortController();
    const stop = (): void => sleeping.abort(signal?.reason);
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    const looking = clock.sleep(Math.min(LOOK_MS, leftMs), sleeping.signal);
    try {
      await Promise.race([passing.size === 0 ? tasks.settled() : passing.settled(), looking]);
    } finally {
      signal?.removeEventListener('abort', stop);
      looking.catch(() => undefined); // not waited for any more
      sleeping.abort();
    }
  }
}

/** Time, injected (CON-03). Times order nothing; the room's index does (CON-12). */
import { AbortedError } from './errors.js';

/** A pending call. */
export interface Timer {
  /** The call is not made any more. Without effect once it was made. */
  cancel(): void;
}

/** Time as the kit reads it. Tests give a `TestClock` from `roomkit/testing`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds of a clock that never jumps, for durations. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. Somebody waits for it, so it keeps the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms`. A pending timer never keeps the process alive. */
  setTimer(ms: number, fn: () => void): Timer;
}

/** The longest delay of a native timer; longer ones are chained. */
const MAX_NATIVE_MS = 2 ** 31 - 1;

/** The machine's time, and the default. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  setTimer(ms: number, fn: () => void): Timer {
    return nativeTimer(ms, fn, false);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepWith({ setTimer: (delay, fn) => nativeTimer(delay, fn, true) }, ms, signal);
  }
}

function nativeTimer(ms: number, fn: () => void, keepsAlive: boolean): Timer {
  let handle: NodeJS.Timeout;
  const arm = (left: number): void => {
    handle = setTimeout(() => (left > MAX_NATIVE_MS ? arm(left - MAX_NATIVE_MS) : fn()), Math.min(Math.max(0, left), MAX_NATIVE_MS));
    if (!keepsAlive) (handle as Partial<NodeJS.Timeout>).unref?.(); // elsewhere than in Node it is a number, which keeps nothing alive
  };
  arm(ms);
  return { cancel: () => clearTimeout(handle) };
}

/** `sleep` in terms of `setTimer`, shared by every clock. */
export function sleepWith(clock: Pick<Clock, 'setTimer'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(abortReason(signal));
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Why a signal was aborted, as an error. */
export function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new AbortedError('The operation was aborted.');
}

/** The moments asked for last: a turn is written with the present, the end of its lease and the end of its time. */
const lastMs = [NaN, NaN, NaN, NaN];
const lastIso = ['', '', '', ''];
let oldest = 0;

/** ISO-8601 UTC with milliseconds; events of one millisecond share one string. */
export function isoTime(ms: number): string {
  const known = lastMs.indexOf(ms);
  if (known >= 0) return lastIso[known] ?? '';
  const iso = new Date(ms).toISOString();
  lastMs[oldest] = ms;
  lastIso[oldest] = iso;
  oldest = (oldest + 1) % lastMs.length;
  return iso;
}

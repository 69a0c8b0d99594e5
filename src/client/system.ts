/** The machine's time, for clients that are given no other. */
import type { ClientClock } from './options.js';

export const systemClock: ClientClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // It keeps a program alive: somebody waits for what the client does.
  setTimer: (ms, fn) => {
    const handle = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

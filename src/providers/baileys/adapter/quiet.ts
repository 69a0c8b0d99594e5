/** What the client library would say of itself: nothing. Its lines hold messages, numbers and keys (WP-05). */
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import type { UserFacingSocketConfig } from 'baileys';

type Logger = NonNullable<UserFacingSocketConfig['logger']>;

const nothing = (): void => undefined;

export const SILENT: Logger = {
  level: 'silent',
  child: () => SILENT,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

let isDone = false;

/**
 * libsignal, which encrypts for baileys, prints whole sessions with their private keys to the console when it closes one. Sessions
 * are taught to say nothing of themselves. Where libsignal is not to be found nothing happens.
 */
export function hideSessionKeys(): void {
  if (isDone) return;
  isDone = true;
  try {
    const own = createRequire(import.meta.url);
    const session: unknown = (createRequire(own.resolve('baileys'))('libsignal') as LibSignal).SessionRecord.createEntry();
    if (typeof session !== 'object' || session === null) return;
    const prototype = Object.getPrototypeOf(session) as object;
    Object.defineProperty(prototype, inspect.custom, { value: () => '[a session of libsignal]', configurable: true });
  } catch {
    // Another layout of packages; the docs page names what is printed then.
  }
}

interface LibSignal {
  readonly SessionRecord: { createEntry(): unknown };
}

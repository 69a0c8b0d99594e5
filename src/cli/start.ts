/** `roomkit start`: one process that serves until a signal ends it. */
import { resolve } from 'node:path';
import type { ServeCommand } from './arguments.js';
import { explain } from './explain.js';
import { run } from './run.js';
import { complain, say } from './say.js';

export async function start({ file, ...where }: ServeCommand): Promise<void> {
  const path = resolve(file);
  const running = await run({ path, ...where, isDevelopment: false }).catch((error: unknown) => {
    complain(explain(error, path));
    process.exit(1);
  });
  onSignals(() => {
    say('Finishing what is under way …');
    void endWith(running.stop());
  });
}

/** Calls `stop` at the first signal; a later one, but for the same Ctrl+C that npm passes on once more, ends at once. */
export function onSignals(stop: () => void): void {
  let since: number | undefined;
  const onSignal = (): void => {
    if (since !== undefined && performance.now() - since > 1000) process.exit(1);
    if (since !== undefined) return;
    since = performance.now();
    stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** Ends the process with what closing came to. */
export async function endWith(stopped: Promise<void>): Promise<never> {
  try {
    await stopped;
  } catch (error) {
    complain(error instanceof AggregateError ? [error.message, ...error.errors.map(String)].join('\n  ') : String(error));
    process.exit(1);
  }
  process.exit(0);
}

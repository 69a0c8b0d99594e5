/**
 * Finds a server that is there. One of NATS says `INFO` as soon as somebody connects. The package cannot be told to stop
 * connecting, and lets go of no socket on which nothing was said; so it is given only a server that has greeted.
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
import { connect } from 'node:net';
import type { Clock } from '../../core/clock.js';

/** Nothing was said within the time. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
}

/** The first of these that greets; undefined when stopped before. Throws what the last one failed with. */
export async function greetingServer(
  servers: readonly string[],
  { clock, timeoutSeconds, stopped }: { readonly clock: Clock; readonly timeoutSeconds: number; readonly stopped: AbortSignal },
): Promise<string | undefined> {
  let failure: unknown;
  for (const server of servers) {
    try {
      await greeting(server, clock, timeoutSeconds * 1000, stopped);
      return stopped.aborted ? undefined : server;
    } catch (error) {
      failure = error;
    }
    if (stopped.aborted) return undefined;
  }
  throw failure;
}

function greeting(server: string, clock: Clock, ms: number, stopped: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(`nats://${server}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    const end = (error?: Error): void => {
      timer.cancel();
      stopped.removeEventListener('abort', stop);
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    const stop = (): void => end();
    const timer = clock.setTimer(ms, () => end(new SilenceError('Nothing was said.')));
    stopped.addEventListener('abort', stop, { once: true });
    socket.once('data', (data) => end(data.subarray(0, 5).toString('latin1') === 'INFO ' ? undefined : new Error('That is no server of NATS.')));
    socket.once('error', end);
    socket.once('close', () => end(new Error('It has closed the connection.')));
  });
}

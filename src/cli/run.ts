/** Serves a file's kit on a port until it is told to stop, and then finishes what is under way. */
import { basename } from 'node:path';
import { RoomKitError, type RoomKit } from 'roomkit';
import { serve, type RoomKitServer, type ServeOptions } from 'roomkit/server';
import type { ServeCommand } from './arguments.js';
import { loadKit } from './load.js';
import { CannotRun, say } from './say.js';

export interface RunOptions extends Omit<ServeCommand, 'file'> {
  /** The whole path. */
  readonly path: string;
  /** With Studio, and on the next free port when the usual one is taken. */
  readonly isDevelopment: boolean;
  /** The port of the run before, which the next one gets when it is free. */
  readonly preferredPort?: number;
}

export interface Running {
  readonly url: string;
  readonly port: number;
  /** Finishes what is under way, says goodbye to sockets, closes the kit and its store. */
  stop(): Promise<void>;
}

const USUAL_PORT = 4170;
/** How long what sends requests here may take to see that it should not any more. */
const DELAY_VARIABLE = 'ROOMKIT_SHUTDOWN_DELAY_SECONDS';
const PORTS_TO_TRY = 50;

/** Throws CannotRun for what the user can mend; what their file throws comes through. */
export async function run({ path, host, port, isDevelopment, preferredPort }: RunOptions): Promise<Running> {
  const delayMs = isDevelopment ? 0 : shutdownDelayMs();
  const { kit, server: wished, rooms } = await loadKit(path);
  const fixed = port ?? wished.port;
  const first = fixed ?? preferredPort ?? USUAL_PORT;
  const tries = fixed === undefined && isDevelopment ? PORTS_TO_TRY : 0;
  const options = { ...wished, studio: wished.studio ?? isDevelopment, ...(host !== undefined && { host }) };
  const server = await listen(kit, options, first, tries).catch(async (error: unknown) => {
    await kit.close();
    throw error;
  });
  if (first !== 0 && server.port !== first) say(`Port ${first} is in use; this is the next free one.`);
  say(`RoomKit serves ${basename(path)}\n\n  open   ${server.url}${options.studio ? '/studio/' : ''}\n  rooms  ${rooms}\n  stop   Ctrl+C\n`);
  return {
    url: server.url,
    port: server.port,
    stop: async () => {
      server.drain();
      // Balancers ask for readiness every few seconds: until they have, what they send is taken (OPS-08).
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      await kit.drain();
      await server.close();
      await kit.close();
    },
  };
}

/** Throws CannotRun when the environment says something that is no time. */
function shutdownDelayMs(): number {
  const given = process.env[DELAY_VARIABLE];
  if (given === undefined || given === '') return 0;
  const seconds = Number(given);
  if (!(seconds >= 0 && seconds <= 600))
    throw new CannotRun(`${DELAY_VARIABLE} is '${given}'. Give a number of seconds from 0 to 600; default 0.`, 1);
  return seconds * 1000;
}

async function listen(kit: RoomKit, options: Omit<ServeOptions, 'port'>, first: number, tries: number): Promise<RoomKitServer> {
  const last = Math.min(first + tries, 65_535);
  for (let port = first; ; port++) {
    try {
      return await serve(kit, { ...options, port });
    } catch (error) {
      if (!(error instanceof RoomKitError)) throw error;
      if (error.code !== 'conflict') throw new CannotRun(error.message, 1, { cause: error });
      if (port >= last) throw new CannotRun(`${error.message} The option is --port NUMBER.`, 1, { cause: error });
    }
  }
}

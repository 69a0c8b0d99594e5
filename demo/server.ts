/** The help desk on a port: the kit, the page, and what the terminal shows. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { serve } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import { openHelpDesk } from './help-desk.js';
import { printLiveLines } from './live-lines.js';
import { pageFile } from './page-files.js';

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** Finishes what is under way, then closes everything. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly file: string;
  /** Busy: the next free one is taken. 0: any free one. */
  readonly port: number;
  readonly liveLines?: { readonly print: (line: string) => void; readonly colours: boolean };
}

const PORTS_TO_TRY = 50;

export async function startServer({ file, port, liveLines }: ServerOptions): Promise<RunningServer> {
  await mkdir(dirname(file), { recursive: true });
  const kit = await openHelpDesk({ store: await SqliteStore.open(file) });
  const stopLines = liveLines === undefined ? undefined : printLiveLines(kit, liveLines.print, liveLines.colours);
  for (let candidate = port; ; candidate++) {
    try {
      const server = await serve(kit, { port: candidate, pages: pageFile });
      return {
        address: `http://127.0.0.1:${server.port}`,
        port: server.port,
        stop: async () => {
          stopLines?.();
          await kit.drain();
          await server.close();
          await kit.close();
        },
      };
    } catch (error) {
      if (!isPortInUse(error) || candidate >= port + PORTS_TO_TRY) {
        await kit.close();
        throw error;
      }
    }
  }
}

function isPortInUse(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === 'EADDRINUSE') return true;
  }
  return false;
}

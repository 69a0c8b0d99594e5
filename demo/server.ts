/** The help desk on a port: the kit, the page with Studio beside it, and what the terminal shows. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RoomKitError, type RoomKit } from 'roomkit';
import { serve, type RoomKitServer } from 'roomkit/server';
import { SqliteStore } from 'roomkit/sqlite';
import type { DeskModel } from './agents/models.js';
import { openHelpDesk } from './help-desk.js';
import { openLines, type Lines } from './lines.js';
import { printLiveLines, type LineStyle } from './live-lines.js';
import { openShared, type OpenStorage, type SharedStorage } from './storage.js';

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /** The vendors beside the web chat. */
  readonly lines: Lines;
  /** Finishes what is under way, then closes everything. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Of the SQLite store, or the database in its place. */
  readonly storage: { readonly file: string } | SharedStorage;
  /** Busy: the next free one is taken. 0: any free one. */
  readonly port: number;
  /** Who plays the agents; absent: their scripts. */
  readonly model?: DeskModel | undefined;
  readonly liveLines?: { readonly print: (line: string) => void; readonly style: () => LineStyle };
}

/** What the person who started it can mend; the message says how. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

export const PORTS_TO_TRY = 50;
/** As the build leaves it, beside this module. */
export const PAGE = fileURLToPath(new URL('page', import.meta.url));

/** Throws CannotStart for a file, a folder or a port that cannot be used. */
export async function startServer({ storage, port, model, liveLines }: ServerOptions): Promise<RunningServer> {
  const opened = await open(storage).catch(explain);
  const lines = await openLines();
  const kit = await openHelpDesk({ ...opened, model, lines }).catch(explain);
  const server = await listen(kit, port, lines).catch(async (error: unknown) => {
    await kit.close();
    await lines.close();
    return explain(error);
  });
  const address = `http://127.0.0.1:${server.port}`;
  lines.callAt(address);
  const stopLines = liveLines === undefined ? undefined : printLiveLines(kit, liveLines.print, liveLines.style);
  return {
    address,
    lines,
    port: server.port,
    stop: async () => {
      await kit.drain();
      await lines.settled();
      await server.close();
      await kit.close();
      await lines.close();
      stopLines?.();
    },
  };
}

async function open(storage: ServerOptions['storage']): Promise<OpenStorage> {
  if (!('file' in storage)) return openShared(storage);
  await makeFolder(dirname(storage.file));
  return { store: await SqliteStore.open(storage.file) };
}

/** On this port, or on the next one that is free. */
async function listen(kit: RoomKit, port: number, { devices }: Lines): Promise<RoomKitServer> {
  const last = Math.min(port + PORTS_TO_TRY, 65_535);
  for (let candidate = port; ; candidate++) {
    try {
      return await serve(kit, { port: candidate, studio: true, devices, pages: { directory: PAGE } });
    } catch (error) {
      if (!isPortInUse(error)) throw error;
      if (candidate === last)
        throw new CannotStart(`All ports from ${port} to ${last} are in use. Give another one with --port NUMBER.`, { cause: error });
    }
  }
}

function isPortInUse(error: unknown): boolean {
  return error instanceof RoomKitError && error.code === 'conflict';
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder) return;
    throw new CannotStart(
      `The folder '${folder}' for the conversation cannot be made (${code}). Start in a folder you may write to, or name a file elsewhere with --db FILE.`,
      { cause: error },
    );
  }
}

/** What the package says on purpose tells how to mend it; its stack is of no use to who started the demo. */
function explain(error: unknown): never {
  if (error instanceof RoomKitError) throw new CannotStart(error.message, { cause: error });
  throw error;
}

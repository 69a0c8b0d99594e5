/** Debian's redis-server, or the one that `REDIS_SERVER` names. It keeps nothing beyond its end. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

const PROGRAM = process.env['REDIS_SERVER'] ?? 'redis-server';

/** Says what is missing, and how to mend it; undefined where redis-server can be started. */
export function whyNoRedis(): string | undefined {
  return spawnSync(PROGRAM, ['--version'], { timeout: 10_000 }).status === 0
    ? undefined
    : `${PROGRAM} is missing: apt-get install redis-server, or set REDIS_SERVER`;
}

/** Resolves when it takes connections on this port of loopback; `flags` are further words of its command line. Throws with its log. */
export async function startRedis(port: number, flags: readonly string[] = []): Promise<ChildProcess> {
  const given = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  const child = spawn(PROGRAM, [...given, ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log = `${log}${text}`.slice(-10_000);
      if (log.includes('Ready to accept connections')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${PROGRAM} ended with ${String(code)}:\n${log}`)));
  });
  return child;
}

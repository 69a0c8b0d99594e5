/** The webhook of examples/webhook-hosts/next in Next itself, as `next dev` serves it, headless and without telemetry. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { judgeHost, openHostScene } from '../support/webhook-hosts.js';
import { until } from '../support/webhook-port.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** What platforms bring that let processes sleep: Next hands to it what a route gives to \`after\`. Here it tells the test. */
const PLATFORM = `
globalThis[Symbol.for('@next/request-context')] = {
  get: () => ({
    waitUntil(work) {
      console.log('stay awake');
      Promise.resolve(work).finally(() => console.log('go to sleep'));
    },
  }),
};
`;

/** The example as an application of its own, with this package installed; in the repository, where Next finds itself. */
async function install(): Promise<{ application: string; platform: string }> {
  await mkdir(join(ROOT, 'build'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'build', 'next-'));
  opened.push({ close: () => rm(folder, { recursive: true, maxRetries: 5 }) });
  const application = join(folder, 'next');
  const examples = join(ROOT, 'examples', 'webhook-hosts');
  await cp(join(examples, 'help-desk.ts'), join(folder, 'help-desk.ts'));
  await cp(join(examples, 'next'), application, { recursive: true });
  await writeFile(join(application, 'tsconfig.json'), '{ "compilerOptions": { "strict": true, "moduleResolution": "Bundler" } }');
  await writeFile(join(application, 'package.json'), '{ "private": true, "type": "module" }');
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules', 'roomkit'));
  const platform = join(folder, 'platform.mjs');
  await writeFile(platform, PLATFORM);
  return { application, platform };
}

describe('a webhook in Next', () => {
  it('gives to `after` what is to end before the process sleeps', { timeout: 90_000 }, async () => {
    verifies('WHK-03', 'WHK-04', 'WHK-05', 'PV-09');
    const scene = await openHostScene();
    opened.push(scene);
    const { application, platform } = await install();
    const { ROOMKIT_LOG: _, ...environment } = process.env;
    const child = spawn(
      process.execPath,
      [join(ROOT, 'node_modules', 'next', 'dist', 'bin', 'next'), 'dev', '--port', '0', '--hostname', '127.0.0.1'],
      {
        cwd: application,
        env: {
          ...environment,
          ...scene.environment,
          NODE_ENV: 'development',
          NODE_OPTIONS: `--import ${pathToFileURL(platform).href}`,
          NEXT_TELEMETRY_DISABLED: '1',
          NO_COLOR: '1',
        },
        detached: true, // it has children of its own, which are ended with it
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
    opened.push({ close: () => (process.kill(-(child.pid ?? 0), 'SIGKILL'), ended) });
    let logged = '';
    await new Promise<void>((resolve, reject) => {
      const keep = (chunk: Buffer): void => {
        logged += chunk.toString();
        if (/Local: .*:\d+[\s\S]*Ready/.test(logged)) resolve();
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      void ended.then(() => reject(new Error(`Next has ended: ${logged}`)));
    });
    scene.proxy.target = /Local: +(http:\S+)/.exec(logged)?.[1] ?? '';

    const heard = (words: string): number => logged.split(words).length - 1;
    await judgeHost(scene, { whileHeld: () => until(() => heard('stay awake') === 1 && heard('go to sleep') === 0, 'Next is asked to stay awake') });
    await until(() => heard('go to sleep') === 6, 'Next may sleep after every call');
    expect(heard('stay awake')).toBe(6);
    expect(logged).not.toMatch(/warn|error/i);
  });
});

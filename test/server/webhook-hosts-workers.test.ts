/** The webhooks of examples/webhook-hosts/workers in workerd, the program that runs Workers, as wrangler would bundle them. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifies } from '../requirements.js';
import { judgeHost, openHostScene, type HostScene } from '../support/webhook-hosts.js';

/** The binary itself: a program in front of it could be ended without it. Not every system has one. */
const workerd = ((): string => {
  try {
    return (createRequire(import.meta.url)('workerd') as { default: string }).default;
  } catch {
    return '';
  }
})();
const isLeftOut = workerd === '' && process.env['CI'] !== 'true';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const opened: { close(): Promise<unknown> }[] = [];
let scene: HostScene;

beforeEach(async () => {
  scene = await openHostScene();
  opened.push(scene);
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

const HELP_DESK_OBJECT = `
  durableObjectNamespaces = [(className = "HelpDesk", uniqueKey = "help-desk")],
  durableObjectStorage = (inMemory = void)`;

/** Runs an example with what it finds in its environment; gives its address, and what it has logged when asked. */
async function startWorker(example: string, compatibilityDate: string, objects = ''): Promise<{ url: string; logged: () => string }> {
  const folder = await mkdtemp(join(tmpdir(), 'roomkit-worker-'));
  opened.push({ close: () => rm(folder, { recursive: true }) });
  await build({
    entryPoints: [join(ROOT, 'examples', 'webhook-hosts', 'workers', `${example}.ts`)],
    alias: Object.fromEntries(
      ['', '/twilio'].map((path) => [`roomkit${path}`, join(ROOT, 'dist', path === '' ? '' : 'providers', path, 'index.js')]),
    ),
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*', 'cloudflare:*', 'yaml'],
    logLevel: 'error',
  });
  const { PUBLIC_URL: _, ...environment } = scene.environment; // a Worker knows its own address
  const bindings = Object.entries(environment).map(([name, value]) => `(name = "${name}", text = "${value}")`);
  if (objects !== '') bindings.push('(name = "HELP_DESK", durableObjectNamespace = "HelpDesk")');
  await writeFile(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "desk", worker = .desk), (name = "internet", network = (allow = ["private"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "desk")]
);
const desk :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "${compatibilityDate}",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [${bindings.join(', ')}],${objects}
);`,
  );
  return serveIn(folder);
}

/** The program itself tells on its third channel where it listens. */
async function serveIn(folder: string): Promise<{ url: string; logged: () => string }> {
  const child = spawn(workerd, ['serve', '--control-fd=3', 'config.capnp'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  opened.push({ close: () => (child.kill('SIGKILL'), ended) });
  let logged = '';
  const keep = (chunk: Buffer): void => void (logged += chunk.toString());
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let told = '';
  const port = await new Promise<number>((resolve, reject) => {
    (child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      told += chunk.toString();
      const found = /"event":"listen","socket":"http","port":(\d+)/.exec(told)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    void ended.then(() => reject(new Error(`workerd has ended: ${logged}`)));
  });
  return { url: `http://127.0.0.1:${port}`, logged: () => logged };
}

describe.skipIf(isLeftOut)('a webhook in a Worker (left out where there is no workerd for the system)', () => {
  it.each(['2025-09-15', '2026-11-01'])('ends what a call has begun before it sleeps, with everything of its own (%s)', async (date) => {
    verifies('WHK-03', 'WHK-05');
    const { url, logged } = await startWorker('worker', date);
    scene.twilio.webhookUrl = `${url}/webhooks/sms`;
    await judgeHost(scene, { remembers: false });
    expect(await (await fetch(`${url}/`)).text()).toBe('My own page');
    expect(logged()).not.toMatch(/error/i);
  });

  it('remembers in a Durable Object', async () => {
    verifies('WHK-03', 'WHK-05');
    const { url, logged } = await startWorker('durable-object', '2026-11-01', HELP_DESK_OBJECT);
    scene.twilio.webhookUrl = `${url}/webhooks/sms`;
    await judgeHost(scene);
    expect(await (await fetch(`${url}/`)).text()).toBe('My own page');
    expect(logged()).not.toMatch(/error/i);
  });
});

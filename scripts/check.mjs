// Static checks, as many at once as there are cores; the first that fails ends it: format, lint, types, package.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  ['build', process.execPath, ['scripts/build.mjs', '--quiet']],
  ['lint', bin('eslint'), ['.']], // the longest
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['types', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']],
  ["types of the demo's page", bin('tsc'), ['--noEmit', '-p', 'demo/page/tsconfig.json']],
  ['types of the React chat', bin('tsc'), ['--noEmit', '-p', 'examples/react-chat/page/tsconfig.json']],
  ['types of the Next host', bin('tsc'), ['--noEmit', '-p', 'examples/webhook-hosts/next/tsconfig.json']],
  ['types of studio', bin('tsc'), ['--noEmit', '-p', 'studio/tsconfig.json']],
  ['API reference', bin('typedoc'), ['--emit', 'none', '--logLevel', 'Warn']],
  ['publint', bin('publint'), ['--strict']],
  ['attw', bin('attw'), ['--pack', '.', '--profile', 'esm-only', '--quiet']],
];

const running = new Set();
const [first, ...others] = steps; // the others read what is built
report(await run(first));
// A step uses one core: each core takes the next of them.
await Promise.all(Array.from({ length: availableParallelism() }, takeNext));

async function takeNext() {
  for (let step = others.shift(); step !== undefined; step = others.shift()) report(await run(step));
}

function run([name, command, args]) {
  const startedAt = performance.now();
  // What is built stays as it is while others read it: packing would build it again.
  const child = spawn(command, args, { cwd: root, env: { ...process.env, npm_config_ignore_scripts: 'true' }, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (piece) => (output += piece));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      running.delete(child);
      resolve({ name, status, output, seconds: (performance.now() - startedAt) / 1000 });
    });
  });
}

function report({ name, status, output, seconds }) {
  process.stdout.write(output);
  console.log(`check ${name}: ${status === 0 ? 'passed' : 'FAILED'} (${seconds.toFixed(1)} s)`);
  if (status === 0) return;
  for (const child of running) child.kill();
  process.exit(status ?? 1);
}

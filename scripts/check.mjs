// Static checks, one after another; the first that fails ends it: format, lint, types, package.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  ['build', process.execPath, ['scripts/build.mjs', '--quiet']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['types', bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']],
  ["types of the demo's page", bin('tsc'), ['--noEmit', '-p', 'demo/page/tsconfig.json']],
  ['types of the React chat', bin('tsc'), ['--noEmit', '-p', 'examples/react-chat/page/tsconfig.json']],
  ['types of the Next host', bin('tsc'), ['--noEmit', '-p', 'examples/webhook-hosts/next/tsconfig.json']],
  ['types of studio', bin('tsc'), ['--noEmit', '-p', 'studio/tsconfig.json']],
  ['lint', bin('eslint'), ['.']],
  ['API reference', bin('typedoc'), ['--emit', 'none', '--logLevel', 'Warn']],
  ['publint', bin('publint'), ['--strict']],
  ['attw', bin('attw'), ['--pack', '.', '--profile', 'esm-only', '--quiet']],
];

for (const [name, command, args] of steps) {
  const startedAt = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`check ${name}: ${status === 0 ? 'passed' : 'FAILED'} (${seconds} s)`);
  if (status !== 0) process.exit(status ?? 1);
}

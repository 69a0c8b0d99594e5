// Builds the package (src → dist), then the programs that use it as any user would (demo, examples, bench → build).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.argv.includes('--quiet');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

function compile(project) {
  if (!existsSync(join(root, project))) return;
  const startedAt = performance.now();
  const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  if (!quiet) console.log(`built ${project} in ${Math.round(performance.now() - startedAt)} ms`);
}

// An incremental build keeps its notes beside its output; without the output the notes are worthless.
if (!existsSync(join(root, 'dist', 'index.js'))) rmSync(join(root, 'dist'), { recursive: true, force: true });
compile('tsconfig.build.json');
compile('tsconfig.apps.json');
compile('demo/page/tsconfig.json');

// What is not compiled: the page's markup and style.
const page = join(root, 'demo', 'page');
const target = join(root, 'build', 'demo', 'page');
if (existsSync(page)) {
  mkdirSync(target, { recursive: true });
  for (const file of ['index.html', 'style.css']) if (existsSync(join(page, file))) cpSync(join(page, file), join(target, file));
}

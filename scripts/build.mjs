// Builds the package (src → dist), then the programs that use it as any user would (demo, examples, bench → build).
// Types come from tsc, file by file. The code is bundled, one file per subpath and a few for what they share: Node loads
// those four times as fast as two hundred modules.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { buildStudio } from './build-studio.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
const quiet = process.argv.includes('--quiet');
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

async function compile(project) {
  if (!existsSync(join(root, project))) return;
  await timed(project, () => {
    const { status } = spawnSync(process.execPath, [tsc, '-p', project], { cwd: root, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  });
}

/** Every subpath of package.json, and its program. */
async function bundle() {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const compiled = Object.values(exports).flatMap((target) =>
    typeof target === 'object' ? [target.default.slice('./dist/'.length, -'.js'.length)] : [],
  );
  const programs = Object.values(bin).map((path) => path.slice('./dist/'.length, -'.js'.length));
  const input = Object.fromEntries([...compiled, ...programs].map((name) => [name, join(root, 'src', `${name}.ts`)]));
  const build = await rolldown({ input, platform: 'node', external: (id) => !id.startsWith('.') && !isAbsolute(id) });
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    sourcemap: true,
    chunkFileNames: '[name].js',
    // One file per layer: they import each other in one direction only.
    codeSplitting: {
      // What needs Node stays out of them: *.node.ts is loaded when it is used.
      groups: ['core', 'ai', 'channels', 'orchestration'].map((layer) => ({
        name: layer,
        test: new RegExp(`[\\\\/]src[\\\\/]${layer}[\\\\/](?!.*\\.node\\.ts$)`),
      })),
    },
  });
  await build.close();
  removeStale(dist, new Set(output.map(({ fileName }) => join(dist, fileName))));
}

/** Code that no build wrote this time would be loaded by nobody, but published. */
function removeStale(folder, written) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (path === join(dist, 'studio')) continue; // built by itself
    if (entry.isDirectory()) removeStale(path, written);
    else if (/(?<!\.d\.ts)\.map$|\.js$/.test(entry.name) && !written.has(path)) rmSync(path);
  }
}

/** The page of the demo: its program in one file, beside what is not compiled. */
async function bundlePage() {
  const page = join(root, 'demo', 'page');
  const target = join(root, 'build', 'demo', 'page');
  const build = await rolldown({
    input: { app: join(page, 'app.ts') },
    platform: 'browser',
    resolve: { alias: { 'roomkit/client': join(dist, 'client', 'index.js') } },
  });
  // Whole: what an earlier build left there would be served.
  rmSync(target, { recursive: true, force: true });
  await build.write({ dir: target, format: 'esm' });
  await build.close();
  for (const file of ['index.html', 'style.css']) cpSync(join(page, file), join(target, file));
}

async function timed(what, run) {
  const startedAt = performance.now();
  await run();
  if (!quiet) console.log(`built ${what} in ${Math.round(performance.now() - startedAt)} ms`);
}

// An incremental build keeps its notes beside its output; without the output the notes are worthless.
if (!existsSync(join(dist, 'index.d.ts'))) rmSync(dist, { recursive: true, force: true });
await compile('tsconfig.build.json');
await timed('dist', bundle);
await timed('studio', () => buildStudio(root));
await compile('tsconfig.apps.json');
await timed('demo/page', bundlePage);

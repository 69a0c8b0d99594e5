// What `npm start` runs: builds what has changed, then becomes the demo. One process, so that a signal to npm reaches it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'build', '.started');
const demo = join(root, 'build', 'demo', 'main.js');
const outputs = [join(root, 'dist', 'index.js'), join(root, 'dist', 'studio', 'index.html'), demo, stamp];
const inputs = ['src', 'demo', 'servers', 'studio', 'scripts', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.apps.json', 'package-lock.json'];

const parent = process.ppid;
if (!isBuilt()) {
  if (!existsSync(demo)) console.log('Building; the first time this takes a while …\n');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--quiet'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, '');
}
if (process.ppid !== parent) process.exit(143); // npm was ended meanwhile: nobody is there to start for
await import(pathToFileURL(demo).href);

/** Whether everything was built after the last change. */
function isBuilt() {
  if (!outputs.every((file) => existsSync(file))) return false;
  const builtAt = statSync(stamp).mtimeMs;
  return inputs.every((input) => {
    const path = join(root, input);
    const files = statSync(path).isDirectory() ? readdirSync(path, { recursive: true }).map((name) => join(path, String(name))) : [path];
    return files.every((file) => statSync(file).mtimeMs <= builtAt);
  });
}

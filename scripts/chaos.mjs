// npm run chaos -- --seconds 60 --seed 1: real processes over a real PostgreSQL and Redis, under load, while they are killed,
// stopped and cut off. Exits with 1 when something was lost, doubled or out of order.
import { execFileSync } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--quiet'], { stdio: 'inherit' });
const chaos = join(root, 'test', 'chaos');
const build = await rolldown({
  input: { run: join(chaos, 'run.ts'), process: join(chaos, 'process.ts') },
  platform: 'node',
  // The package as it is built, as any user has it.
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
});
const target = join(root, 'build', 'chaos');
await build.write({ dir: target, format: 'esm', sourcemap: true });
await build.close();
await import(pathToFileURL(join(target, 'run.js')).href);

// Builds Studio, the web console (studio → dist/studio), when something of it has changed.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export async function buildStudio(root) {
  const source = join(root, 'studio');
  const target = join(root, 'dist', 'studio');
  if (
    !existsSync(source) ||
    isNewer(join(target, 'index.html'), [source, join(root, 'package-lock.json'), join(root, 'scripts', 'build-studio.mjs')])
  )
    return;
  // Loaded here: a build that has nothing to do does not wait for it.
  const { build } = await import('vite');
  await build({
    root: source,
    base: './',
    configFile: false,
    logLevel: 'warn',
    // The package's own names in `import type` are gone when this runs.
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: target,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      // A data: script or style is not allowed by the page's policy.
      assetsInlineLimit: 0,
    },
  });
}

/** Whether the output was written after everything it is made of. */
function isNewer(output, sources) {
  if (!existsSync(output)) return false;
  const builtAt = statSync(output).mtimeMs;
  return sources.every((source) => {
    const files = statSync(source).isDirectory() ? readdirSync(source, { recursive: true }).map((name) => join(source, String(name))) : [source];
    return files.every((file) => statSync(file).mtimeMs <= builtAt);
  });
}

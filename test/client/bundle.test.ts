/** What a page loads for the client: nothing but itself, and not much of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { describe, expect, it } from 'vitest';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const MAX_GZIP_BYTES = 12 * 1024;

/** The published file, minified as a bundler of pages does. */
async function minified(path: string): Promise<{ code: string; imports: string[] }> {
  const input = join(DIST, path);
  if (!existsSync(input)) throw new Error(`There is no dist/${path}. Run 'npm run build' first; 'npm test' does so by itself.`);
  const build = await rolldown({ input, platform: 'browser', external: ['react'] });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  const [file] = output;
  expect(output).toHaveLength(1);
  return { code: file.code, imports: file.imports };
}

describe('roomkit/client', () => {
  it('is one file without imports, of at most 12 KB gzipped', async () => {
    expect(readFileSync(join(DIST, 'client/index.js'), 'utf8')).not.toMatch(/^\s*(import|export .* from)\b/m);
    const { code, imports } = await minified('client/index.js');
    expect(imports).toEqual([]);
    expect(code).toContain('roomkit.v1');
    const bytes = gzipSync(code, { level: 9 }).length;
    expect(bytes, `${bytes} bytes`).toBeLessThanOrEqual(MAX_GZIP_BYTES);
  });

  it('uses nothing that only Node has', async () => {
    const { code } = await minified('client/index.js');
    expect(code).not.toMatch(/\b(process|Buffer|require|__dirname|setImmediate)\b/);
  });
});

describe('roomkit/react', () => {
  it('is the hooks and nothing else: react is the page’s, and so is the client', async () => {
    const { code, imports } = await minified('client/react/index.js');
    expect(imports).toEqual(['react']);
    expect(code).not.toContain('roomkit.v1');
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(1024);
  });
});

/** Studio beside what a host serves itself: its place, its headers, and who gets the front door. */
import { describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createHandler, serve, studioPages, type PageHandler } from 'roomkit/server';
import { studioFrom } from '../../src/server/studio.js';
import { openKit } from './served-kit.js';

const FILES: Readonly<Record<string, string>> = { 'index.html': '<p>shell</p>', 'assets/app-1234.js': 'run()', 'secret.key': 'hidden' };
const studio = (isHome: boolean): PageHandler =>
  studioFrom(async (path) => (path in FILES ? new Uint8Array(Buffer.from(FILES[path] ?? '')) : undefined), isHome);
const ask = async (page: PageHandler, path: string, method = 'GET'): Promise<Response | undefined> =>
  await page(new Request(`http://localhost${path}`, { method }));

describe('the files of Studio', () => {
  it('lie under /studio/, each with a policy that lets nothing leave the machine', async () => {
    const shell = await ask(studio(false), '/studio/');
    expect(await shell?.text()).toBe('<p>shell</p>');
    const policy = shell?.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*|unsafe/);
    expect(shell?.headers.get('cache-control')).toBe('no-cache');
    const asset = await ask(studio(false), '/studio/assets/app-1234.js');
    expect(asset?.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset?.headers.get('content-type')).toContain('javascript');
    const head = await ask(studio(false), '/studio/', 'HEAD');
    expect([head?.headers.get('content-length'), await head?.text()]).toEqual(['12', '']);
  });

  it('are all there is: no other type, no way out, no writing', async () => {
    for (const path of [
      '/studio/secret.key',
      '/studio/none.js',
      '/studio/../index.html',
      '/studio/%2e%2e/x.js',
      '/studio/.git/x.js',
      '/studios',
      '/x',
    ])
      expect(await ask(studio(true), path), path).toBeUndefined();
    expect(await ask(studio(true), '/studio/', 'POST')).toBeUndefined();
  });

  it('have the front door when the host has no page of its own', async () => {
    expect((await ask(studio(true), '/'))?.headers.get('location')).toBe('/studio/');
    expect((await ask(studio(true), '/studio'))?.headers.get('location')).toBe('/studio/');
    expect(await ask(studio(false), '/')).toBeUndefined();
  });
});

describe.skipIf(!existsSync(fileURLToPath(new URL('../../dist/studio/index.html', import.meta.url))))('serve with Studio', () => {
  it('shows it beside the host’s own pages, and not unless it is asked to', async () => {
    const { kit } = await openKit();
    await using _kit = kit;
    const own: PageHandler = ({ url }) => (new URL(url).pathname === '/' ? new Response('my page') : undefined);
    await using both = await serve(kit, { port: 0, pages: own, studio: true });
    expect(await (await fetch(both.url)).text()).toBe('my page');
    expect((await fetch(`${both.url}/studio/`)).headers.get('content-type')).toContain('text/html');
    await using alone = await serve(kit, { port: 0, studio: true });
    expect((await fetch(alone.url)).url).toBe(`${alone.url}/studio/`);
    await using none = await serve(kit, { port: 0 });
    expect((await fetch(`${none.url}/studio/`)).status).toBe(404);
    // Where the server has authentication, the shell is still there to ask for a key; what it would show is not.
    await using locked = await serve(kit, { port: 0, studio: true, authenticate: () => null });
    expect((await fetch(`${locked.url}/studio/`)).status).toBe(200);
    expect((await fetch(`${locked.url}/api/rooms`)).status).toBe(401);
  });

  it('gives its files to a server around createHandler, and says what is wrong with the option', async () => {
    const { kit } = await openKit();
    await using _kit = kit;
    const handler = createHandler(kit, { pages: await studioPages({ isHome: true }) });
    const answer = await handler(new Request('http://localhost/studio/'), { address: '127.0.0.1' });
    expect([answer.status, answer.headers.get('x-frame-options')]).toEqual([200, 'SAMEORIGIN']);
    await expect(serve(kit, { port: 0, studio: 'yes' as unknown as boolean })).rejects.toThrow('studio is a string. Give true or false.');
  });
});

/**
 * Studio's own files under `/studio/`: the shell anybody may load. What it shows comes from the API, which asks every caller
 * who they are; the files hold nothing of the kit.
 */
import { pagePath, TYPES, type PageHandler, type ReadPage } from './pages.js';

/** Where Studio lives. */
const PLACE = '/studio/';

/** Its own files, its own server, and nothing else: no request leaves the machine. Pages beside it may hold it in a frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/** `read` gives the built files. `isHome`: the host has no page of its own, so `/` leads to Studio. */
export function studioFrom(read: ReadPage, isHome: boolean): PageHandler {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const { pathname } = new URL(request.url);
    if (pathname === '/studio' || (isHome && pathname === '/')) return redirect();
    if (!pathname.startsWith(PLACE)) return undefined;
    const path = pagePath(pathname.slice(PLACE.length - 1));
    const type = path === undefined ? undefined : TYPES[/\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''];
    const bytes = path === undefined || type === undefined ? undefined : await read(path);
    if (path === undefined || type === undefined || bytes === undefined) return undefined;
    return new Response(request.method === 'HEAD' ? null : bytes, {
      headers: {
        'content-type': type,
        'content-length': String(bytes.byteLength),
        // A file below assets/ has the hash of its content in its name: another content is another file.
        'cache-control': path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        'content-security-policy': POLICY,
        'x-frame-options': 'SAMEORIGIN',
      },
    });
  };
}

function redirect(): Response {
  return new Response(null, { status: 302, headers: { location: PLACE } });
}

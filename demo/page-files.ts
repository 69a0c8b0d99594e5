/** Answers requests for the page's own files: the sources' HTML and CSS, the compiled scripts. Nothing else is reachable. */
import { readFile } from 'node:fs/promises';

/** This module runs from build/demo/; the page's sources lie in demo/page/. */
const SOURCES = new URL('../../demo/page/', import.meta.url);
const SCRIPTS = new URL('./page/', import.meta.url);

const SCRIPT_NAMES = ['api', 'app', 'chat', 'detail', 'dom', 'figures', 'names', 'room-head', 'timeline'];

/** Path → file and type. `app.js` lies in the folder page/ and imports `../wire-client.js`: so do the addresses. */
const FILES: ReadonlyMap<string, { readonly file: URL; readonly type: string }> = new Map([
  ['/', { file: new URL('index.html', SOURCES), type: 'text/html; charset=utf-8' }],
  ['/page/style.css', { file: new URL('style.css', SOURCES), type: 'text/css; charset=utf-8' }],
  ['/page/icon.svg', { file: new URL('icon.svg', SOURCES), type: 'image/svg+xml' }],
  ['/wire-client.js', { file: new URL('wire-client.js', SCRIPTS), type: 'text/javascript; charset=utf-8' }],
  ...SCRIPT_NAMES.map((name) => [`/page/${name}.js`, { file: new URL(`page/${name}.js`, SCRIPTS), type: 'text/javascript; charset=utf-8' }] as const),
]);

/** The page may load its own files and talk to its own server, and nothing else. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The file a request is for; undefined when it is for none of them. */
export async function pageFile(request: Request): Promise<Response | undefined> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
  const found = FILES.get(new URL(request.url).pathname);
  if (found === undefined) return undefined;
  return new Response(request.method === 'HEAD' ? null : await readFile(found.file), {
    headers: {
      'content-type': found.type,
      'cache-control': 'no-cache',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
  });
}

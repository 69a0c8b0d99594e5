/** Answers requests for the page's own files, as the build left them. Nothing else is reachable. */
import { readFile } from 'node:fs/promises';

/** This module runs in build/demo/; the page lies in build/demo/page/ and imports `../wire-client.js`. */
const file = (path: string, type: string): [string, { file: URL; type: string }] => [`/${path}`, { file: new URL(path, import.meta.url), type }];
const script = (path: string): [string, { file: URL; type: string }] => file(path, 'text/javascript; charset=utf-8');

const FILES: ReadonlyMap<string, { readonly file: URL; readonly type: string }> = new Map([
  ['/', file('page/index.html', 'text/html; charset=utf-8')[1]],
  file('page/style.css', 'text/css; charset=utf-8'),
  script('wire-client.js'),
  ...['api', 'app', 'chat', 'detail', 'dom', 'figures', 'names', 'room-head', 'timeline'].map((name) => script(`page/${name}.js`)),
]);

/** The page may load its own files and talk to its own server, and nothing else. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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

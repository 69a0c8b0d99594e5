/** A page of the host's own beside the routes: files of one folder, and nothing outside of it. */
import type { Awaitable } from '../core/models/json.js';

/** Answers a GET or HEAD for a page; undefined when it has none at that address. */
export type PageHandler = (request: Request) => Awaitable<Response | undefined>;

/** Reads a file below the folder; undefined when there is none. `path` is relative, with `/`, free of `..`. */
export type ReadPage = (path: string) => Promise<Uint8Array<ArrayBuffer> | undefined>;

/** Media types by a file's extension; what is not listed is not served. */
export const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
};

/** A page loads its own files and talks to its own server. */
const POLICY =
  "default-src 'self'; img-src 'self' data: https:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export function pagesFrom(read: ReadPage): PageHandler {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const path = pagePath(new URL(request.url).pathname);
    if (path === undefined) return undefined;
    const extension = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase();
    const type = extension === undefined ? undefined : TYPES[extension];
    if (type === undefined) return undefined;
    const bytes = await read(path);
    if (bytes === undefined) return undefined;
    return new Response(request.method === 'HEAD' ? null : bytes, {
      headers: { 'content-type': type, 'content-length': String(bytes.byteLength), 'cache-control': 'no-cache', 'content-security-policy': POLICY },
    });
  };
}

/**
 * The file an address names; undefined for what leads elsewhere: `..`, backslashes, NUL, hidden files. A folder is its
 * index.html.
 */
export function pagePath(pathname: string): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (/[\\\0]/.test(path)) return undefined;
  const segments = path.split('/').slice(1);
  if (segments.at(-1) === '') segments[segments.length - 1] = 'index.html';
  return segments.some((segment) => segment === '' || segment.startsWith('.') || segment.includes(':')) ? undefined : segments.join('/');
}

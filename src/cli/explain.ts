/** An error of the user's file in the words they need: what, where in their code, how to mend it; no stack. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { CannotRun } from './say.js';

export function explain(error: unknown, file: string): string {
  if (error instanceof CannotRun) return error.message;
  if (!(error instanceof Error)) return `${file} threw ${String(error)}.`;
  const folder = dirname(file);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return notFound(error.message, folder);
  if (error instanceof SyntaxError && !code.startsWith('ERR_')) return `A syntax error. ${whereSyntaxFails(file, folder) ?? error.message}`;
  if (code.endsWith('_TYPESCRIPT_SYNTAX')) return `A syntax error. ${frameOf(error.stack ?? '', folder) ?? error.message}`;
  const message = stripVTControlCharacters(error.message).replaceAll(`${folder}/`, '');
  const name = error.name === 'Error' || error.name === 'TransformError' || 'retryable' in error ? '' : `${error.name}: `;
  const place = placeIn(error.stack ?? '', folder);
  return `${name}${message}${place === undefined ? '' : `\n  at ${place}`}`;
}

function notFound(message: string, folder: string): string {
  const [, kind, wanted = '', importer = ''] = /^Cannot find (module|package) '([^']+)'(?: imported from (\S+))?/.exec(message) ?? [];
  if (kind === undefined) return message;
  const by = importer === '' ? 'The file' : shortened(importer, folder);
  const isFile = kind === 'module' && /^(\.|\/|file:|[A-Za-z]:\\)/.test(wanted);
  return isFile
    ? `${by} imports ${shortened(wanted, folder)}, and there is no such file.`
    : `${by} imports '${wanted}', which is not installed. Run 'npm install ${wanted}'.`;
}

/** The place of a syntax error is known to Node only when it prints one itself, so each file, and what it imports, is read once more by `node --check`. */
function whereSyntaxFails(file: string, folder: string): string | undefined {
  const files = new Set([file]);
  for (const path of files) {
    if (!/\.[cm]?js$/.test(path) || !existsSync(path)) continue;
    const { status, stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
    const said = status === 0 ? undefined : frameOf(stderr, folder);
    if (said !== undefined) return said;
    const imported = readFileSync(path, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g);
    for (const [, specifier = ''] of imported) files.add(join(dirname(path), specifier)); // the loop comes to these too
  }
  return undefined;
}

/** What Node says above the stack: the file with the line, the code with a mark below it, and what is wrong. */
function frameOf(text: string, folder: string): string | undefined {
  const [, line, code, error] = /^(.*:\d+)\n([\s\S]*?\n)?(SyntaxError.*)$/m.exec(text) ?? [];
  if (line === undefined || error === undefined) return undefined;
  return `${shortened(line, folder)}\n${code ?? ''}${error.replace(/ \[\w+\]/, '')}`;
}

/** The first line of the stack that is the user's own. */
function placeIn(stack: string, folder: string): string | undefined {
  for (const line of stack.split('\n')) {
    const found = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:\\)[^()]+:\d+:\d+)\)?$/.exec(line)?.[1];
    if (found === undefined || found.includes('node_modules')) continue;
    const short = shortened(found, folder);
    if (!/^(\/|\.\.|file:)/.test(short)) return short;
  }
  return undefined;
}

function shortened(path: string, folder: string): string {
  const plain = path.startsWith('file:') ? fileURLToPath(path) : path;
  return relative(folder, plain.replace(/\?[^:]*/, '')) || plain;
}

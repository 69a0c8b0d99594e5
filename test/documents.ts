/**
 * The repository's documents as tests read them: which there are, their headings, links and code blocks, and what an
 * example's region says. The convention of code blocks is told in CONTRIBUTING.md.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What is made, installed or kept by a running demo. */
const NOT_OURS = new Set(['node_modules', 'dist', 'build', 'coverage', '.git', '.roomkit']);

export interface Document {
  /** From the root of the repository, such as `docs/hooks.md`. */
  readonly path: string;
  readonly text: string;
}

export interface CodeBlock {
  /** The line of its opening fence, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What the comment above it names, such as `examples/first-steps.ts#kit`. */
  readonly origin: string | undefined;
  /** The example that prints this, such as `examples/first-steps.ts`. */
  readonly outputOf: string | undefined;
}

/** Every Markdown file of the repository, and llms.txt, which is Markdown too. */
export function allDocuments(): Document[] {
  const paths = readdirSync(ROOT, { recursive: false, withFileTypes: true })
    .filter((entry) => !NOT_OURS.has(entry.name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: 'utf8' }).map((path) => `${entry.name}/${path.replaceAll('\\', '/')}`)
        : [entry.name],
    )
    .filter((path) => path.endsWith('.md') || path === 'llms.txt');
  return paths.sort().map((path) => ({ path, text: readText(path) }));
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

const FENCE = /^( *)(`{3,})(\w*)[^\n]*\n([\s\S]*?)^\1\2 *$/gm;
const ORIGIN = /^ *<!-- ([\w./-]+\.\w+(?:#[\w-]+)?) -->$/;
const OUTPUT = /^ *<!-- output of ([\w./-]+\.ts) -->$/;

/** The fenced blocks of a document, each with the comment in the line above it. */
export function codeBlocks(text: string): CodeBlock[] {
  return [...text.matchAll(FENCE)].map((match) => {
    const above = text.slice(0, match.index).split('\n');
    return {
      line: above.length,
      language: match[3] ?? '',
      code: match[4] ?? '',
      origin: ORIGIN.exec(above.at(-2) ?? '')?.[1],
      outputOf: OUTPUT.exec(above.at(-2) ?? '')?.[1],
    };
  });
}

/** The document with each block that names its origin replaced by what stands there today. */
export function filledIn(document: Document): string {
  let result = '';
  let written = 0;
  for (const match of document.text.matchAll(FENCE)) {
    const above = document.text.slice(0, match.index).split('\n');
    const origin = ORIGIN.exec(above.at(-2) ?? '')?.[1];
    if (origin === undefined) continue;
    const indent = match[1] ?? '';
    const code = snippet(origin, `${document.path}:${above.length}`).replace(/^(?=.)/gm, indent);
    const start = match.index + match[0].indexOf('\n') + 1;
    result += document.text.slice(written, start) + code;
    written = start + (match[4] ?? '').length;
  }
  return result + document.text.slice(written);
}

/** `path` is the whole file, `path#name` its region of that name; a name used twice joins the parts with an empty line. */
export function snippet(origin: string, asked: string): string {
  const [path = '', region] = origin.split('#');
  if (!existsSync(join(ROOT, path))) throw new Error(`${asked} takes its code from ${path}, which does not exist.`);
  const lines = readText(path).trimEnd().split('\n');
  const parts = region === undefined ? [lines.filter((line) => !isMark(line))] : regionsOf(lines, region);
  if (parts.length === 0) throw new Error(`${asked} takes its code from the region '${region}' of ${path}; write '// #region ${region}' there.`);
  return parts.map((part) => `${dedent(part)}\n`).join('\n');
}

const MARK = /^\s*(?:\/\/|<!--|#) #(region|endregion)(?: ([\w-]+))?/;
const isMark = (line: string): boolean => MARK.test(line);

function regionsOf(lines: readonly string[], name: string): string[][] {
  const parts: string[][] = [];
  const open: string[] = [];
  for (const line of lines) {
    const [, mark, region = ''] = MARK.exec(line) ?? [];
    if (mark === 'region') {
      open.push(region);
      if (region === name) parts.push([]);
    } else if (mark === 'endregion') open.pop();
    else if (open.includes(name)) parts.at(-1)?.push(line);
  }
  if (open.length > 0) throw new Error(`The region '${open.join("', '")}' is never closed: write '// #endregion' under it.`);
  return parts;
}

/** Takes away what all lines are indented by, and empty lines at both ends. */
function dedent(lines: readonly string[]): string {
  const depth = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return lines
    .map((line) => line.slice(depth))
    .join('\n')
    .replace(/^\n+|\s+$/g, '');
}

/** What a document links to; code is not read for links. */
export function linksOf(text: string): string[] {
  const prose = withoutCode(text);
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g)].map((match) => match[1] ?? '');
  const named = [...prose.matchAll(/^\[[^\]]+\]: (\S+)/gm)].map((match) => match[1] ?? '');
  return [...inline, ...named];
}

/** The anchors of a document's headings, made as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replace(FENCE, '').matchAll(/^#{1,6} (.+?) *#*$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Why a link leads nowhere, or undefined for one that does not. */
export function brokenLink(from: Document, link: string): string | undefined {
  if (/^[a-z]+:/i.test(link)) return undefined;
  const [path = '', anchor] = decodeURIComponent(link).split('#');
  const target = path === '' ? from.path : relative(ROOT, join(ROOT, dirname(from.path), path));
  if (!existsSync(join(ROOT, target))) return `${from.path} links to ${link}, and there is no ${target}`;
  if (anchor === undefined || !/\.(md|txt)$/.test(target)) return undefined;
  return anchorsOf(readText(target)).has(anchor) ? undefined : `${from.path} links to ${link}, and ${target} has no such heading`;
}

function withoutCode(text: string): string {
  return text.replace(FENCE, '').replace(/`[^`\n]*`/g, '');
}

/** Only the quickstart stands word for word in the README, without a comment at its end. */
const PRINTED_BY_QUICKSTART = 'Handoff accepted: true';

/**
 * The lines under an example's `// prints:`, to which test/examples.test.ts holds what it prints; `…` stands for what differs
 * from run to run, and what the kit logs begins with `roomkit `.
 */
export function outputOf(example: string): string {
  if (example === 'examples/quickstart.ts') return PRINTED_BY_QUICKSTART;
  const [, comment] = /\n\/\/ prints:\n((?:\/\/.*\n)*)$/.exec(readText(example)) ?? [];
  if (comment === undefined) throw new Error(`${example} does not end with '// prints:' and what it prints, a comment per line.`);
  return comment.trimEnd().replace(/^\/\/ ?/gm, '');
}

/** The first of these lines that does not come in the text, each one after the line before; undefined when all do. */
export function missingLine(lines: readonly string[], text: string): string | undefined {
  const printed = text.split('\n');
  let next = 0;
  return lines.find((line) => {
    const found = printed.indexOf(line, next);
    if (found >= 0) next = found + 1;
    return found < 0;
  });
}

/** Every example is a story that ends by itself and prints what it says at its end; every feature has a page and an example. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { allDocuments, codeBlocks, outputOf } from './documents.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const examples = readdirSync(`${ROOT}examples`)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

/** What was printed, with each line that fits its promise in the promise's words, so that a difference reads well. */
function inWordsOf(promise: readonly string[], printed: readonly string[]): string[] {
  return printed.map((line, position) => {
    const wanted = promise[position];
    if (wanted === undefined) return line;
    const pattern = wanted
      .split('…')
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    return new RegExp(`^${pattern}$`).test(line) ? wanted : line;
  });
}

/** What every process has of its machine; TEST_POSTGRES_URL is where some have their database. */
const SYSTEM = new Set(['PATH', 'HOME', 'USER', 'TMPDIR', 'TEMP', 'TMP', 'LANG', 'CI', 'SystemRoot', 'TEST_POSTGRES_URL']);

const isLogged = (line: string): boolean => line.startsWith('roomkit ');

async function run(example: string): Promise<{ code: number | null; printed: string[]; logged: string[] }> {
  const file = `${ROOT}build/examples/${example}.js`;
  if (!existsSync(file)) throw new Error(`${file} is not there. Build first: node scripts/build.mjs`);
  // Nothing of what other tests have set: a key, or the address of a proxy.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => SYSTEM.has(name)));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], { env: { ...env, PORT: '0' }, timeout: 60_000 });
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const lines = (text: string): string[] => (text === '' ? [] : text.trimEnd().split('\n'));
  return { code, printed: lines(out), logged: lines(errors) };
}

describe.concurrent('the examples', () => {
  it.each(examples)(
    '%s ends by itself and prints what it says',
    async (example) => {
      const promise = outputOf(`examples/${example}.ts`).split('\n');
      const { code, printed, logged } = await run(example);
      const toLog = promise.filter(isLogged);
      const toPrint = promise.filter((line) => !isLogged(line));
      expect(inWordsOf(toLog, logged), `It has printed:\n${printed.join('\n')}`).toEqual(toLog);
      expect(inWordsOf(toPrint, printed)).toEqual(toPrint);
      expect(code).toBe(0);
    },
    90_000,
  );
});

describe('the guides', () => {
  const documents = allDocuments();
  const origins = (text: string): string[] => codeBlocks(text).flatMap(({ origin }) => origin?.split('#')[0] ?? []);

  it('each begin with code that runs', () => {
    const guides = documents.filter(({ path }) => path.startsWith('docs/guides/'));
    expect(guides.length).toBeGreaterThan(20);
    expect(guides.filter(({ text }) => codeBlocks(text)[0]?.origin === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('leave no example without a page', () => {
    // An example of several files is shown by them.
    const shown = new Set(documents.flatMap(({ text }) => origins(text)).map((origin) => origin.replace(/^(examples\/[^/.]+)\/.*$/, '$1.ts')));
    expect(examples.filter((example) => example !== 'quickstart' && !shown.has(`examples/${example}.ts`))).toEqual([]);
  });
});

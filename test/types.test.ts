/**
 * Types as promises: the files of test/types compile, and each of their errors is the one that is expected. The compiler
 * itself says when an expected error no longer happens; that it would is proved here.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, diagnosticsOf, publicApi, typeTestFiles } from './support/public-api.js';

const EXPECTED = /^( *)\/\/ @ts-expect-error (\d+): (\S.*)$/;

interface Expectation {
  readonly file: string;
  /** The line after the directive, from 1. */
  readonly line: number;
  readonly code: number;
}

/** Each directive says the compiler's code, and in words what is wrong. */
function expectations(file: string): Expectation[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text, position) => {
      if (!text.includes('@ts-expect-error') || !text.trimStart().startsWith('//')) return [];
      const [, , code] = EXPECTED.exec(text) ?? [];
      if (code === undefined) throw new Error(`${file}:${position + 1} does not say which error it expects: // @ts-expect-error 2345: why`);
      return [{ file, line: position + 2, code: Number(code) }];
    });
}

const shortly = ({ file, line, code }: Expectation): string => `${basename(file)}:${line} ${code}`;
const expected = typeTestFiles.flatMap(expectations);

describe('the types', () => {
  it('hold what test/types says of them', () => {
    expect(diagnosticsOf(publicApi().program, typeTestFiles)).toEqual([]);
    expect(expected.length).toBeGreaterThan(60);
  });

  it('fail for the reason that is given, each of them', () => {
    // Without their directives, all the errors that were expected have to show, and nothing else.
    const bare = new Map(typeTestFiles.map((file) => [file, readFileSync(file, 'utf8').replaceAll('@ts-expect-error', 'expected:')]));
    const found = diagnosticsOf(compile(bare), typeTestFiles);
    const where = (list: readonly Expectation[]): string[] => [...new Set(list.map(shortly))].sort();
    expect(where(found)).toEqual(where(expected));
  });

  it('would fail if an expected error were mended', () => {
    const [file = ''] = typeTestFiles.filter((path) => path.endsWith('hooks.ts'));
    const mended = readFileSync(file, 'utf8').replace(
      "kit.hook('before_tts', () => HookResult.modify(7));",
      "kit.hook('before_tts', () => HookResult.modify('7'));",
    );
    const unused = diagnosticsOf(compile(new Map([[file, mended]])), [file]);
    expect(unused.map(({ code, message }) => `${code} ${message}`)).toEqual(["2578 Unused '@ts-expect-error' directive."]);
  });
});

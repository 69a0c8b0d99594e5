/** The documents: their links lead somewhere, their code is code that runs. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TRIGGERS } from '../src/core/hooks/triggers.js';
import { allDocuments, anchorsOf, brokenLink, codeBlocks, filledIn, linksOf, missingLine, outputOf, readText, snippet } from './documents.js';
import { sourceCodes } from './error-codes.js';

const documents = allDocuments();

describe('the links in the documents', () => {
  it.each(documents)('of $path lead to a file and a heading', (document) => {
    expect(linksOf(document.text).flatMap((link) => brokenLink(document, link) ?? [])).toEqual([]);
  });

  it('of the index reach every page', () => {
    const index = linksOf(readText('docs/README.md')).map((link) => `docs/${link}`);
    const pages = documents.map(({ path }) => path).filter((path) => /^docs\/(guides\/)?[\w-]+\.md$/.test(path) && path !== 'docs/README.md');
    expect(pages.filter((path) => !index.includes(path))).toEqual([]);
  });

  it('are found where they are wrong', () => {
    const at = (text: string): (string | undefined)[] => linksOf(text).map((link) => brokenLink({ path: 'docs/x.md', text }, link));
    expect(linksOf('[a](b.md) `[c](d.md)` ![e](f.png "g") <https://h> [i]\n\n[i]: j.md\n```ts\n[k](l.md)\n```\n')).toEqual(['b.md', 'f.png', 'j.md']);
    expect(at('[x](../README.md) [x](../README.md#quickstart) [x](https://example.com/none) [x](../examples)')).toEqual(Array(4).fill(undefined));
    expect(at('[x](none.md)')).toEqual(['docs/x.md links to none.md, and there is no docs/none.md']);
    expect(at('[x](../README.md#slowstart)')).toEqual(['docs/x.md links to ../README.md#slowstart, and README.md has no such heading']);
    expect([...anchorsOf('# A `b` & [c](d.md)!\n## Same\n## Same\n')]).toEqual(['a-b--c', 'same', 'same-1']);
  });
});

it.each(documents)('$path is one version, and no two that were put together', ({ text }) => {
  expect(text.split('\n').filter((line) => /^(<{7}|={7}|>{7})( |$)/.test(line))).toEqual([]);
});

describe('the code in the documents', () => {
  // `npx vitest run test/docs.test.ts -u` writes the blocks anew from the examples.
  it.each(documents)('of $path is what its example says', async (document) => {
    await expect(filledIn(document)).toMatchFileSnapshot(fileURLToPath(new URL(`../${document.path}`, import.meta.url)));
  });

  it('names the example it is taken from, wherever docs show TypeScript or JavaScript', () => {
    // The rules show declarations; the README's quickstart has a test of its own.
    const told = documents.filter(({ path }) => !path.startsWith('docs/rfc/') && path !== 'README.md');
    const blocks = told.flatMap(({ path, text }) => codeBlocks(text).map((block) => ({ path, ...block })));
    const loose = blocks.filter(({ language, origin }) => /^(ts|tsx|typescript|js|jsx|mjs|javascript)$/.test(language) && origin === undefined);
    expect(loose.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
  });

  it('is taken from examples, which are compiled and run', () => {
    const origins = documents.flatMap(({ text }) => codeBlocks(text).flatMap(({ origin }) => origin ?? []));
    expect(origins.filter((origin) => !origin.startsWith('examples/'))).toEqual([]);
  });

  const outputs = documents.flatMap(({ path, text }) =>
    codeBlocks(text).flatMap((block) =>
      block.outputOf === undefined ? [] : [{ path, line: block.line, code: block.code, example: block.outputOf }],
    ),
  );
  it('shows of what examples print only what they print', () => {
    const missing = outputs.flatMap(({ path, line, code, example }) => {
      const absent = missingLine(code.trimEnd().split('\n'), outputOf(example));
      return absent === undefined ? [] : [`${path}:${line} shows “${absent}”, which ${example} does not print there`];
    });
    expect(missing).toEqual([]);
  });

  it('is read as the convention says', () => {
    expect(codeBlocks('a\n\n<!-- examples/quickstart.ts -->\n```ts\nx\n```\n\n```sh\ny\n```\n')).toEqual([
      { line: 4, language: 'ts', code: 'x\n', origin: 'examples/quickstart.ts', outputOf: undefined },
      { line: 8, language: 'sh', code: 'y\n', origin: undefined, outputOf: undefined },
    ]);
    const stale = { path: 'docs/x.md', text: 'a\n<!-- examples/quickstart.ts -->\n```ts\nstale\n```\nb\n' };
    expect(filledIn(stale)).toBe(`a\n<!-- examples/quickstart.ts -->\n\`\`\`ts\n${snippet('examples/quickstart.ts', 'here')}\`\`\`\nb\n`);
    expect(() => snippet('examples/quickstart.ts#none', 'docs/x.md:3')).toThrow("docs/x.md:3 takes its code from the region 'none'");
    expect([missingLine(['a', 'c'], 'a\nb\nc'), missingLine(['c', 'a'], 'a\nb\nc'), missingLine(['a', 'a'], 'a\nb')]).toEqual([undefined, 'a', 'a']);
    expect(() => snippet('examples/none.ts', 'docs/x.md:3')).toThrow('examples/none.ts, which does not exist');
  });
});

describe('docs/hooks.md', () => {
  const rows = [...readText('docs/hooks.md').matchAll(/^\| `(\w+)` \| (\w+)(, detached)? \| (.+?) \| (.+?) \| (\w+) \|$/gm)];

  it('lists each trigger once, with its kind and what a failing hook means', () => {
    const listed = rows.map(([, trigger, kind, detached, , , failure]) => ({ trigger, kind, detached: detached !== undefined, failure }));
    const table = Object.entries(TRIGGERS).map(([trigger, { kind, detached, failure }]) => ({
      trigger,
      kind,
      detached,
      failure: failure === 'log' ? 'logged' : failure,
    }));
    const byName = (one: { trigger: string | undefined }, other: { trigger: string | undefined }): number =>
      String(one.trigger).localeCompare(String(other.trigger));
    expect(listed.sort(byName)).toEqual(table.sort(byName));
  });

  it('names the type of each payload', () => {
    const declared = new Map(
      [...readText('src/core/hooks/triggers.ts').matchAll(/^ {2}(\w+): (?:Gate|LenientGate|IdentityGate|Notice)(?:<(?:voice\.)?(\w+).*>)?;$/gm)].map(
        ([, trigger, payload]) => [trigger, payload ?? 'RoomEvent'],
      ),
    );
    expect([...declared.keys()].sort()).toEqual(Object.keys(TRIGGERS).sort());
    for (const [, trigger, , , payload] of rows) expect(payload, trigger).toContain(`\`${declared.get(trigger)}`);
  });
});

describe('docs/errors.md', () => {
  const text = readText('docs/errors.md');
  const rows = [...text.matchAll(/^\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)];
  const documented = rows.map(([, code]) => code ?? '');
  const source = sourceCodes();

  it('has every code that is thrown, returned or answered, once', () => {
    expect(documented.filter((code, position) => documented.indexOf(code) !== position)).toEqual([]);
    expect([...source.used].filter(([code]) => !documented.includes(code)).map(([code, where]) => `${code} (${where})`)).toEqual([]);
    expect(source.used.size).toBeGreaterThan(70);
  });

  it('has those of the fixed strings that this version uses', () => {
    const fixed = [...readText('docs/rfc/27-fixed-strings.md').matchAll(/^\| (?:InboundResult|RoomEvent|DeliveryResult|Turn)\b[^|]*\| (.+) \|$/gm)];
    const codes = fixed.flatMap(([, cell = '']) => [...cell.matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g)].map(([code]) => code));
    expect(codes).toContain('reentry_loop_cap');
    const used = codes.filter((code) => source.literals.has(code));
    expect(used.filter((code) => !documented.includes(code))).toEqual([]);
  });

  it('has no code that does not exist', () => {
    expect(documented.filter((code) => !source.literals.has(code))).toEqual([]);
  });

  it('names the class and the HTTP status of each', async () => {
    const { statusOf } = await import('../src/server/problem.js');
    const statuses = [...readText('src/server/problem.ts').matchAll(/^ {2}([a-z_]+): \d{3},$/gm)].map(([, code]) => code ?? '');
    expect(statuses.length).toBeGreaterThan(10);
    for (const code of statuses) expect(rows.find((row) => row[1] === code)?.[2], code).toContain(`HTTP ${statusOf(code)}`);
    for (const [, code = '', where = ''] of rows) {
      const className = source.classes.get(code);
      if (className !== undefined) expect(where, code).toContain(`\`${className}\``);
      const status = /HTTP (\d+)/.exec(where)?.[1];
      if (status !== undefined) expect(Number(status), code).toBe(statusOf(code));
    }
  });
});
